/// Reads blocks in rising order of height.
package struct LogCursor: Sendable {
    private let log: BlockLog
    private var height: UInt64

    init(log: BlockLog, height: UInt64) { (self.log, self.height) = (log, height) }

    /// The next block; nil behind the last.
    /// - Throws: `storage.damaged`, and those of the disk.
    package mutating func next() throws(StorageError) -> LogRecord? {
        guard let payload = try log.read(height) else { return nil }
        defer { height += 1 }
        return LogRecord(height: height, payload: payload)
    }
}
