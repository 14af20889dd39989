import Codec

/// Signatures over blocks that are not final yet. Bounded: liars can name any block.
struct Tallies: Sendable {
    struct Tally: Sendable {
        let point: VoteRecord.Point
        var votes: [Attestation] = []
        /// Each with the log root that it was seen to sign.
        var commits: [(attestation: Attestation, logRoot: Digest)] = []
        let since: Timestamp
    }

    private(set) var all: [Tally] = []

    /// Blocks with signatures, at most.
    private static let capacity = 1024
    /// How far above the final block signatures are kept.
    static let heights: Height = 256

    func tally(_ block: Digest) -> Tally? { all.last { $0.point.block == block } }

    /// Adds a signature, once. The one that it conflicts with, where its key has signed another block of the
    /// same epoch and height; nil where it is not new or there is no room.
    mutating func add(
        _ attestation: Attestation, logRoot: Digest, now: Timestamp
    ) -> (isNew: Bool, conflict: Attestation?) {
        var conflict: Attestation?
        for tally in all
        where tally.point.epoch == attestation.epoch && tally.point.height == attestation.height
            && tally.point.block != attestation.block
        {
            let others = attestation.kind == .vote ? tally.votes : tally.commits.map(\.attestation)
            conflict = conflict ?? others.first { $0.key == attestation.key }
        }
        let index: Int
        if let known = all.lastIndex(where: { $0.point.block == attestation.block }) {
            index = known
        } else {
            guard all.count < Tallies.capacity else { return (false, conflict) }
            let point = VoteRecord.Point(
                epoch: attestation.epoch, height: attestation.height, block: attestation.block)
            all.append(Tally(point: point, since: now))
            index = all.count - 1
        }
        guard all[index].point.height == attestation.height, all[index].point.epoch == attestation.epoch
        else { return (false, conflict) }
        if attestation.kind == .vote {
            guard !all[index].votes.contains(where: { $0.key == attestation.key }) else {
                return (false, nil)
            }
            all[index].votes.append(attestation)
        } else {
            guard !all[index].commits.contains(where: { $0.attestation.key == attestation.key }) else {
                return (false, nil)
            }
            all[index].commits.append((attestation, logRoot))
        }
        return (true, conflict)
    }

    /// Lets go of what can no longer matter.
    mutating func drop(through height: Height, keeping hash: Digest) {
        all.removeAll { $0.point.height <= height && $0.point.block != hash }
    }
}
