import Codec
import Merkle

/// Executes ordered batches one after another: the same input gives the same block on every node.
///
/// Order within a block: consensus time, activation of announced rules, ids to forget, deadlines,
/// transactions, quotas. Nothing but the rows at the parent's height, the trees and the batch decides the
/// result: what is known from before and not read through `reader` (ids, deadlines, signers' keys) is what
/// the rows say.
package struct Executor: Sendable {
    package let rules: Rules
    package private(set) var head: BlockHeader
    package private(set) var headHash: Digest
    package private(set) var log: LogFrontier
    package private(set) var tree: StateTree
    /// When something falls due next.
    private var calm = Calm()
    private var usedIDs: UsedIDs
    private var keyChanges: KeyChanges

    /// Deadlines carried out in one block; the rest follow in the next.
    static let timersPerBlock = 256
    /// Rows of forgotten ids in one block: as many as another can have written.
    static let forgottenPerBlock = Batch.maximumCount

    /// Goes on from a block: its header, the log's peaks, the state tree at it.
    package init(rules: Rules, head: BlockHeader, log: LogFrontier, tree: StateTree) {
        (self.rules, self.head, self.log, self.tree) = (rules, head, log, tree)
        headHash = head.hashed(rules.hash)
        usedIDs = UsedIDs(since: head.logSize == 0 ? nil : head.time)
        keyChanges = KeyChanges(above: head.height)
    }

    /// Takes the ids that the rows at the head remember, so that it need not look for every id of the next
    /// day.
    package mutating func recall(_ ids: UsedIDs) { usedIDs = ids }

    /// Founds the ledger: block 0.
    /// - Throws: `Rejection` where the founding members are not acceptable; `LedgerFault`.
    package static func found(
        _ genesis: Genesis, bytes: [UInt8], rules: Rules
    ) throws -> (executor: Executor, block: ExecutedBlock) {
        guard let contracts = rules.contracts[1] else { throw LedgerFault("no contract rules of version 1") }
        let state = BlockState(base: EmptyState(), height: 0)
        let context = Context(
            transactionSigner: nil, transactionID: nil, time: genesis.created, height: 0, chain: rules.chain,
            contract: "consortium", hash: rules.hash, verify: rules.verify, state: state)
        try contracts.found(genesis, context)
        var clocks = ClocksRecord(clocks: [])
        for validator in genesis.validators { clocks.note(validator.member, genesis.created) }
        try state.put(clocks)
        state.keep()
        var tree = StateTree(hash: rules.hash)
        let changes = state.changes()
        tree.update(Executor.treeChanges(changes, hash: rules.hash))
        let log = LogFrontier()
        let header = BlockHeader(
            kind: .epoch, chain: rules.chain, epoch: 0, height: 0, previous: .zero, time: genesis.created,
            position: 0, content: rules.hash(bytes), logSize: 0, logRoot: log.root(hash: rules.hash),
            stateRoot: tree.root, contractsVersion: 1)
        let executor = Executor(rules: rules, head: header, log: log, tree: tree)
        let block = ExecutedBlock(
            header: header, hash: executor.headHash, content: bytes, included: [], skipped: [],
            changes: changes, history: state.history, logNodes: [],
            events: state.events)
        return (executor, block)
    }

    /// Executes one batch on the head. On a thrown error the executor stays on it, and the node must halt.
    /// - Parameter reader: the rows at the head's height.
    package mutating func execute(
        _ ordered: OrderedBatch, sender: MemberID, reader: any StateReader
    ) throws -> ExecutedBlock {
        let state = BlockState(
            base: reader, height: head.height + 1, steps: ordered.candidates.count)
        do { return try execute(ordered, sender: sender, on: state) } catch {
            // A contract sees a read error as a rejection; the node sees what it was.
            throw state.fault ?? error
        }
    }

    private mutating func execute(
        _ ordered: OrderedBatch, sender: MemberID, on state: BlockState
    ) throws -> ExecutedBlock {
        let height = head.height + 1
        let (parameters, time) = try open(state, clocks: [(sender, ordered.batch.clock)])
        guard let contracts = rules.contracts[parameters.contractsVersion] else {
            throw missingRules(parameters.contractsVersion)
        }
        try carryOutDeadlines(state, contracts, time: time)
        state.keep()

        var run = TransactionRun(
            rules: rules, contracts: contracts, parameters: parameters, state: state, height: height,
            time: time, firstLeaf: head.logSize, count: ordered.candidates.count)
        for (index, candidate) in ordered.candidates.enumerated() {
            var known: KnownKey?
            if let (key, read) = candidate.known,
                keyChanges.isCurrent(key.record.id, since: read, head: head.height)
            {
                known = key
            }
            try run.process(
                candidate, at: index, known: known,
                usedFrom: candidate.transaction.flatMap { usedIDs.firstLeaf(thatMayHave: $0.id, at: time) })
        }
        try run.close()
        if let fault = state.fault { throw fault }

        return finish(
            BlockHeader(
                kind: .batch, chain: rules.chain, epoch: head.epoch, height: height, previous: headHash,
                time: time, position: ordered.position,
                content: ordered.contentDigest(rules.hash),
                logSize: 0,
                logRoot: .zero, stateRoot: .zero, contractsVersion: parameters.contractsVersion),
            content: ordered.batch.bytes, state: state, run: run)
    }

    /// Puts the block's rows and leaves into the trees, and their roots into its header.
    private mutating func finish(
        _ unrooted: BlockHeader, content: [UInt8], state: BlockState, run: TransactionRun? = nil
    ) -> ExecutedBlock {
        var changes = state.changes()
        tree.update(Executor.treeChanges(changes, hash: rules.hash))
        calm.note(changes)
        keyChanges.note(changes, at: unrooted.height)
        if let run {
            usedIDs.forget(at: head.time)
            for (id, expires, leaf) in run.used { usedIDs.note(id, expires: expires, leaf: leaf) }
            let rows = run.leafRows
            if let first = rows.first {
                changes.insert(contentsOf: rows, at: changes.place(of: first.key, by: \.key))
            }
        }
        var logNodes: [Digest] = []
        for leaf in run?.leafHashes ?? [] { log.append(leaf, hash: rules.hash) { logNodes.append($0) } }
        var header = unrooted
        (header.logSize, header.logRoot) = (log.size, log.root(hash: rules.hash))
        header.stateRoot = tree.root
        head = header
        headHash = header.hashed(rules.hash)
        return ExecutedBlock(
            header: header, hash: headHash, content: content, included: run?.included ?? [],
            skipped: run?.skipped ?? [], changes: changes, history: state.history,
            logNodes: logNodes, events: state.events)
    }

    /// Executes an epoch block on the head: the stops' clocks, the validators that were decided, no
    /// transactions. The caller has checked that the proposal says the same.
    /// - Parameter reader: the rows at the head's height.
    package mutating func execute(
        _ proposal: EpochProposal, clocks: [(member: MemberID, time: Timestamp)], reader: any StateReader
    ) throws -> ExecutedBlock {
        let state = BlockState(base: reader, height: head.height + 1)
        do {
            let (parameters, time) = try open(state, clocks: clocks)
            guard let contracts = rules.contracts[parameters.contractsVersion] else {
                throw missingRules(parameters.contractsVersion)
            }
            try replaceValidators(state, by: proposal.validators)
            state.keep()
            try contracts.epochBegan(
                after: head.time,
                in: Context(
                    transactionSigner: nil, transactionID: nil, time: time, height: head.height + 1,
                    chain: rules.chain, contract: "", hash: rules.hash, verify: rules.verify, state: state))
            state.keep()
            let header = BlockHeader(
                kind: .epoch, chain: rules.chain, epoch: proposal.epoch, height: head.height + 1,
                previous: headHash, time: time, position: 0, content: rules.hash(proposal.bytes),
                logSize: log.size, logRoot: head.logRoot, stateRoot: .zero,
                contractsVersion: contracts.version)
            return finish(header, content: proposal.bytes, state: state)
        } catch { throw state.fault ?? error }
    }

    private func replaceValidators(
        _ state: BlockState, by validators: [ValidatorsRecord.Validator]
    ) throws {
        let key = ValidatorsRecord.rowKey(ParametersRecord.Key())
        guard let record = try state.record(ValidatorsRecord.self, key) else {
            throw state.fault ?? LedgerFault("the ledger's own records are missing")
        }
        // What was decided waits where an epoch begins without the newcomers.
        guard validators != record.current || validators == record.next else { return }
        try state.put(ValidatorsRecord(current: validators))
    }

    /// Takes the head back to its parent.
    /// - Parameters:
    ///   - block: the head.
    ///   - before: what `block.changes` replaced, in the same order.
    ///   - log: the log's peaks at the parent.
    /// - Throws: `LedgerFault` where that does not restore the parent's state: the rows read before the block
    ///   were not the ledger's.
    package mutating func undo(
        _ block: ExecutedBlock, before: [RowChange], to parent: BlockHeader, log: LogFrontier
    ) throws(LedgerFault) {
        precondition(block.hash == headHash, "only the head can be undone")
        tree.update(Executor.treeChanges(before, hash: rules.hash))
        guard tree.root == parent.stateRoot else {
            throw LedgerFault("undoing block \(block.header.height) did not restore its parent's state")
        }
        (head, headHash, self.log) = (parent, block.header.previous, log)
        calm = Calm()
        usedIDs.undo(from: block.header.time)
    }

    private func missingRules(_ version: UInt64) -> LedgerFault {
        LedgerFault(
            "contract rules \(version) are in force at block \(head.height + 1): upgrade this node")
    }

    /// Sets the block's time and the rules in force, and forgets ids whose time is over.
    private mutating func open(
        _ state: BlockState, clocks spoken: [(member: MemberID, time: Timestamp)]
    ) throws -> (ParametersRecord, Timestamp) {
        let current = ParametersRecord.Key()
        guard var parameters = try state.record(ParametersRecord.self, ParametersRecord.rowKey(current)),
            var clocks = try state.record(ClocksRecord.self, ClocksRecord.rowKey(current)),
            let validators = try state.record(ValidatorsRecord.self, ValidatorsRecord.rowKey(current))
        else { throw state.fault ?? LedgerFault("the ledger's own records are missing") }
        clocks.restrict(to: validators.current.map(\.member))
        for clock in spoken { clocks.note(clock.member, clock.time) }
        clocks.restrict(to: validators.current.map(\.member))
        try state.put(clocks)
        let time = max(head.time, clocks.median ?? head.time)
        if let announced = parameters.announced, state.change.height >= announced.activation {
            parameters.contractsVersion = announced.version
            parameters.announced = nil
            try state.put(parameters)
        }
        try forget(state, time: time)
        return (parameters, time)
    }

    /// Forgets the ids of moments that are long enough ago.
    private mutating func forget(_ state: BlockState, time: Timestamp) throws {
        let rows = try dueKeys(
            state, in: SeenRecord.table, limit: Executor.forgottenPerBlock, &calm.firstExpiry,
            isDue: { $0 + SeenRecord.retention < time },
            when: { key in
                guard let place = SeenRecord.Place(key: key) else {
                    throw LedgerFault("a row of remembered ids has a wrong key")
                }
                return place.latestExpiry
            })
        for key in rows { state.write(nil, for: key) }
    }

    /// The keys of a table that sorts by time, up to the first that is not due yet.
    /// - Parameter earliest: no key's time is before it, where that is known.
    private func dueKeys(
        _ state: BlockState, in table: String, limit: Int, _ earliest: inout Timestamp?,
        isDue: (Timestamp) -> Bool, when: (RowKey) throws -> Timestamp
    ) throws -> ArraySlice<RowKey> {
        if let earliest, !isDue(earliest) { return [] }
        let prefix = RowKey(table: table, key: []).bytes
        // Mostly nothing is due: the first key tells, and thousands need not be read.
        let first = try state.keys(withPrefix: prefix, limit: 1).first
        let time = try first.map(when) ?? .maximum
        earliest = time
        guard isDue(time) else { return [] }
        return try state.keys(withPrefix: prefix, limit: limit).prefix { isDue(try when($0)) }
    }

    private mutating func carryOutDeadlines(_ state: BlockState, _ contracts: ContractSet, time: Timestamp)
        throws
    {
        state.keep()
        func timer(_ key: RowKey) throws -> Timer {
            guard let timer = TimerRow(key: key)?.timer else {
                throw LedgerFault("a deadline has a wrong key")
            }
            return timer
        }
        let due = try dueKeys(
            state, in: TimerRow.table, limit: Executor.timersPerBlock, &calm.firstDeadline,
            isDue: { $0 <= time }, when: { try timer($0).due })
        for key in due {
            let timer = try timer(key)
            guard try state.value(for: key) != nil else { continue }
            state.write(nil, for: key)
            state.keep()
            let context = Context(
                transactionSigner: nil, transactionID: nil, time: time, height: state.change.height,
                chain: rules.chain, contract: timer.contract, hash: rules.hash, verify: rules.verify,
                state: state)
            // A deadline that its contract refuses has lost its subject: it is spent, and nothing else
            // changes.
            do { try contracts.due(timer, in: context) } catch { state.undo() }
            state.keep()
            if let fault = state.fault { throw fault }
        }
    }

    /// Rows of the state tree: SHA-256(0x04 ‖ row key) → SHA-256(0x05 ‖ stored bytes), sorted by the former.
    package static func treeChanges(
        _ changes: [RowChange], hash: HashFunction
    ) -> [(key: Digest, value: Digest?)] {
        var keys: [Digest] = []
        keys.reserveCapacity(changes.count)
        // Only numbers are moved about while sorting.
        var order: [(word: UInt64, key: Int32, change: Int32)] = []
        order.reserveCapacity(changes.count)
        for index in changes.indices where !changes[index].key.isDerived {
            let key = treeKey(changes[index].key, hash: hash)
            order.append(
                (key.word, Int32(truncatingIfNeeded: keys.count), Int32(truncatingIfNeeded: index)))
            keys.append(key)
        }
        order.sort { $0.word != $1.word ? $0.word < $1.word : keys[Int($0.key)] < keys[Int($1.key)] }
        return order.map { item in
            (keys[Int(item.key)], changes[Int(item.change)].value.map { treeValue($0, hash: hash) })
        }
    }

    package static func treeKey(_ key: RowKey, hash: HashFunction) -> Digest { hash.leaf(0x04, key.bytes) }
    package static func treeValue(_ value: [UInt8], hash: HashFunction) -> Digest { hash.leaf(0x05, value) }
}

/// The state before genesis.
struct EmptyState: StateReader {
    func value(for key: RowKey) throws -> [UInt8]? { nil }
    func keys(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [RowKey] { [] }
}
