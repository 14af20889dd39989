import Codec
import Foundation
import Ledger

/// What other threads may know of a replica.
struct ReplicaView: Sendable {
    var context: EpochContext
    var finalHeight: Height
    var headHeight: Height
    var pending: Int
    var isOrdering: Bool
    var isValidator: Bool
    var promised: Epoch
    var divergence: Replica.Divergence?

    init(_ replica: borrowing Replica) {
        (context, finalHeight) = (replica.inForce, replica.finalHeader.height)
        headHeight = replica.executor.head.height
        pending = Int(headHeight - finalHeight)
        (isOrdering, isValidator) = (replica.isOrdering, replica.isValidator)
        (promised, divergence) = (replica.voteRecord.promised, replica.halted)
    }
}

/// What the effects' thread is to do, in order.
enum Outgoing: Sendable {
    case store([LogItem], head: Height)
    case publish(ReplicaMessage)
    case final([ExecutedBlock])
    case undone(ExecutedBlock)
    /// A batch was executed and is not final.
    case seen(Digest, [Candidate])
    case skipped(Digest, Replica.BatchRefusal)
    case epoch(EpochContext)
    /// Blocks that are not final, for whoever asked: they hold signatures that have to be stored before.
    case serve([CandidateBlock], @Sendable ([CandidateBlock]) -> Void)
    case evidence(Replica.Evidence)
    case halt(Replica.Divergence)
}

extension CommitPipeline {
    /// Gives the replica its events, one after the other, and takes final rows in before the next.
    func replicaStage(_ start: Start) {
        defer { outgoing.close() }
        var replica = start.replica
        var generation: UInt64 = 0
        do {
            var effects = start.effects
            if !effects.contains(where: { if case .engine = $0 { true } else { false } }) {
                let head = replica.executor.head
                effects.append(
                    .engine(replica.inForce, after: head.kind == .epoch ? nil : head.position))
            }
            guard try carryOut(effects, of: nil, replica, &generation) else { return }
            setRoute(replica)
            while let event = events.next(takesBatches: replica.takesBatches) {
                let effects = try step(&replica, event)
                guard try carryOut(effects, of: event, replica, &generation) else { return }
                noteView(replica)
            }
        } catch { halt(NodeError("node.halted", "the node stopped rather than go on wrongly", cause: error)) }
    }

    private func step(_ replica: inout Replica, _ event: ReplicaEvent) throws -> [Replica.Effect] {
        let now = MonotonicClock.now
        switch event {
        case .batch(let batch): return try replica.ordered(batch, now: now, reader: store.working)
        case .message(let message, let member):
            return try replica.received(message, from: member, now: now, reader: store.working)
        case .blocks(let blocks): return try replica.received(blocks, now: now, reader: store.working)
        case .tick:
            replica.failover = engines.failoverNow()
            return try replica.tick(now: now, clock: clock(), reader: store.working)
        case .serve(let height, _): return replica.requested(above: height, by: nil)
        case .suspect(let wish): return try replica.suspect(wish: wish, now: now, reader: store.working)
        }
    }

    /// - Returns: false at the end.
    private func carryOut(
        _ effects: [Replica.Effect], of event: ReplicaEvent?, _ replica: borrowing Replica,
        _ generation: inout UInt64
    ) throws -> Bool {
        guard !effects.isEmpty else { return true }
        let head = replica.executor.head.height
        var next: [Outgoing] = []
        var finals: [ExecutedBlock] = []
        for effect in effects {
            switch effect {
            case .store(let items): next.append(.store(items, head: head))
            case .publish(let message): if network != nil { next.append(.publish(message)) }
            case .final(let block): finals.append(block)
            case .undone(let block): next.append(.undone(block))
            case .engine(let context, let after):
                generation += 1
                events.begin(generation)
                deliveries.begin(generation)
                engines.follow(.init(context: context, after: after, generation: generation))
                next.append(.epoch(context))
            case .fetch(let above, let member): fetches.put(Fetch(above: above, member: member))
            case .serve(let blocks, _, _):
                if case .serve(_, let answer)? = event { next.append(.serve(blocks, answer)) }
            case .skipped(_, let refusal):
                guard case .batch(let batch)? = event else { continue }
                next.append(.skipped(batch.contentDigest(rules.hash), refusal))
            case .evidence(let evidence): next.append(.evidence(evidence))
            case .halt(let divergence): next.append(.halt(divergence))
            }
        }
        if !finals.isEmpty {
            try store.apply(finals)
            // After every store that makes them final, before the epoch that they may begin.
            let index = next.firstIndex { if case .epoch = $0 { true } else { false } } ?? next.count
            next.insert(.final(finals), at: index)
        } else if case .batch(let batch)? = event, effects.storedBlock {
            next.append(.seen(batch.contentDigest(rules.hash), batch.candidates))
        }
        if !next.isEmpty, !outgoing.push(next) { return false }
        return replica.halted == nil
    }

    /// Tells the other threads where the replica is, where that has changed.
    private func noteView(_ replica: borrowing Replica) {
        let isChanged = shared.withLock { shared -> Bool in
            let old = shared.view
            guard
                old.finalHeight != replica.finalHeader.height
                    || old.headHeight != replica.executor.head.height
                    || old.isOrdering != replica.isOrdering || old.promised != replica.voteRecord.promised
                    || old.context.block != replica.inForce.block
            else { return false }
            shared.view = ReplicaView(replica)
            return old.isOrdering != shared.view.isOrdering || old.context.block != shared.view.context.block
        }
        if isChanged { setRoute(replica) }
    }

    private func setRoute(_ replica: borrowing Replica) {
        let context = replica.inForce
        let signer = voters.first {
            context.validators.validator(KeyID(publicKey: $0.publicKey, hash: rules.hash)) != nil
        }
        desk.set(ordering: replica.isOrdering ? context.block : nil, signer: signer)
    }
}

extension [Replica.Effect] {
    /// Whether a block was executed and stored.
    fileprivate var storedBlock: Bool {
        contains { effect in
            guard case .store(let items) = effect else { return false }
            return items.contains { if case .block = $0 { true } else { false } }
        }
    }
}
