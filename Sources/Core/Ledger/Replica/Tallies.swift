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

    /// By the height of their blocks, in the order in which they began. Only looked up: a node that is behind
    /// holds hundreds of them, and a signature arrives for each of its peers and blocks.
    private var atHeight: [Height: [Tally]] = [:]
    /// The heights that there are tallies at are among these.
    private var range: ClosedRange<Height>?
    private var counts: [KeyID: Counts] = [:]

    /// How many signatures of a key are kept.
    private struct Counts: Sendable {
        var votes = 0
        var commits = 0
    }

    /// Blocks of one kind that one key's signatures are kept for; of more, the lowest are let go.
    private static let blocksPerKey = 512
    /// How far above the final block signatures are kept.
    static let heights: Height = 256

    /// Every tally, by rising height.
    var all: [Tally] { (range.map { Array($0) } ?? []).flatMap { atHeight[$0] ?? [] } }

    func tally(_ header: BlockHeader, _ block: Digest) -> Tally? {
        let point = VoteRecord.Point(header, hash: block)
        return atHeight[header.height]?.last { $0.point == point && $0.logSize == header.logSize }
    }

    /// Signatures over a block that is not known itself.
    func tally(_ point: VoteRecord.Point) -> Tally? { atHeight[point.height]?.last { $0.point == point } }

    /// A key's commits.
    func commits(by key: KeyID) -> [Replica.Evidence.Signed] {
        all.compactMap { $0.signature(of: .commit, by: key) }
    }

    /// Whether the key's signature over this is there already: another adds nothing.
    func holds(_ attestation: Attestation) -> Bool {
        atHeight[attestation.height]?.contains {
            $0.isOf(attestation) && $0.signature(of: attestation.kind, by: attestation.key) != nil
        } ?? false
    }

    /// Adds a signature, once.
    /// - Returns: the one that it conflicts with, where its key has signed another block of the same epoch
    ///   and height.
    @discardableResult
    mutating func add(
        _ attestation: Attestation, logRoot: Digest, now: Timestamp
    ) -> Replica.Evidence.Signed? {
        if holds(attestation) { return nil }
        let height = attestation.height
        var tallies = atHeight[height] ?? []
        let conflict = tallies.lazy.filter {
            $0.point.epoch == attestation.epoch && $0.point.block != attestation.block
        }.compactMap { $0.signature(of: attestation.kind, by: attestation.key) }.first
        let place = tallies.firstIndex { $0.isOf(attestation) } ?? tallies.count
        if place == tallies.count {
            let point = VoteRecord.Point(
                epoch: attestation.epoch, height: height, block: attestation.block)
            tallies.append(Tally(point: point, logSize: attestation.logSize, since: now))
        }
        if attestation.kind == .vote {
            tallies[place].votes.append(attestation)
        } else {
            tallies[place].commits.append((attestation, logRoot))
        }
        atHeight[height] = tallies
        range = range.map { min($0.lowerBound, height)...max($0.upperBound, height) } ?? height...height
        let count = note(attestation.kind, by: attestation.key, 1)
        if count > Tallies.blocksPerKey { dropLowest(of: attestation.kind, by: attestation.key) }
        return conflict
    }

    @discardableResult
    private mutating func note(_ kind: AttestationKind, by key: KeyID, _ change: Int) -> Int {
        var count = counts[key] ?? Counts()
        if kind == .vote { count.votes += change } else { count.commits += change }
        counts[key] = count.votes == 0 && count.commits == 0 ? nil : count
        return kind == .vote ? count.votes : count.commits
    }

    private mutating func dropLowest(of kind: AttestationKind, by key: KeyID) {
        for height in range.map({ Array($0) }) ?? [] {
            guard var tallies = atHeight[height],
                let place = tallies.firstIndex(where: { $0.signature(of: kind, by: key) != nil })
            else { continue }
            if kind == .vote {
                tallies[place].votes.removeAll { $0.key == key }
            } else {
                tallies[place].commits.removeAll { $0.attestation.key == key }
            }
            note(kind, by: key, -1)
            if tallies[place].isEmpty { tallies.remove(at: place) }
            atHeight[height] = tallies.isEmpty ? nil : tallies
            return
        }
    }

    /// Lets go of what can no longer matter.
    mutating func drop(through height: Height, keeping hash: Digest) {
        guard let range, range.lowerBound <= height else { return }
        var lowest: Height?
        for old in range.lowerBound...min(height, range.upperBound) {
            guard let tallies = atHeight[old] else { continue }
            for tally in tallies where tally.point.block != hash {
                for vote in tally.votes { note(.vote, by: vote.key, -1) }
                for commit in tally.commits { note(.commit, by: commit.attestation.key, -1) }
            }
            let kept = tallies.filter { $0.point.block == hash }
            atHeight[old] = kept.isEmpty ? nil : kept
            if !kept.isEmpty { lowest = lowest ?? old }
        }
        let next = lowest ?? height + 1
        self.range = next <= range.upperBound ? next...range.upperBound : nil
    }
}

extension Tallies.Tally {
    /// Whether the signature is over the block that this tally is of, as one of this log size.
    func isOf(_ attestation: Attestation) -> Bool {
        point.block == attestation.block && point.epoch == attestation.epoch
            && point.height == attestation.height && logSize == attestation.logSize
    }

    func signature(of kind: AttestationKind, by key: KeyID) -> Replica.Evidence.Signed? {
        guard kind == .commit else {
            return votes.first { $0.key == key }.map { .init($0, logRoot: .zero) }
        }
        return commits.first { $0.attestation.key == key }.map { .init($0.attestation, logRoot: $0.logRoot) }
    }
}
