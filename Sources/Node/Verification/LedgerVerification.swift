import Codec
import Ledger
import Merkle
import Storage

/// Derives the whole ledger again from its genesis and compares every byte: signatures, outcomes, rows, both
/// roots, and every vote and commit. It trusts nothing but the genesis and derives from nothing but the block
/// log. What a node serves beside the log (rows, indexes, history, the log tree's nodes) is compared with
/// what was derived.
package struct LedgerVerification {
    /// What a verified ledger came to.
    package struct Summary: Hashable, Sendable {
        /// The block that the log begins with: 0, or a later one where it is only a ledger's tail.
        package let first: Height
        package let blocks: UInt64
        package let transactions: UInt64
        package let rejected: UInt64
        package let head: Digest
        package let stateRoot: Digest
    }

    /// The first thing that is wrong.
    package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// Stable: `verify.…`.
        package let code: String
        package let height: Height
        /// The first transaction that differs, as its place in the batch.
        package let transaction: Int?
        package let detail: String

        /// `block 7, transaction 3: `
        package var place: String {
            "block \(height)" + (transaction.map { ", transaction \($0)" } ?? "") + ": "
        }
        package var description: String { "\(code): " + place + detail }
    }

    let genesis: Genesis
    private let bytes: [UInt8]
    let rules: Rules
    private let verifier: BatchVerifier
    let rows = VerifiedRows()
    /// The rows that blocks are executed on.
    private let base: any StateReader & Sendable

    /// - Parameter keys: where the rows and the signers' keys are looked up, for a log whose beginning is
    ///   not there, or who keeps what has been derived; nil for what is derived here.
    package init(
        genesis: Genesis, bytes: [UInt8], rules: Rules, width: Int, keys: (any StateReader & Sendable)? = nil
    ) {
        (self.genesis, self.bytes, self.rules) = (genesis, bytes, rules)
        let reader: any StateReader & Sendable = keys ?? rows
        base = reader
        verifier = BatchVerifier(rules: rules, width: width) { key in
            guard let stored = try reader.value(for: KeyRecord.rowKey(key)) else { return nil }
            return (try StoredRow.record(KeyRecord.self, in: stored), nil)
        }
    }

    func foundedContext() throws -> EpochContext {
        try Replica.found(genesis, bytes: bytes, rules: rules, voters: []).replica.inForce
    }

    /// A block with the epoch that it belongs to.
    struct Link {
        let record: BlockRecord
        let context: EpochContext
    }

    /// What has been derived so far.
    private struct Derived {
        var executor: Executor
        let founded: ExecutedBlock
        var votes = VoteRecord()
        var rejected: UInt64 = 0
        var next: Height = 0
    }

    /// Checks every final block of a log: those up to the last that a quorum has committed to.
    /// - Parameters:
    ///   - height: up to which the blocks have to be final; nil where that is not known.
    ///   - served: rows and history that are to be, at their height, what the blocks give.
    ///   - nodes: the log tree's digests, which are to be those of the blocks' leaves.
    ///   - progress: told each block's header as derived, after the block has been checked.
    /// - Throws: `Failure`, a storage error, or what `progress` throws.
    package func run(
        _ log: BlockLog, through height: Height? = nil, served: LayeredReader? = nil, nodes: NodeFile? = nil,
        progress: (BlockHeader) throws -> Void
    ) throws -> Summary {
        let (founded, effects) = try Replica.found(genesis, bytes: bytes, rules: rules, voters: [])
        guard case .final(let block)? = effects.last else { throw LedgerFault("founding came to no block") }
        var derived = Derived(executor: founded.executor, founded: block)
        let waiting = try walk(log, from: 0, EpochWalk(founded.inForce, hash: rules.hash)) { links in
            for link in links { try check(link, &derived, served: served, nodes: nodes, progress) }
        }
        guard derived.next > 0 else {
            throw Failure(code: "verify.empty", height: 0, transaction: nil, detail: "no blocks")
        }
        if let height, derived.next <= height || waiting > LedgerVerification.window {
            throw Failure(
                code: Certificate.Failure.noQuorum.rawValue, height: derived.next, transaction: nil,
                detail: "neither it nor a later block has a quorum's commits")
        }
        return Summary(
            first: 0, blocks: derived.next, transactions: derived.executor.head.logSize,
            rejected: derived.rejected,
            head: derived.executor.headHash, stateRoot: derived.executor.head.stateRoot)
    }

    /// Reads a log's blocks and hands them on as soon as they are final: by their own signatures or a later
    /// block's; a lone validator's are its own.
    /// - Parameters:
    ///   - first: the log's first block.
    ///   - epochs: as before that block.
    /// - Returns: how many blocks wait at the end.
    func walk(
        _ log: BlockLog, from first: Height, through last: Height = .max, _ epochs: EpochWalk,
        _ body: ([Link]) throws -> Void
    ) throws -> Int {
        var epochs = epochs
        var waiting: [Link] = []
        var cursor = log.records(from: first)
        var next = first
        while next <= last, let stored = try cursor.next() {
            let record = try decode(stored.payload, try log.certificate(at: next), next)
            guard record.header.height == next else {
                throw Failure(
                    code: "verify.order", height: next, transaction: nil,
                    detail: "block \(record.header.height) is in its place")
            }
            if next > 0 { try advance(&epochs, to: record) }
            waiting.append(Link(record: record, context: epochs.context))
            next += 1
            guard next == 1 || isLone(epochs.context) || isCertified(record, epochs.context) else {
                guard waiting.count <= LedgerVerification.window else { break }
                continue
            }
            try body(waiting)
            waiting = []
        }
        return waiting.count
    }

    /// Blocks that may wait for a later one's certificate.
    static let window = 1024

    func isLone(_ context: EpochContext) -> Bool {
        context.validators.validators.count == 1 && context.leaving == nil
    }

    func isCertified(_ record: BlockRecord, _ context: EpochContext) -> Bool {
        let certificate = try? Certificate(
            .commit, record.commits, over: record.header, hash: record.header.hashed(rules.hash),
            quorum: context.quorum(of: record.header.kind), verifier: rules.verify)
        return certificate != nil
    }

    func advance(_ walk: inout EpochWalk, to record: BlockRecord) throws {
        do { try walk.advance(record.header) { record.content } } catch {
            // A header that says so falsely is found out where it is derived.
            guard record.header.kind == .epoch,
                (try? Batch(decoding: record.content, chain: rules.chain)) == nil
            else { return }
            throw Failure(
                code: "verify.epoch", height: record.header.height, transaction: nil,
                detail: "its content is no proposal of an epoch")
        }
    }

    private func check(
        _ link: Link, _ derived: inout Derived, served: LayeredReader?, nodes: NodeFile?,
        _ progress: (BlockHeader) throws -> Void
    ) throws {
        let record = link.record
        let block =
            record.header.height == 0 ? derived.founded : try execute(link, &derived.executor)
        try compare(record, block)
        try checkCertificates(link, block.hash)
        try checkVotes(link, block.hash, &derived.votes)
        rows.apply(block.changes)
        if let served { try compare(served, block) }
        if let nodes { try compare(nodes, block.logNodes, at: block.header) }
        derived.rejected += UInt64(block.included.count { $0.outcome != .accepted })
        derived.next += 1
        try progress(block.header)
    }

    private func decode(_ payload: [UInt8], _ certificate: [UInt8]?, _ height: Height) throws -> BlockRecord {
        do {
            var record = try BlockRecord(decoding: payload)
            try NodeStore.merge(certificate, into: &record)
            return record
        } catch {
            throw Failure(code: "verify.malformed", height: height, transaction: nil, detail: "\(error)")
        }
    }

    /// Executes a block on the one before it.
    func execute(_ link: Link, _ executor: inout Executor) throws -> ExecutedBlock {
        if link.record.header.kind == .epoch,
            let proposal = try? EpochProposal(decoding: link.record.content)
        {
            let height = executor.head.height + 1
            return try execute(proposal, link.context, &executor) {
                Failure(code: "verify.epoch", height: height, transaction: nil, detail: $0)
            }
        }
        let (ordered, sender) = try batch(of: link)
        return try executor.execute(ordered, sender: sender, reader: base)
    }

    /// A block's batch, which one of its epoch's validators has signed.
    func batch(of link: Link) throws -> (OrderedBatch, sender: MemberID) {
        let (record, context) = (link.record, link.context)
        func failure(_ code: String, _ detail: String) -> Failure {
            Failure(code: code, height: record.header.height, transaction: nil, detail: detail)
        }
        guard let ordered = try verifier.verify(record.content, position: record.header.position) else {
            throw failure("verify.batch", "its content is not a batch of this ledger")
        }
        guard ordered.batch.epochBlock == context.block else {
            throw failure("verify.batch", "its batch is of another epoch")
        }
        guard let sender = context.validators.validator(ordered.batch.key),
            ordered.batch.isSigned(by: sender.votingKey.array, verifier: rules.verify, hash: rules.hash)
        else { throw failure("verify.batch", "its batch is not signed by a validator") }
        return (ordered, sender.member)
    }

    /// An epoch block: a quorum of both sets has stopped, its parent is the highest lock among them, and it
    /// brings no validators but those in force or decided.
    private func execute(
        _ proposal: EpochProposal, _ context: EpochContext, _ executor: inout Executor,
        _ failure: (String) -> Failure
    ) throws -> ExecutedBlock {
        try checkStops(proposal, context, failure)
        guard proposal.parent == executor.headHash,
            proposal.stops.map(\.lock).max()
                == VoteRecord.Point(executor.head, hash: executor.headHash)
        else { throw failure("its parent is not the highest lock of its stops") }
        let key = ValidatorsRecord.rowKey(ParametersRecord.Key())
        guard let stored = try base.value(for: key) else { throw failure("there are no validators") }
        let record = try StoredRow.record(ValidatorsRecord.self, in: stored)
        guard proposal.validators == record.current || proposal.validators == record.next else {
            throw failure("its validators are neither those in force nor those decided")
        }
        let quorum = context.quorum(of: .epoch)
        let clocks = proposal.stops.compactMap { stop in
            quorum.validator(stop.key).map { (member: $0.member, time: stop.clock) }
        }
        return try executor.execute(proposal, clocks: clocks, reader: base)
    }

    func checkStops(
        _ proposal: EpochProposal, _ context: EpochContext, _ failure: (String) -> Failure
    ) throws(Failure) {
        let quorum = context.quorum(of: .epoch)
        var keys: [KeyID] = []
        for stop in proposal.stops {
            guard stop.chain == rules.chain, stop.epoch == proposal.epoch, !keys.contains(stop.key),
                let validator = quorum.validator(stop.key),
                stop.isSigned(by: validator.votingKey.array, verifier: rules.verify)
            else { throw failure("a stop is not a validator's word for this epoch") }
            keys.append(stop.key)
        }
        guard quorum.isReached(by: keys) else { throw failure("its stops are no quorum") }
    }

    private func compare(_ record: BlockRecord, _ block: ExecutedBlock) throws {
        let height = block.header.height
        func failure(_ what: String, _ detail: String, at transaction: Int? = nil) -> Failure {
            Failure(code: "verify.\(what)", height: height, transaction: transaction, detail: detail)
        }
        let outcomes = block.included.map { ($0.index, $0.outcome) }
        for (own, stored) in zip(outcomes, record.outcomes) where own != (stored.index, stored.outcome) {
            throw failure("outcome", "the stored outcome is not what execution gives", at: own.0)
        }
        guard outcomes.count == record.outcomes.count else {
            let first = min(outcomes.count, record.outcomes.count)
            let longer = outcomes.count > first ? outcomes[first].0 : record.outcomes[first].index
            throw failure("outcome", "the stored outcomes are not those of execution", at: longer)
        }
        guard record.content == block.content else { throw failure("content", "the stored content differs") }
        if record.changes != block.changes {
            let pair = zip(block.changes, record.changes).first { $0 != $1 }?.0 ?? block.changes.last
            throw failure("rows", "row \(pair?.key.table ?? "?") is not what execution gives")
        }
        guard record.history == block.history else { throw failure("history", "the stored history differs") }
        guard record.header.logRoot == block.header.logRoot else {
            throw failure("log_root", "log roots differ")
        }
        guard record.header.stateRoot == block.header.stateRoot else {
            throw failure("state_root", "state roots differ")
        }
        guard record.header == block.header else { throw failure("header", "the stored header differs") }
    }

    /// Every signature is good; a lone validator's are a quorum at each block.
    /// - Parameter isProven: the block is shown to be final by something else.
    func checkCertificates(_ link: Link, _ hash: Digest, isProven: Bool = false) throws {
        let header = link.record.header
        let quorum = link.context.quorum(of: header.kind)
        let isLone = isLone(link.context)
        for (kind, attestations) in [
            (AttestationKind.vote, link.record.votes), (.commit, link.record.commits),
        ] {
            do throws(Certificate.Failure) {
                _ = try Certificate(
                    kind, attestations, over: header, hash: hash, quorum: quorum,
                    verifier: rules.verify)
            } catch {
                // Block 0 is the genesis document, which needs no signature: a node that joined has none.
                if error == .noQuorum && (!isLone || isProven || header.height == 0) { continue }
                throw Failure(
                    code: error.rawValue, height: header.height, transaction: nil,
                    detail: "its votes or commits are not a certificate")
            }
        }
    }

    /// The vote record of the node that wrote the log: a lone validator's is that of its votes, any other's
    /// never falls.
    func checkVotes(_ link: Link, _ hash: Digest, _ votes: inout VoteRecord) throws {
        let header = link.record.header
        func failure(_ detail: String) -> Failure {
            Failure(code: "verify.vote_record", height: header.height, transaction: nil, detail: detail)
        }
        let stored = link.record.voteRecord
        let point = VoteRecord.Point(header, hash: hash)
        if votes.lastVote == nil, header.height > 0 {
            // The blocks up to here were taken from others: this is the first on which the node says
            // anything.
            if stored == VoteRecord() { return }
            votes = VoteRecord(promised: header.epoch, lastVote: point, lastCommit: point, lock: point)
            if isLone(link.context), stored == votes { return }
            votes = VoteRecord()
        }
        guard isLone(link.context), stored.lastVote != nil else {
            func falls(_ next: VoteRecord.Point?, _ last: VoteRecord.Point?) -> Bool {
                last.map { last in next.map { $0 < last } ?? true } ?? false
            }
            guard stored.promised >= votes.promised, !falls(stored.lastVote, votes.lastVote),
                !falls(stored.lastCommit, votes.lastCommit), !falls(stored.lock, votes.lock)
            else { throw failure("the stored vote record falls behind an earlier one") }
            votes = stored
            return
        }
        if header.kind == .epoch { votes.promised = max(votes.promised, header.epoch) }
        guard votes.allowsVote(header, parentIsCertified: false) else {
            throw failure("the vote breaks an earlier promise")
        }
        votes = VoteRecord(promised: votes.promised, lastVote: point, lastCommit: point, lock: point)
        guard stored == votes else {
            throw failure("the stored vote record is not that of the block's votes")
        }
    }
}

extension LedgerNode {
    /// Checks the whole ledger, and that the served state, history and log nodes follow from it; where the
    /// log begins later than the ledger, what it has.
    /// - Throws: `LedgerVerification.Failure`, `NodeError`.
    package func verify(
        width: Int, progress: (BlockHeader) throws -> Void
    ) throws -> LedgerVerification.Summary {
        let bytes = try genesis.encoded()
        guard firstBlock == 0 else {
            let served = try store.snapshot()
            return try LedgerVerification(
                genesis: genesis, bytes: bytes, rules: rules, width: width, keys: SnapshotState(served)
            ).runTail(
                store.store.log, from: firstBlock, through: height, epochs: epochChain, served: served,
                nodes: store.store.nodes, progress: progress)
        }
        let verification = LedgerVerification(genesis: genesis, bytes: bytes, rules: rules, width: width)
        return try verification.run(
            store.store.log, through: height, served: try store.snapshot(), nodes: store.store.nodes,
            progress: progress)
    }
}
