import Codec
import Ledger

/// Taking the state from another node, and serving it.
extension SimulatedNode {
    /// What this node serves to whoever asks for a snapshot.
    func offeredSnapshot() throws -> SimulatedSnapshot? {
        guard let snapshot = SimulatedSnapshot(of: self, rules: world.rules) else { return nil }
        guard liar != nil, world.chance.permille(800),
            let lie = world.chance.pick(SimulatedSnapshot.Lie.allCases)
        else { return snapshot }
        world.coverage.count("lying snapshots")
        let liars = world.nodes.filter { $0.liar != nil }.flatMap { $0.signers() }
        return snapshot.forged(
            lie, old: oldCheckpoint, signers: liars, rules: world.rules, chance: &world.chance)
    }

    /// Takes another node's state in the place of this one's blocks, if it is what it says. The log, and so
    /// the votes, stay.
    /// - Returns: false where it is refused.
    func take(_ snapshot: SimulatedSnapshot, of other: SimulatedNode) throws -> Bool {
        let height = served.last?.header.height ?? disk.checkpoint.header.height
        if sabotage != .trustSnapshots,
            let refusal = snapshot.refusal(above: height, genesis: world.genesis, rules: world.rules)
        {
            let isOld = snapshot.checkpoint.header.height <= height
            world.coverage.count(
                isOld ? "old snapshots" : other.liar == nil ? "unproven snapshots" : "false snapshots refused"
            )
            world.trace("\(name) takes no snapshot of \(other.name): \(refusal)")
            return false
        }
        try world.watch.note(snapshot.checkpoint, above: height, by: name, rules: world.rules)
        let own = disk.voteState
        disk.checkpoint = snapshot.checkpoint
        disk.checkpoint.voteState = own
        disk.checkpoint.epochs = try snapshot.epochs.map {
            (try EpochProposal(decoding: $0.content), $0.header.hashed(hash), $0.header.height)
        }
        world.reports.jump(index, to: disk.checkpoint.header.height)
        world.coverage.count("snapshots taken")
        world.trace("\(name) takes a snapshot at \(disk.checkpoint.header.height)")
        return true
    }
}

extension Watch {
    /// A node goes on from a state that it did not execute.
    func note(
        _ checkpoint: SimulatedDisk.Checkpoint, above height: Height, by node: String, rules: Rules
    ) throws {
        guard let block = blocks[checkpoint.hash], block.isFinal, block.header.height > height,
            checkpoint.executor(rules).tree.root == block.header.stateRoot,
            checkpoint.log.root(hash: rules.hash) == block.header.logRoot
        else {
            throw fail(
                "a snapshot is of what is final", "\(node) took one of \(name(checkpoint.hash))")
        }
    }
}
