import Codec
import Ledger

/// Executes the final chain again from genesis and compares every header.
enum Replay {
    static func check(_ world: World) throws {
        let nodes = world.nodes.filter { $0.liar == nil }
        let highest = nodes.max {
            ($0.served.last?.header.height ?? 0) < ($1.served.last?.header.height ?? 0)
        }
        guard let highest else { return }
        var (executor, genesis) = try Executor.found(
            world.genesis, bytes: world.genesisBytes, rules: world.rules)
        var rows = SimulatedRows()
        rows.apply(genesis.changes)
        var context = world.genesisContext
        for candidate in highest.served {
            let reader = SimulatedReader(rows)
            let block: ExecutedBlock
            switch candidate.content {
            case .batch(let batch):
                guard let sender = context.validators.validator(batch.batch.key) else {
                    throw world.watch.fail("replay agrees", "a batch of no validator")
                }
                block = try executor.execute(batch, sender: sender.member, reader: reader)
            case .epoch(let proposal):
                let parentIsEpochBlock = executor.head.kind == .epoch
                let hash = candidate.header.hashed(world.rules.hash)
                let next = context.next(
                    proposal, block: hash, height: candidate.header.height,
                    parentIsEpochBlock: parentIsEpochBlock, hash: world.rules.hash)
                let quorum = next.quorum(of: .epoch)
                let clocks = proposal.stops.compactMap { stop in
                    quorum.validator(stop.key).map { (member: $0.member, time: stop.clock) }
                }
                block = try executor.execute(proposal, clocks: clocks, reader: reader)
                context = next
            }
            guard block.header == candidate.header else {
                throw world.watch.fail("replay agrees", "block \(candidate.header.height) differs")
            }
            rows.apply(block.changes)
        }
        for node in world.nodes where node.liar == nil && node.served.count == highest.served.count {
            guard node.isUp, node.queue.isEmpty else { continue }
            guard rows.keys == node.reader.rows.keys,
                rows.keys.allSatisfy({ rows.values[$0] == node.reader.rows.values[$0] })
            else {
                throw world.watch.fail("replay agrees", "\(node.name) has other rows")
            }
        }
    }
}
