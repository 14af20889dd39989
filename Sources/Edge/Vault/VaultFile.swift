import Codec
import Cryptography
import Foundation

/// One open file, closed when it goes out of scope.
struct VaultFile: ~Copyable {
    let path: String
    private let descriptor: Int32

    /// - Throws: `vault.not_found` where there is no such file.
    init(reading path: String) throws(VaultError) { try self.init(path, O_RDONLY) }

    /// Opens a file to overwrite what is in it.
    /// - Throws: `vault.not_found` where there is no such file.
    init(overwriting path: String) throws(VaultError) { try self.init(path, O_WRONLY) }

    /// A new file that only this user may read.
    init(creating path: String) throws(VaultError) { try self.init(path, O_WRONLY | O_CREAT | O_EXCL) }

    private init(_ path: String, _ flags: Int32) throws(VaultError) {
        self.path = path
        descriptor = open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            if errno == ENOENT && flags & O_CREAT == 0 { throw VaultError(.notFound, path) }
            throw VaultError.system("open", path)
        }
    }

    deinit { close(descriptor) }

    /// The next bytes: `count` of them, or fewer at the end.
    func read(_ count: Int) throws(VaultError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = bytes.withUnsafeMutableBytes {
                Foundation.read(descriptor, $0.baseAddress?.advanced(by: filled), count - filled)
            }
            if got < 0 {
                if errno == EINTR { continue }
                throw VaultError.system("read", path)
            }
            if got == 0 { break }
            filled += got
        }
        bytes.removeLast(count - filled)
        return bytes
    }

    func seek(to offset: Int) throws(VaultError) {
        guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else { throw VaultError.system("lseek", path) }
    }

    func write(_ bytes: [UInt8]) throws(VaultError) {
        var written = 0
        while written < bytes.count {
            let put = bytes.withUnsafeBytes {
                Foundation.write(descriptor, $0.baseAddress?.advanced(by: written), bytes.count - written)
            }
            if put < 0 {
                if errno == EINTR { continue }
                throw VaultError.system("write", path)
            }
            written += put
        }
    }

    /// Waits for the file's lock, which this holds until it is closed; several may share one that is not
    /// exclusive.
    func lock(exclusively isExclusive: Bool) throws(VaultError) {
        while flock(descriptor, isExclusive ? LOCK_EX : LOCK_SH) != 0 {
            guard errno == EINTR else { throw VaultError.system("flock", path) }
        }
    }

    /// Waits until the bytes are on the disk.
    func sync() throws(VaultError) {
        guard fsync(descriptor) == 0 else { throw VaultError.system("fsync", path) }
    }

    /// Writes zeros over the whole file, and waits until they are on the disk.
    func wipe() throws(VaultError) {
        let end = lseek(descriptor, 0, SEEK_END)
        guard end >= 0, lseek(descriptor, 0, SEEK_SET) == 0 else { throw VaultError.system("lseek", path) }
        var left = Int(end)
        while left > 0 {
            let part = min(left, 65_536)
            try write([UInt8](repeating: 0, count: part))
            left -= part
        }
        try sync()
    }
}

/// The calls on names rather than contents.
enum VaultFolder {
    private static let prefix = "tmp-"

    /// A name in the folder that nobody else uses, for a file that is renamed when it is whole.
    static func temporaryPath(in folder: String) -> String {
        "\(folder)/\(prefix)\(Hex.encode(SecureRandom.bytes(16)))"
    }

    /// Whether a name is of a file that was never finished.
    static func isTemporary(_ name: String) -> Bool { name.hasPrefix(prefix) }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func rename(_ from: String, to: String) throws(VaultError) {
        guard Foundation.rename(from, to) == 0 else { throw VaultError.system("rename", to) }
    }

    /// Removes a file, which need not exist.
    static func remove(_ path: String) throws(VaultError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw VaultError.system("unlink", path) }
    }

    /// Waits until the folder's names are on the disk.
    static func sync(_ folder: String) throws(VaultError) { try open(folder).sync() }

    private static func open(_ folder: String) throws(VaultError) -> VaultFile {
        do {
            return try VaultFile(reading: folder)
        } catch {
            guard error.code == .notFound else { throw error }
            throw VaultError(.io, "the vault's folder is gone", cause: error)
        }
    }

    /// Runs the body under the folder's lock, which holds against all vaults of this folder, whatever
    /// process they are in.
    static func withLock<Result>(
        _ folder: String, exclusively isExclusive: Bool, _ body: () throws(VaultError) -> Result
    ) throws(VaultError) -> Result {
        let file = try open(folder)
        try file.lock(exclusively: isExclusive)
        return try withExtendedLifetime(file) { _ throws(VaultError) in try body() }
    }

    static func names(in folder: String) throws(VaultError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw VaultError(.io, "list \(folder)", cause: error)
        }
    }

    /// Removes what crashed writers left, once it is a day old: a younger one may be somebody's work.
    static func removeLeftovers(in folder: String) throws(VaultError) {
        let yesterday = Date(timeIntervalSinceNow: -86_400)
        for name in try names(in: folder) where isTemporary(name) {
            let path = "\(folder)/\(name)"
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            // A file that vanishes meanwhile has no date, and needs none.
            guard let date = attributes?[.modificationDate] as? Date, date < yesterday else { continue }
            try remove(path)
        }
    }
}
