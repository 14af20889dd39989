import Codec
import Cryptography
import Foundation
import Ledger
import Storage
import Synchronization

/// The outbox on disk: what was accepted and may not be final yet, so that a restart forgets nothing.
///
/// Records one after the other: length (u32, big-endian), the first 8 bytes of the SHA-256 of the
/// transaction, the transaction. It is only appended to, and written anew when most of it is final. A torn
/// tail is cut: it was not told to anybody.
final class OutboxFile: Sendable {
    private struct State: Sendable {
        var file: OpenFile?
        var end = 0
    }

    private let path: String
    private let files: any FileSystem
    private let state = Mutex(State())

    private static let headCount = 12

    init(_ path: String, files: any FileSystem) { (self.path, self.files) = (path, files) }

    /// The transactions in it.
    /// - Throws: those of the disk.
    func load() throws -> [[UInt8]] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        return try state.withLock { state in
            let file = try files.open(path, .write)
            var bytes = [UInt8](repeating: 0, count: try files.size(of: file))
            let count = try bytes.withUnsafeMutableBytes { try files.read(file, at: 0, into: $0) }
            let (transactions, end) = OutboxFile.parse(bytes[..<count])
            if end < count { try files.truncate(file, to: end) }
            state = State(file: file, end: end)
            return transactions
        }
    }

    private static func parse(_ bytes: ArraySlice<UInt8>) -> (transactions: [[UInt8]], end: Int) {
        var (transactions, offset) = ([[UInt8]](), 0)
        while bytes.count - offset >= headCount {
            let count = Int(bigEndianNumber(bytes[offset..<offset + 4]))
            let start = offset + headCount
            guard count <= bytes.count - start else { break }
            let transaction = Array(bytes[start..<start + count])
            guard SHA256.digest(transaction).bytes.prefix(8).elementsEqual(bytes[offset + 4..<start]) else {
                break
            }
            transactions.append(transaction)
            offset = start + count
        }
        return (transactions, offset)
    }

    private static func encode(_ transactions: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(transactions.reduce(0) { $0 + $1.count + headCount })
        for transaction in transactions {
            bytes += bigEndianBytes(UInt64(transaction.count)).suffix(4)
            bytes += SHA256.digest(transaction).bytes.prefix(8)
            bytes += transaction
        }
        return bytes
    }

    /// Adds transactions and returns when the disk has them.
    func append(_ transactions: [[UInt8]]) throws {
        try state.withLock { state in
            let file: OpenFile
            if let open = state.file {
                file = open
            } else {
                file = try files.open(path, .replace)
                try files.synchronizeFolder((path as NSString).deletingLastPathComponent)
                state = State(file: file, end: 0)
            }
            let bytes = OutboxFile.encode(transactions)
            try bytes.withUnsafeBytes { try files.write($0, to: file, at: state.end) }
            try files.synchronize(file)
            state.end += bytes.count
        }
    }

    /// Writes the file anew where it has grown beyond what it still has to hold.
    /// - Parameter isClosing: also where it is small.
    func compact(_ transactions: [[UInt8]], isClosing: Bool) throws {
        try state.withLock { state in
            let needed = transactions.reduce(0) { $0 + $1.count + OutboxFile.headCount }
            guard state.file != nil, state.end > needed,
                isClosing || state.end > 4 * needed + (1 << 20)
            else { return }
            let new = try files.open(path + ".new", .replace)
            try OutboxFile.encode(transactions).withUnsafeBytes { try files.write($0, to: new, at: 0) }
            try files.synchronize(new)
            try files.rename(path + ".new", to: path)
            try files.synchronizeFolder((path as NSString).deletingLastPathComponent)
            state = State(file: new, end: needed)
        }
    }
}
