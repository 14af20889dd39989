import CLMDB

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An open LMDB environment: one file of named tables, many readers, one writer.
///
/// `@unchecked Sendable`: LMDB's environment may be used by all threads at once; the handle is never
/// changed.
final class LMDBEnvironment: @unchecked Sendable {
    let path: String
    fileprivate let handle: OpaquePointer
    private let files: any FileSystem

    /// Opens or makes the environment in a folder that exists.
    ///
    /// - Parameter mapBytes: Address space to reserve. The file stays as small as its content; where the
    ///   system gives less, a smaller map is tried, down to 1 GiB. It is never resized: that is forbidden
    ///   while readers are open.
    /// - Throws: `storage.lmdb` with LMDB's own message.
    init(
        path: String, tables: Int, mapBytes: Int, files: any FileSystem = POSIXFileSystem()
    ) throws(StorageError) {
        (self.path, self.files) = (path, files)
        var size = mapBytes
        while true {
            var created: OpaquePointer?
            try check(mdb_env_create(&created), "mdb_env_create")
            guard let environment = created else { preconditionFailure("mdb_env_create gave no handle") }
            var code = mdb_env_set_maxdbs(environment, MDB_dbi(tables))
            if code == 0 { code = mdb_env_set_maxreaders(environment, 1024) }
            if code == 0 { code = mdb_env_set_mapsize(environment, size) }
            // Readers belong to their objects, not to threads (MDB_NOTLS).
            let flags = UInt32(MDB_NOTLS) | UInt32(MDB_NORDAHEAD)
            if code == 0 { code = mdb_env_open(environment, path, flags, 0o600) }
            if code == 0 {
                handle = environment
                return
            }
            mdb_env_close(environment)
            guard code == ENOMEM || code == EINVAL, size > 1 << 30 else {
                throw LMDBEnvironment.error(code, "mdb_env_open")
            }
            size /= 2
        }
    }

    deinit { mdb_env_close(handle) }

    func read() throws(StorageError) -> ReadTransaction { try ReadTransaction(self) }

    /// Begins the one write transaction; waits for another to end.
    func write() throws(StorageError) -> WriteTransaction { try WriteTransaction(self) }

    /// Writes a compact copy of the last committed state into an empty folder. Others read and write
    /// meanwhile; pages that they change are not reused until it ends.
    func copy(to folder: String) throws(StorageError) {
        try before(.copy)
        try check(mdb_env_copy2(handle, folder, UInt32(MDB_CP_COMPACT)), "mdb_env_copy2")
    }

    fileprivate func begin(_ flags: UInt32) throws(StorageError) -> OpaquePointer {
        try before(.begin)
        var transaction: OpaquePointer?
        try check(mdb_txn_begin(handle, nil, flags, &transaction), "mdb_txn_begin")
        guard let transaction else { preconditionFailure("mdb_txn_begin gave no handle") }
        return transaction
    }

    fileprivate func before(_ call: LMDBCall) throws(StorageError) { try files.before(call, in: path) }

    fileprivate static func error(_ code: Int32, _ call: String) -> StorageError {
        if code == ENOSPC || code == MDB_MAP_FULL { return .diskFull(call: call, path: "LMDB") }
        return .lmdb(call: call, code: code, message: String(cString: mdb_strerror(code)))
    }
}

private func check(_ code: Int32, _ call: String) throws(StorageError) {
    guard code == 0 else { throw LMDBEnvironment.error(code, call) }
}

/// A named table of an environment.
struct LMDBTable: Hashable, Sendable {
    fileprivate let handle: MDB_dbi
}

extension MDB_val {
    /// LMDB does not write through keys and values that it is given.
    fileprivate init(_ buffer: UnsafeRawBufferPointer) {
        self.init(mv_size: buffer.count, mv_data: UnsafeMutableRawPointer(mutating: buffer.baseAddress))
    }

    fileprivate var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: mv_data, count: mv_size) }
}

/// One consistent view. Used by one thread at a time; pages that it sees are not reused until it ends.
final class ReadTransaction {
    private let environment: LMDBEnvironment
    private let handle: OpaquePointer

    fileprivate init(_ environment: LMDBEnvironment) throws(StorageError) {
        self.environment = environment
        handle = try environment.begin(UInt32(MDB_RDONLY))
    }

    deinit { mdb_txn_abort(handle) }

    /// The number of the commit that is seen.
    var view: Int { Int(mdb_txn_id(handle)) }

