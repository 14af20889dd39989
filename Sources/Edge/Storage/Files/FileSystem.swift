/// The storage calls that Storage makes, so that a test can fail each of them in turn.
///
/// LMDB does its own input and output: `before` is asked before each of its calls.
package protocol FileSystem: Sendable {
    /// Opens a file, making it where `access` says so.
    func open(_ path: String, _ access: FileAccess) throws(StorageError) -> OpenFile
    /// Bytes in the file.
    func size(of file: OpenFile) throws(StorageError) -> Int
    /// Fills the buffer from an offset. Returns fewer bytes than it holds only at the end of the file.
    func read(
        _ file: OpenFile, at offset: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int
    /// Writes the whole buffer at an offset, or throws with any part of it written.
    func write(_ buffer: UnsafeRawBufferPointer, to file: OpenFile, at offset: Int) throws(StorageError)
    /// Returns when the file's bytes are on the disk (fdatasync).
    func synchronize(_ file: OpenFile) throws(StorageError)
    /// Returns when the folder's names are on the disk (fsync).
    func synchronizeFolder(_ path: String) throws(StorageError)
    func truncate(_ file: OpenFile, to size: Int) throws(StorageError)
    /// Reserves room without changing the file's size; false where the file system or the disk has none to
    /// give.
    func preallocate(_ file: OpenFile, at offset: Int, count: Int) throws(StorageError) -> Bool
    /// Gives a file or a folder another name; a file that has it goes.
    func rename(_ path: String, to newPath: String) throws(StorageError)
    /// Removes a file or an empty folder; nothing happens where there is none.
    func remove(_ path: String) throws(StorageError)
    /// Names in a folder, sorted, without `.` and `..`.
    func names(in folder: String) throws(StorageError) -> [String]
    /// Makes a folder; nothing happens where it exists.
    func createFolder(_ path: String) throws(StorageError)
    /// Takes the file's exclusive lock until it is closed (flock); false where another holds it for two
    /// seconds.
    func lock(_ file: OpenFile) throws(StorageError) -> Bool
    /// Called before LMDB is; what it throws is what the call comes to.
    func before(_ call: LMDBCall, in path: String) throws(StorageError)
}

/// What is asked of LMDB.
package enum LMDBCall: String, Sendable {
    case begin = "mdb_txn_begin"
    case get = "mdb_get"
    /// A walk over rows.
    case scan = "mdb_cursor_get"
    /// Any number of rows in one transaction.
    case put = "mdb_cursor_put"
    case commit = "mdb_txn_commit"
    case copy = "mdb_env_copy2"
}

package enum FileAccess: Sendable {
    case read
    /// Reading and writing; the file is made where there is none.
    case write
    /// Reading and writing; the file is made, or emptied.
    case replace
}

/// An open file, closed when it is no longer used.
package final class OpenFile: Sendable {
    package let descriptor: Int32
    package let path: String

    package init(descriptor: Int32, path: String) { (self.descriptor, self.path) = (descriptor, path) }

    deinit { closeDescriptor(descriptor) }
}

extension FileSystem {
    func write(_ bytes: [UInt8], to file: OpenFile, at offset: Int) throws(StorageError) {
        try bytes.withUnsafeBufferPointer { (buffer) throws(StorageError) in
            try write(UnsafeRawBufferPointer(buffer), to: file, at: offset)
        }
    }

    /// Up to `count` bytes from an offset, fewer at the end of the file.
    func bytes(of file: OpenFile, at offset: Int, count: Int) throws(StorageError) -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { (buffer, filled) throws(StorageError) in
            filled = try read(file, at: offset, into: UnsafeMutableRawBufferPointer(buffer))
        }
    }
}
