import Codec

/// Signatures over blocks that are not final yet. Bounded for each signer: liars can name any block.
struct Tallies: Sendable {
    struct Tally: Sendable {
        let point: VoteRecord.Point
        /// As signed: for the block's own, the tally is the block's.
        let logSize: UInt64
        var votes: [Attestation] = []
        /// Each with the log root that it was seen to sign.
        var commits: [(attestation: Attestation, logRoot: Digest)] = []
        let since: Timestamp

        var isEmpty: Bool { votes.isEmpty && commits.isEmpty }
    }

    private(set) var all: [Tally] = []

    /// Blocks of one kind that one key's signatures are kept for; of more, the oldest are let go.
    private static let blocksPerKey = 512
    /// How far above the final block signatures are kept.
    static let heights: Height = 256

    func tally(_ header: BlockHeader, _ block: Digest) -> Tally? {
        let point = VoteRecord.Point(header, hash: block)
        return all.last { $0.point == point && $0.logSize == header.logSize }
    }

    /// Signatures over a block that is not known itself.
    func tally(_ point: VoteRecord.Point) -> Tally? { all.last { $0.point == point } }

    /// A key's commits.
    func commits(by key: KeyID) -> [Replica.Evidence.Signed] {
        all.compactMap { $0.signature(of: .commit, by: key) }
    }

    /// Adds a signature, once.
    /// - Returns: whether it is new, and the one that it conflicts with, where its key has signed another
    ///   block of the same epoch and height.
    mutating func add(
        _ attestation: Attestation, logRoot: Digest, now: Timestamp
    ) -> (isNew: Bool, conflict: Replica.Evidence.Signed?) {
        let point = VoteRecord.Point(
            epoch: attestation.epoch, height: attestation.height, block: attestation.block)
        var index: Int?
        var conflict: Replica.Evidence.Signed?
        var count = 0
        for (place, tally) in all.enumerated() {
            if tally.point == point, tally.logSize == attestation.logSize { index = place }
            guard let other = tally.signature(of: attestation.kind, by: attestation.key) else { continue }
            count += 1
            if tally.point.block != point.block, tally.point.epoch == point.epoch,
                tally.point.height == point.height
            {
                conflict = conflict ?? other
            }
        }
        if let index, all[index].signature(of: attestation.kind, by: attestation.key) != nil {
            return (false, nil)
        }
        if index == nil { all.append(Tally(point: point, logSize: attestation.logSize, since: now)) }
        let place = index ?? all.count - 1
        if attestation.kind == .vote {
            all[place].votes.append(attestation)
        } else {
            all[place].commits.append((attestation, logRoot))
        }
        if count >= Tallies.blocksPerKey { dropOldest(of: attestation.kind, by: attestation.key) }
        return (true, conflict)
    }

    private mutating func dropOldest(of kind: AttestationKind, by key: KeyID) {
        guard let place = all.firstIndex(where: { $0.signature(of: kind, by: key) != nil }) else { return }
        if kind == .vote {
            all[place].votes.removeAll { $0.key == key }
        } else {
            all[place].commits.removeAll { $0.attestation.key == key }
        }
        if all[place].isEmpty { all.remove(at: place) }
    }

    /// Lets go of what can no longer matter.
    mutating func drop(through height: Height, keeping hash: Digest) {
        all.removeAll { $0.point.height <= height && $0.point.block != hash }
    }
}

extension Tallies.Tally {
    func signature(of kind: AttestationKind, by key: KeyID) -> Replica.Evidence.Signed? {
        guard kind == .commit else {
            return votes.first { $0.key == key }.map { .init($0, logRoot: .zero) }
        }
        return commits.first { $0.attestation.key == key }.map { .init($0.attestation, logRoot: $0.logRoot) }
    }
}
