import Codec
import Cryptography
import Merkle
import TestSupport

@testable import Ledger
@testable import Storage

/// A record with an index, for rows that are a state.
struct Part: Record {
    struct Name: RecordKey, Codable {
        var number: UInt32
        var keyBytes: [UInt8] { bigEndianBytes(UInt64(number)) }
    }

    static let table = "part"
    static let indexes = [Index<Part>("owner") { $0.owner.isEmpty ? nil : Array($0.owner.utf8) }]
    var id: Name
    var owner: String
    var text: String
}

/// A store of a few blocks whose state and log are what their headers say.
struct SnapshotWorld {
    static let derived = DerivedRows([Part.self])
    let store: LedgerStore
    private(set) var header: BlockHeader
    private var log = LogFrontier()
    private var rows: [Ledger.RowKey: [UInt8]] = [:]

    static func options() -> LedgerStore.Options {
        var options = LedgerStore.Options()
        options.log.segmentBytes = 1 << 16
        return options
    }

    init(_ path: String) throws {
        store = try LedgerStore(opening: path, chain: chain, options: SnapshotWorld.options())
        header = SnapshotWorld.header(0, LogFrontier(), .zero)
    }

    static func header(_ height: UInt64, _ log: LogFrontier, _ stateRoot: Digest) -> BlockHeader {
        BlockHeader(
            kind: .epoch, chain: chain, epoch: 0, height: height, previous: .zero,
            time: Timestamp(nanoseconds: 1), position: height, content: .zero, logSize: log.size,
            logRoot: log.root(hash: SHA256.hash), stateRoot: stateRoot, contractsVersion: 1)
    }

    /// A block's record with nothing but its header.
    static func record(_ header: BlockHeader) -> LogRecord {
        var writer = CBORWriter()
        writer.array(8)
        writer.byteString(header.encoded)
        writer.byteString([UInt8]())
        for _ in 0..<5 { writer.array(0) }
        writer.array(4)
        writer.unsigned(0)
        for _ in 0..<3 { writer.null() }
        return block(header.height, writer.bytes)
    }

    /// The rows of a part: its own and what its index lists.
    static func rows(_ part: Part, height: UInt64 = 1) throws -> [(Ledger.RowKey, [UInt8])] {
        let change = ChangeReference(height: height, position: 1)
        let stored = StoredRow(change: change, record: try CBOR.encode(part)).encoded
        let key = Part.rowKey(part.id)
        return [(key, stored)] + (try derived.rows(for: key, stored: stored)).map { ($0.key, $0.value) }
    }

    /// Appends a block that puts the parts, with a leaf, and applies it.
    mutating func add(_ parts: [Part]) throws {
        let height = store.log.lastHeight.map { $0 + 1 } ?? 0
        var changes: [(table: StoreTable, change: Storage.RowChange)] = []
        for part in parts {
            for (key, value) in try SnapshotWorld.rows(part, height: height) {
                rows[key] = value
                changes.append((.rows, .init(key: key.bytes, value: value)))
            }
        }
        var nodes: [Digest] = []
        log.append(SHA256.hash(bigEndianBytes(height)), hash: SHA256.hash) { nodes.append($0) }
        let tree = Executor.treeChanges(
            rows.map { Ledger.RowChange(key: $0.key, value: $0.value) }, hash: SHA256.hash)
        let root = StateTree(building: tree.map { ($0.key, $0.value!) }, hash: SHA256.hash).root
        header = SnapshotWorld.header(height, log, root)
        try store.log.append([SnapshotWorld.record(header)])
        try store.nodes.append(nodes)
        try store.overlay.apply(
            height: height, changes: changes, nodeCount: LogTree.nodeCount(size: log.size))
    }

    func checkpoint() throws {
        store.overlay.freeze()
        _ = try store.checkpoint()
    }
}
