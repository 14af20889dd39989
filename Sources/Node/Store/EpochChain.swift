import Codec
import Cryptography
import Foundation
import Ledger
import Storage
import Synchronization

extension EpochRecord {
    /// The height of the first block that changed the validators and whose commits are missing.
    static func lacking(_ chain: [EpochRecord], genesis: Genesis, rules: Rules) -> Height? {
        do throws(ValidatorHistory.Incomplete) {
            _ = try ValidatorHistory(chain, genesis: genesis, rules: rules)
            return nil
        } catch { return error.height }
    }

    /// The epoch blocks that changed the validators, each with a quorum's commits of both sets.
    /// - Throws: `receipt.incomplete` where this node lacks some of them.
    static func history(
        _ chain: [EpochRecord], genesis: Genesis, rules: Rules
    ) throws(NodeError) -> ValidatorHistory {
        do throws(ValidatorHistory.Incomplete) {
            return try ValidatorHistory(chain, genesis: genesis, rules: rules)
        } catch {
            throw NodeError(
                "receipt.incomplete",
                "this node lacks commits of block \(error.height), which changed the validators: "
                    + "ask another node")
        }
    }
}

/// The epoch blocks after genesis that are final, in a file of their own: derived from the log, and all that
/// is left of them where the log has been pruned.
///
/// A CBOR array of `[count, records as bytes, SHA-256 of them]`, written anew with each epoch.
final class EpochChain: Sendable {
    private let path: String
    private let files: any FileSystem
    private let records: Mutex<[EpochRecord]>

    init(_ path: String, files: any FileSystem, records: [EpochRecord]) {
        (self.path, self.files) = (path, files)
        self.records = Mutex(records)
    }

    var all: [EpochRecord] { records.withLock { $0 } }

    /// What the file holds; nothing where it is missing or damaged.
    static func load(_ path: String) -> [EpochRecord] {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)) else { return [] }
        return (try? decode([UInt8](data))) ?? []
    }

    private static func decode(_ bytes: [UInt8]) throws(CodecError) -> [EpochRecord] {
        var reader = CBORReader(bytes)
        try reader.array(of: 3)
        let count = try reader.unsigned()
        let content = try reader.byteString()
        let digest = try reader.digest()
        try reader.finish()
        guard SHA256.digest(content) == digest else { throw CodecError(.invalidValue) }
        var inner = CBORReader(content)
        var records: [EpochRecord] = []
        for _ in 0..<count { records.append(try EpochRecord(reading: &inner)) }
        try inner.finish()
        return records
    }

    /// Adds a final epoch block.
    func add(_ record: EpochRecord) throws {
        try records.withLock { records in
            guard records.last.map({ $0.header.height < record.header.height }) ?? true else { return }
            records.append(record)
            try write(records)
        }
    }

    /// Takes the commits of epoch blocks in that this node has lacked.
    /// - Parameter records: as a peer served them.
    /// - Returns: whether more of the validators' history is proven than before.
    func mend(
        with served: [BlockRecord], genesis: Genesis, rules: Rules
    ) throws -> Bool {
        try records.withLock { records in
            var mended = records
            for block in served where block.header.kind == .epoch {
                guard let place = mended.firstIndex(where: { $0.header == block.header }) else { continue }
                mended[place].commits = NodeStore.joined(mended[place].commits, block.commits)
            }
            let (before, after) = (
                EpochRecord.lacking(records, genesis: genesis, rules: rules),
                EpochRecord.lacking(mended, genesis: genesis, rules: rules)
            )
            guard let before, after.map({ $0 > before }) ?? true else { return false }
            records = mended
            try write(records)
            return true
        }
    }

    /// What makes an epoch block final, as far as it is known.
    func commits(of header: BlockHeader) -> [Attestation] {
        records.withLock { $0.first { $0.header == header }?.commits ?? [] }
    }

    func save() throws { try records.withLock { try write($0) } }

    private func write(_ records: [EpochRecord]) throws {
        var content = CBORWriter()
        for record in records { record.write(to: &content) }
        var writer = CBORWriter(reservingCapacity: content.bytes.count + 64)
        writer.array(3)
        writer.unsigned(UInt64(records.count))
        writer.byteString(content.bytes)
        writer.digest(SHA256.digest(content.bytes))
        let file = try files.open(path + ".new", .replace)
        try writer.bytes.withUnsafeBytes { try files.write($0, to: file, at: 0) }
        try files.synchronize(file)
        try files.rename(path + ".new", to: path)
    }
}

/// Follows the epochs along a chain of blocks.
struct EpochWalk {
    private(set) var context: EpochContext
    private var parent: (hash: Digest, kind: BlockHeader.Kind)
    private let hash: HashFunction

    init(_ genesis: EpochContext, hash: HashFunction) {
        (context, self.hash) = (genesis, hash)
        parent = (genesis.block, .epoch)
    }

    /// The epoch that a proposal begins on the block that was walked last.
    func next(_ proposal: EpochProposal, block: Digest, header: BlockHeader) -> EpochContext {
        context.next(
            proposal, block: block, height: header.height,
            parentIsEpochBlock: parent.kind == .epoch && parent.hash == header.previous, hash: hash)
    }

    /// Goes on to a block; those between epoch blocks may be left out.
    mutating func advance(_ header: BlockHeader, content: () throws -> [UInt8]) throws {
        let block = header.hashed(hash)
        if header.kind == .epoch {
            context = next(try EpochProposal(decoding: try content()), block: block, header: header)
        }
        parent = (block, header.kind)
    }
}
