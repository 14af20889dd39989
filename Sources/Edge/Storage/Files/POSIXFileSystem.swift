import CLMDB

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The operating system's files.
package struct POSIXFileSystem: FileSystem {
    package init() {}

    package func open(_ path: String, _ access: FileAccess) throws(StorageError) -> OpenFile {
        let flags =
            switch access {
            case .read: O_RDONLY
            case .write: O_RDWR | O_CREAT
            case .replace: O_RDWR | O_CREAT | O_TRUNC
            }
        let descriptor = openDescriptor(path, flags | O_CLOEXEC)
        guard descriptor >= 0 else { throw StorageError(errno, "open", path) }
        return OpenFile(descriptor: descriptor, path: path)
    }

    package func size(of file: OpenFile) throws(StorageError) -> Int {
        var status = stat()
        guard fstat(file.descriptor, &status) == 0 else { throw StorageError(errno, "fstat", file.path) }
        return Int(status.st_size)
    }

    package func read(
        _ file: OpenFile, at offset: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = pread(file.descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            if count == 0 { break }
            if count > 0 {
                done += count
            } else if errno != EINTR {
                throw StorageError(errno, "pread", file.path)
            }
        }
        return done
    }

    package func write(
        _ buffer: UnsafeRawBufferPointer, to file: OpenFile, at offset: Int
    ) throws(StorageError) {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeRawBufferPointer(rebasing: buffer[done...])
            let count = pwrite(file.descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            if count > 0 {
                done += count
            } else if count == 0 {
                throw .diskFull(call: "pwrite", path: file.path)
            } else if errno != EINTR {
                throw StorageError(errno, "pwrite", file.path)
            }
        }
    }

    package func synchronize(_ file: OpenFile) throws(StorageError) {
        #if os(Linux)
            guard fdatasync(file.descriptor) == 0 else { throw StorageError(errno, "fdatasync", file.path) }
        #else
            guard fcntl(file.descriptor, F_FULLFSYNC) == 0 else {
                throw StorageError(errno, "fsync", file.path)
            }
        #endif
    }

    package func synchronizeFolder(_ path: String) throws(StorageError) {
        let folder = try open(path, .read)
        guard fsync(folder.descriptor) == 0 else { throw StorageError(errno, "fsync", path) }
    }

    package func truncate(_ file: OpenFile, to size: Int) throws(StorageError) {
        guard ftruncate(file.descriptor, off_t(size)) == 0 else {
            throw StorageError(errno, "ftruncate", file.path)
        }
    }

    package func preallocate(_ file: OpenFile, at offset: Int, count: Int) throws(StorageError) -> Bool {
        #if os(Linux)
            if storage_reserve(file.descriptor, off_t(offset), off_t(count)) == 0 { return true }
            // Less room than asked for may still do for the next write, which reports for itself.
            guard [EOPNOTSUPP, ENOSYS, ENOSPC, EDQUOT].contains(errno) else {
                throw StorageError(errno, "fallocate", file.path)
            }
        #endif
        return false
    }

    package func rename(_ path: String, to newPath: String) throws(StorageError) {
        guard renameFile(path, newPath) == 0 else { throw StorageError(errno, "rename", path) }
    }

    package func remove(_ path: String) throws(StorageError) {
        guard unlink(path) != 0, errno != ENOENT else { return }
        // Linux says EISDIR, POSIX EPERM.
        guard errno == EISDIR || errno == EPERM, rmdir(path) == 0 else {
            throw StorageError(errno, "unlink", path)
        }
    }

    package func names(in folder: String) throws(StorageError) -> [String] {
        guard let stream = opendir(folder) else { throw StorageError(errno, "opendir", folder) }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw StorageError(errno, "readdir", folder) }
        return names.sorted()
    }

    package func createFolder(_ path: String) throws(StorageError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw StorageError(errno, "mkdir", path) }
    }

    package func lock(_ file: OpenFile) throws(StorageError) -> Bool {
        // A process that is just ending, or a child between fork and exec, holds the lock for a moment
        // longer.
        for _ in 0..<200 {
            if flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
            guard errno == EWOULDBLOCK || errno == EINTR else {
                throw StorageError(errno, "flock", file.path)
            }
            usleep(10_000)
        }
        return false
    }

    package func before(_ call: LMDBCall, in path: String) {}
}

extension StorageError {
    /// The error of a system call; a full disk or quota is told apart.
    init(_ number: Int32, _ call: String, _ path: String) {
        self =
            number == ENOSPC || number == EDQUOT
            ? .diskFull(call: call, path: path) : .system(call: call, path: path, errno: number)
    }
}

// These stand outside the type, where its own methods of the same names do not hide the system's.

private func openDescriptor(_ path: String, _ flags: Int32) -> Int32 { open(path, flags, 0o600) }

private func renameFile(_ path: String, _ newPath: String) -> Int32 { rename(path, newPath) }

/// Nothing can be done about a failing close: what mattered was synchronised before.
func closeDescriptor(_ descriptor: Int32) { _ = close(descriptor) }

func systemMessage(_ number: Int32) -> String { String(cString: strerror(number)) }

func processIdentifier() -> Int32 { getpid() }

func compareBytes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer, count: Int) -> Int {
    guard count > 0, let left = left.baseAddress, let right = right.baseAddress else { return 0 }
    return Int(memcmp(left, right, count))
}
