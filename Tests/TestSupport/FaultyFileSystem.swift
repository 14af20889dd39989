import Foundation
import Storage
import Synchronization

/// The real file system with one call that fails, and a memory of what was not synchronised.
package final class FaultyFileSystem: FileSystem {
    package enum Fault: CaseIterable, Sendable {
        /// The call fails with EIO and does nothing.
        case error
        /// A write puts half of its bytes and fails with EIO.
        case shortWrite
        /// A write puts half of its bytes; the disk is full.
        case noSpace
        /// As `noSpace`, and from then on every write and every call that needs room fails.
        case noSpaceFromThen
    }

    private struct State {
        var calls = 0
        var hasFailed = false
        /// What failed first.
        var failed = ""
        /// By path: the bytes up to here are on the disk.
        var synced: [String: Int] = [:]
        var syncCount = 0
    }

    private let real = POSIXFileSystem()
    private let failingCall: Int?
    private let fault: Fault
    private let state = Mutex(State())

    /// - Parameter failingCall: Counted from 0; nil fails none.
    package init(failingCall: Int? = nil, fault: Fault = .error) {
        (self.failingCall, self.fault) = (failingCall, fault)
    }

    package var hasFailed: Bool { state.withLock { $0.hasFailed } }
    /// The call that failed, and its file; empty where none has.
    package var failed: String { state.withLock { $0.failed } }
    /// How many synchronisations of files there were.
    package var syncCount: Int { state.withLock { $0.syncCount } }
    /// Bytes of a file that are on the disk; nil where it was never synchronised here.
    package func syncedSize(_ path: String) -> Int? { state.withLock { $0.synced[path] } }

    private func error(_ call: String, _ path: String) -> StorageError {
        switch fault {
        case .error, .shortWrite: .system(call: call, path: path, errno: EIO)
        case .noSpace, .noSpaceFromThen: .diskFull(call: call, path: path)
        }
    }

    private func fails(_ call: String, _ path: String, needsRoom: Bool) -> Bool {
        state.withLock { state in
            defer { state.calls += 1 }
            if state.hasFailed { return fault == .noSpaceFromThen && needsRoom }
            state.hasFailed = state.calls == failingCall
            if state.hasFailed { state.failed = "\(call) \(path)" }
            return state.hasFailed
        }
    }

    private func pass(
        _ call: String, _ path: String, needsRoom: Bool = false
    ) throws(StorageError) {
        if fails(call, path, needsRoom: needsRoom) { throw error(call, path) }
    }

    package func open(_ path: String, _ access: FileAccess) throws(StorageError) -> OpenFile {
        try pass("open", path, needsRoom: access == .replace)
        return try real.open(path, access)
    }

    package func size(of file: OpenFile) throws(StorageError) -> Int {
        try pass("fstat", file.path)
        return try real.size(of: file)
    }

    package func read(
        _ file: OpenFile, at offset: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        try pass("pread", file.path)
        return try real.read(file, at: offset, into: buffer)
    }

    package func write(_ buffer: UnsafeRawBufferPointer, to file: OpenFile, at offset: Int)
        throws(StorageError)
    {
        if fails("pwrite", file.path, needsRoom: true) {
            if fault != .error {
                let half = UnsafeRawBufferPointer(rebasing: buffer[..<(buffer.count / 2)])
                try real.write(half, to: file, at: offset)
            }
            throw error("pwrite", file.path)
        }
        try real.write(buffer, to: file, at: offset)
    }

    package func synchronize(_ file: OpenFile) throws(StorageError) {
        try pass("fdatasync", file.path)
        let size = try real.size(of: file)
        state.withLock { state in
            state.synced[file.path] = size
            state.syncCount += 1
        }
    }

    package func synchronizeFolder(_ path: String) throws(StorageError) { try pass("fsync", path) }

    package func truncate(_ file: OpenFile, to size: Int) throws(StorageError) {
        try pass("ftruncate", file.path)
        try real.truncate(file, to: size)
        state.withLock { state in
            if let synced = state.synced[file.path] { state.synced[file.path] = min(synced, size) }
        }
    }

    package func preallocate(_ file: OpenFile, at offset: Int, count: Int) throws(StorageError) -> Bool {
        try pass("fallocate", file.path, needsRoom: true)
        return try real.preallocate(file, at: offset, count: count)
    }

    package func rename(_ path: String, to newPath: String) throws(StorageError) {
        try pass("rename", path, needsRoom: true)
        try real.rename(path, to: newPath)
        state.withLock { state in state.synced[newPath] = state.synced.removeValue(forKey: path) }
    }

    package func remove(_ path: String) throws(StorageError) {
        try pass("unlink", path)
        try real.remove(path)
    }

    package func names(in folder: String) throws(StorageError) -> [String] {
        try pass("readdir", folder)
        return try real.names(in: folder)
    }

    package func createFolder(_ path: String) throws(StorageError) {
        try pass("mkdir", path, needsRoom: true)
        try real.createFolder(path)
    }

    package func lock(_ file: OpenFile) throws(StorageError) -> Bool {
        try pass("flock", file.path)
        return try real.lock(file)
    }

    package func before(_ call: LMDBCall, in path: String) throws(StorageError) {
        try pass(call.rawValue, path, needsRoom: [.put, .commit, .copy].contains(call))
    }
}

extension FaultyFileSystem {
    /// Copies a folder as a power cut would leave it: of what each file holds beyond its last
    /// synchronisation, some sectors are there, some are zeros, and the end is anywhere.
    package func crash(_ folder: String, to copy: String, _ random: inout SeededGenerator) throws {
        try FileManager.default.copyItem(atPath: folder, toPath: copy)
        for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: folder + "/" + name, isDirectory: &isFolder)
            guard !isFolder.boolValue, let kept = syncedSize(folder + "/" + name) else { continue }
            var bytes = try Disk.bytes(copy + "/" + name)
            guard bytes.count > kept else { continue }
            for start in stride(from: kept / 512 * 512, to: bytes.count, by: 512)
            where Bool.random(using: &random) {
                for index in max(start, kept)..<min(start + 512, bytes.count) { bytes[index] = 0 }
            }
            bytes.removeSubrange(Int.random(in: kept...bytes.count, using: &random)...)
            try Disk.write(bytes, to: copy + "/" + name)
        }
    }
}
