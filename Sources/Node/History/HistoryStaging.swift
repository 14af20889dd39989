import Codec
import Cryptography
import Foundation
import Ledger
import Merkle
import Storage

/// The ledger's beginning, made again from genesis block by block in a store of its own: `ledger.history`
/// beside the node's ledger, until it reaches up to that one's first block.
///
/// Peers serve batches and certificates; rows, history and outcomes are what execution gives. Blocks are
/// kept when a quorum of their epoch has committed to them or a later one, and execution comes to the same
/// header. Opening goes on from the last block that was kept, whatever a crash left behind.
///
/// For one thread.
final class HistoryStaging {
    private let rules: Rules
    private let store: LedgerStore
    private let epochs: EpochChain
    private let verification: LedgerVerification
    private let options: LedgerNode.Options
    private var executor: Executor
    private var walk: EpochWalk
    private var blocksSinceCheckpoint = 0
    /// Blocks were executed and not kept: it has to be opened again.
    private(set) var isSpoilt = false

    /// - Throws: `storage.*`; `node.damaged` where what is there cannot be gone on with.
    init(_ home: Home, rules: Rules, options: LedgerNode.Options, files: any FileSystem) throws {
        let (genesis, bytes, chain) = try home.genesis()
        let folder = home.historyFolder.path
        (self.rules, self.options) = (rules, options)
        store = try LedgerStore(opening: folder, chain: chain, options: options.store, files: files)
        let (founded, effects) = try Replica.found(genesis, bytes: bytes, rules: rules, voters: [])
        verification = LedgerVerification(
            genesis: genesis, bytes: bytes, rules: rules, width: 1, keys: StagedState(overlay: store.overlay)
        )
        walk = EpochWalk(founded.inForce, hash: rules.hash)
        let epochFile = folder + "/epochs"
        let restoration = Restoration(
            store: store, rules: rules, genesis: founded.inForce, epochFile: epochFile)
        guard let restored = try restoration.restore(voters: []) else {
            guard case .final(let block)? = effects.last else {
                throw LedgerFault("founding came to no block")
            }
            let record = BlockRecord(block, votes: [], commits: [], voteRecord: VoteRecord())
            try NodeStore.found(store, record, block)
            executor = founded.executor
            epochs = EpochChain(epochFile, files: files, records: [])
            return
        }
        executor = restored.executor
        epochs = EpochChain(epochFile, files: files, records: restored.epochs)
        for record in restored.epochs { try walk.advance(record.header) { record.content } }
        if executor.head.kind == .batch { try walk.advance(executor.head) { [] } }
    }

    /// The last block that is kept.
    var height: Height { executor.head.height }
    var head: Digest { executor.headHash }

    /// The hash of a block that is kept.
    func block(at height: Height) throws -> Digest? {
        try store.log.read(height).map { try BlockRecord.header(of: $0).hashed(rules.hash) }
    }

    /// Takes what a peer served above the last block that is kept.
    ///
    /// - Parameter base: the node's own first block, which shows itself and those below it to be final. It
    ///   is taken from the peer too, for a node that began with it has neither its rows nor all signatures;
    ///   what the node itself said of it stays.
    /// - Returns: how many blocks were kept; 0 where none of them is shown to be final yet.
    /// - Throws: `HistoryRefusal`, those of the store.
    func take(served: [[UInt8]], through base: BlockRecord) throws -> Int {
        let records: [BlockRecord]
        do { records = try served.map { try BlockRecord(decoding: $0) } } catch {
            throw HistoryRefusal("what it served is no block (\(error))")
        }
        let links = try link(records.prefix { $0.header.height <= base.header.height })
        let final = links.lastIndex { link in
            link.record.header == base.header || verification.isCertified(link.record, link.context)
        }
        guard let final else { return 0 }
        try keep(links[...final]) { link, block in
            let isLone = verification.isLone(link.context)
            let isCertified = verification.isCertified(link.record, link.context)
            // Signatures that are no certificate prove nothing, and one in this node's name would look like
            // its own word.
            let (votes, commits) = (isLone ? link.record.votes : [], isCertified ? link.record.commits : [])
            let isBase = block.header == base.header
            return BlockRecord(
                block, votes: isBase ? NodeStore.joined(base.votes, votes) : votes,
                commits: isBase ? NodeStore.joined(base.commits, commits) : commits,
                voteRecord: isBase ? base.voteRecord : VoteRecord())
        }
        return final + 1
    }

