import Codec
import Ledger

/// Whether an epoch block may begin where it does: said by its stops alone, and found out here without asking
/// any replica.
extension Watch {
    /// An epoch block holds the stops, for its epoch, of a quorum of those who validate before it and of
    /// those who do after; it is made by the one whose turn it is, on the highest lock among the stops, and
    /// that is certified.
    func requireStops(_ header: BlockHeader, _ proposal: EpochProposal, on parent: Block) throws {
        let next = ValidatorSet(proposal.validators, hash: hash)
        var sets = [parent.context.validators, next]
        // A change that may not be final yet: those who leave have a word in what follows on it.
        if parent.header.kind == .epoch, let leaving = parent.context.leaving { sets.append(leaving) }
        let turn = next.validators[Int(proposal.epoch % UInt64(next.validators.count))]
        if let fault = fault(of: proposal, sets) ?? startFault(of: proposal, on: parent)
            ?? (KeyID(publicKey: turn.votingKey.array, hash: hash) == proposal.key
                ? nil : "is made out of turn")
        {
            try report(
                "an epoch block has its stops",
                "the epoch block \(header.epoch)/\(header.height) \(fault)")
        }
    }

    private func fault(of proposal: EpochProposal, _ sets: [ValidatorSet]) -> String? {
        var keys: Set<KeyID> = []
        for stop in proposal.stops {
            guard let validator = sets.lazy.compactMap({ $0.validator(stop.key) }).first else {
                return "holds a stop of nobody who validates"
            }
            guard stop.epoch == proposal.epoch, stop.chain == proposal.chain else {
                return "holds a stop for epoch \(stop.epoch)"
            }
            guard stop.isSigned(by: validator.votingKey.array, verifier: verify) else {
                return "holds a stop that \(validator.member) did not sign"
            }
            guard keys.insert(stop.key).inserted else { return "holds two stops of \(validator.member)" }
        }
        for set in sets {
            let count = keys.count { set.validator($0) != nil }
            if count < Plan.quorum(set.validators.count) {
                return "holds \(count) stops of \(set.validators.count) validators"
            }
        }
        return nil
    }

    private func startFault(of proposal: EpochProposal, on parent: Block) -> String? {
        let start = VoteRecord.Point(parent.header, hash: proposal.parent)
        guard let lock = proposal.stops.map(\.lock).max(), lock == start else {
            return "does not begin at the highest lock of its stops"
        }
        return parent.isCertified ? nil : "begins on \(name(proposal.parent)), which is not certified"
    }
}