    /// Hands the value's bytes to the body, nil where there is none. They are gone when it returns.
    func withValue<T>(
        of key: [UInt8], in table: LMDBTable, _ body: (UnsafeRawBufferPointer?) -> T
    ) throws(StorageError) -> T {
        try environment.before(.get)
        var value = MDB_val()
        let code = key.withUnsafeBytes { bytes in
            var key = MDB_val(bytes)
            return mdb_get(handle, table.handle, &key, &value)
        }
        if code == MDB_NOTFOUND { return body(nil) }
        try check(code, "mdb_get")
        return body(value.buffer)
    }

    /// Walks the rows from a key on in rising order while the body returns true.
    func scan(
        _ table: LMDBTable, from start: [UInt8],
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool
    ) throws(StorageError) {
        try environment.before(.scan)
        var opened: OpaquePointer?
        try check(mdb_cursor_open(handle, table.handle, &opened), "mdb_cursor_open")
        guard let cursor = opened else { preconditionFailure("mdb_cursor_open gave no handle") }
        defer { mdb_cursor_close(cursor) }
        var (key, value) = (MDB_val(), MDB_val())
        // MDB_SET_RANGE refuses an empty key.
        var code =
            start.isEmpty
            ? mdb_cursor_get(cursor, &key, &value, MDB_FIRST)
            : start.withUnsafeBytes { bytes in
                key = MDB_val(bytes)
                return mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE)
            }
        while code == 0 {
            guard body(key.buffer, value.buffer) else { return }
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
        }
        if code != MDB_NOTFOUND { try check(code, "mdb_cursor_get") }
    }
}

/// The one write transaction. Ends with `commit`; dropped, it changes nothing. Stays on the thread that
/// began it.
struct WriteTransaction: ~Copyable {
    private let environment: LMDBEnvironment
    /// Nil once it has ended.
    private var handle: OpaquePointer?

    fileprivate init(_ environment: LMDBEnvironment) throws(StorageError) {
        self.environment = environment
        handle = try environment.begin(0)
    }

    deinit { if let handle { mdb_txn_abort(handle) } }

    /// The named table, made where there is none. Its handle is valid in the environment once this commits.
    func table(_ name: String) throws(StorageError) -> LMDBTable {
        var table: MDB_dbi = 0
        try check(mdb_dbi_open(handle, name, UInt32(MDB_CREATE), &table), "mdb_dbi_open")
        return LMDBTable(handle: table)
    }

    func value(of key: [UInt8], in table: LMDBTable) throws(StorageError) -> [UInt8]? {
        try environment.before(.get)
        var value = MDB_val()
        let code = key.withUnsafeBytes { bytes in
            var key = MDB_val(bytes)
            return mdb_get(handle, table.handle, &key, &value)
        }
        if code == MDB_NOTFOUND { return nil }
        try check(code, "mdb_get")
        return Array(value.buffer)
    }

    /// Writes sorted changes; a nil value deletes.
    func write(_ changes: some Sequence<RowChange>, to table: LMDBTable) throws(StorageError) {
        try write(to: table) { put throws(StorageError) in
            for change in changes { try change.withUnsafeBytes(put) }
        }
    }

    /// What takes a key and its value, nil to delete it.
    typealias Put = (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) throws(StorageError) ->
        Void

    /// Writes what the body puts in rising order of keys. One cursor stays near the last key, so a sorted
    /// batch costs fewer descents.
    ///
    /// - Parameter appending: Every key lies above all keys of the table (MDB_APPEND fills pages to the
    /// end).
    func write(
        to table: LMDBTable, appending: Bool = false, _ body: (Put) throws(StorageError) -> Void
    ) throws(StorageError) {
        try environment.before(.put)
        var opened: OpaquePointer?
        try check(mdb_cursor_open(handle, table.handle, &opened), "mdb_cursor_open")
        guard let cursor = opened else { preconditionFailure("mdb_cursor_open gave no handle") }
        defer { mdb_cursor_close(cursor) }
        let flags = appending ? UInt32(MDB_APPEND) : 0
        try body { (key, value) throws(StorageError) in
            var key = MDB_val(key)
            guard let value else {
                let found = mdb_cursor_get(cursor, &key, nil, MDB_SET)
                if found != MDB_NOTFOUND {
                    try check(found == 0 ? mdb_cursor_del(cursor, 0) : found, "mdb_cursor_del")
                }
                return
            }
            var new = MDB_val(value)
            try check(mdb_cursor_put(cursor, &key, &new, flags), "mdb_cursor_put")
        }
    }

    /// Makes the changes visible and durable.
    consuming func commit() throws(StorageError) {
        let handle = self.handle
        try environment.before(.commit)
        // LMDB frees the transaction whether or not it commits.
        self.handle = nil
        try check(mdb_txn_commit(handle), "mdb_txn_commit")
    }
}