    /// Takes blocks of the node's own log, which follow the last one that is kept.
    func take(own records: [BlockRecord]) throws {
        try keep(link(records[...])[...]) { link, block in
            var record = link.record
            (record.changes, record.history) = (block.changes, block.history)
            return record
        }
    }

    /// The blocks with their epochs, after the last one that is kept.
    private func link(_ records: ArraySlice<BlockRecord>) throws -> [LedgerVerification.Link] {
        var ahead = walk
        var (previous, height) = (head, self.height)
        var links: [LedgerVerification.Link] = []
        for record in records {
            let header = record.header
            guard header.height == height + 1, header.previous == previous, header.chain == rules.chain else {
                throw HistoryRefusal("block \(height + 1) does not follow the one below it")
            }
            guard header.content == rules.hash(record.content) else {
                throw HistoryRefusal("block \(header.height) has not the content that it names")
            }
            do { try verification.advance(&ahead, to: record) } catch let error as LedgerVerification.Failure
            {
                throw HistoryRefusal(error.description)
            }
            links.append(.init(record: record, context: ahead.context))
            (previous, height) = (header.hashed(rules.hash), header.height)
        }
        return links
    }

    /// Executes blocks, and writes them all down with one sync.
    private func keep(
        _ links: ArraySlice<LedgerVerification.Link>,
        _ kept: (LedgerVerification.Link, ExecutedBlock) throws -> BlockRecord
    ) throws {
        isSpoilt = true
        var records: [LogRecord] = []
        for link in links {
            let block = try execute(link)
            let record = try kept(link, block)
            try NodeStore.take(block, into: store)
            try walk.advance(record.header) { record.content }
            records.append(LogRecord(height: record.header.height, payload: record.encoded))
            if record.header.kind == .epoch {
                try epochs.add(
                    EpochRecord(header: record.header, content: record.content, commits: record.commits))
            }
        }
        try store.log.append(records)
        blocksSinceCheckpoint += records.count
        if blocksSinceCheckpoint >= options.blocksPerCheckpoint
            || store.overlay.count >= options.rowsPerCheckpoint
        {
            blocksSinceCheckpoint = 0
            store.overlay.freeze()
            _ = try store.checkpoint()
        }
        isSpoilt = false
    }

    private func execute(_ link: LedgerVerification.Link) throws -> ExecutedBlock {
        let height = link.record.header.height
        do {
            let block = try verification.execute(link, &executor)
            // Its log root covers the outcomes, its state root the rows.
            guard block.header == link.record.header else {
                throw HistoryRefusal("block \(height) is not what its transactions come to")
            }
            try verification.checkCertificates(link, block.hash)
            return block
        } catch let error as LedgerVerification.Failure {
            throw HistoryRefusal(error.description)
        } catch let error as LedgerFault {
            throw HistoryRefusal("block \(height) cannot be executed: \(error)")
        }
    }

    /// Gives a store what follows from these blocks beside the blocks themselves.
    /// - Parameter base: the store's first block, which is among these.
    /// - Throws: `history.other_chain`, those of the stores, and what `pause` throws.
    func fill(_ target: LedgerStore, at base: BlockHeader, pause: () throws -> Void) throws {
        guard try block(at: base.height) == base.hashed(rules.hash),
            let own = try target.nodes.frontier(size: base.logSize),
            try store.nodes.frontier(size: base.logSize) == own, own.root(hash: rules.hash) == base.logRoot
        else { throw HistoryStaging.otherChain(base.height) }
        try target.fill(from: store, size: base.logSize, pause: pause)
    }

    static func otherChain(_ height: Height) -> NodeError {
        NodeError(
            "history.other_chain",
            "the blocks that peers served do not lead to block \(height), which is here; they are thrown away"
        )
    }
}

extension Home {
    /// Where older blocks are kept while they are fetched.
    package var historyFolder: URL { folder.appendingPathComponent("ledger.history") }
}

/// The rows as they are with the last block that was kept.
private struct StagedState: StateReader {
    let overlay: RowOverlay

    func value(for key: Ledger.RowKey) throws -> [UInt8]? { try overlay.value(forKey: key.bytes) }

    func keys(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [Ledger.RowKey] {
        try overlay.entries(from: start, prefix: prefix, limit: limit).map { RowKey(bytes: $0.key) }
    }
}
