import Codec
import Ledger

/// Sees everything that happens in a run and says which promise is broken.
///
/// It knows more than any node: every block that anybody has executed and every signature that anybody has
/// written down or sent. A block is *certified* once a quorum of votes exists, *final* once a quorum of
/// commits exists, whether or not a node knows.
final class Watch {
    /// What a run is ended with.
    struct Violation: Error, CustomStringConvertible {
        let checker: String
        let detail: String
        var description: String { "\(checker): \(detail)" }
    }

    struct Block {
        let header: BlockHeader
        let context: EpochContext
        var votes: [Attestation] = []
        var commits: [Attestation] = []
        var isCertified = false
        var isFinal = false
    }

    struct Point: Hashable {
        let epoch: Epoch
        let height: Height
    }

    struct Signed: Hashable {
        let key: KeyID
        let kind: AttestationKind
        let point: Point
    }

    /// Keys whose owners may do anything, or have forgotten what they did.
    var faulty: Set<KeyID> = []
    private(set) var blocks: [Digest: Block] = [:]
    /// Blocks that more than one node can hold, in the order in which they came.
    private(set) var order: [Digest] = []
    /// The final chain by height; nil where only descendants are known to be final.
    private(set) var finalChain: [Digest] = []
    private var certifiedAt: [Point: Digest] = [:]
    private var certifiedEpochBlocks: [Digest] = []
    private var highestFinal: [Digest] = []
    private var signatures: [Signed: Attestation] = [:]
    private var promised: [KeyID: Epoch] = [:]
    let hash: HashFunction
    let verify: SignatureVerifier
    /// Checkers that say nothing, so that a test reaches the others.
    var ignored: [String] = []

    init(genesis: BlockHeader, context: EpochContext, rules: Rules) {
        (hash, verify) = (rules.hash, rules.verify)
        let block = genesis.hashed(hash)
        blocks[block] = Block(header: genesis, context: context, isCertified: true, isFinal: true)
        finalChain = [block]
        order = [block]
        certifiedAt[Point(epoch: 0, height: 0)] = block
    }

    func fail(_ checker: String, _ detail: String) -> Violation {
        Violation(checker: checker, detail: detail)
    }

    func report(_ checker: String, _ detail: String) throws {
        if !ignored.contains(checker) { throw fail(checker, detail) }
    }

    func name(_ hash: Digest) -> String {
        let short = hash.description.prefix(6)
        guard let block = blocks[hash] else { return "unknown \(short)" }
        return "\(block.header.kind == .epoch ? "epoch block" : "block") "
            + "\(block.header.epoch)/\(block.header.height) \(short)"
    }

    // MARK: Blocks

    /// A node has executed and written down a block.
    /// - Returns: whether nobody had before.
    @discardableResult
    func note(_ record: BlockRecord) throws -> Bool {
        let hash = record.header.hashed(self.hash)
        if blocks[hash] == nil {
            guard let parent = blocks[record.header.previous] else {
                throw fail("parents", "a block on an unknown parent \(record.header)")
            }
            var context = parent.context
            if record.header.kind == .epoch {
                let proposal = try EpochProposal(decoding: record.content)
                try requireStops(record.header, proposal, on: parent)
                context = context.next(
                    proposal, block: hash, height: record.header.height,
                    parentIsEpochBlock: parent.header.kind == .epoch, hash: self.hash)
            }
            blocks[hash] = Block(header: record.header, context: context)
            order.append(hash)
            return true
        }
        return false
    }

    /// The ancestor at a height, or the block itself.
    func ancestor(of hash: Digest, at height: Height) -> Digest? {
        var next = hash
        while let block = blocks[next], block.header.height > height {
            if block.isFinal, Int(height) < finalChain.count,
                finalChain.indices.contains(Int(block.header.height)),
                finalChain[Int(block.header.height)] == next
            {
                return finalChain[Int(height)]
            }
            next = block.header.previous
        }
        return blocks[next]?.header.height == height ? next : nil
    }

    // MARK: Signatures

    /// A vote or commit exists: on a disk, or sent.
    func note(_ attestation: Attestation, by node: String) throws {
        let point = Point(epoch: attestation.epoch, height: attestation.height)
        let signed = Signed(key: attestation.key, kind: attestation.kind, point: point)
        let isFaulty = faulty.contains(attestation.key)
        if let known = signatures[signed], !isFaulty {
            guard known != attestation else { return }
            throw fail(
                known.block == attestation.block
                    ? "same bytes again" : "one \(attestation.kind) an epoch and height",
                "\(node) signed \(name(known.block)) and \(name(attestation.block))")
        }
        if let promised = promised[attestation.key], promised > attestation.epoch, !isFaulty {
            throw fail(
                "nothing below a stop",
                "\(node) made a \(attestation.kind) for \(name(attestation.block)) after stop \(promised)"
            )
        }
        signatures[signed] = attestation
        guard var block = blocks[attestation.block],
            attestation.concerns(block.header, hash: attestation.block)
        else {
            if isFaulty { return }
            throw fail("signed what exists", "\(node) signed an unknown block")
        }
        if attestation.kind == .vote {
            if block.votes.contains(where: { $0.key == attestation.key }) { return }
            block.votes.append(attestation)
        } else {
            if block.commits.contains(where: { $0.key == attestation.key }) { return }
            if !isFaulty, !block.isCertified {
                throw fail("a commit has a lock", "\(node) committed to \(name(attestation.block))")
            }
            block.commits.append(attestation)
        }
        blocks[attestation.block] = block
        try settle(attestation.block)
    }

    /// A stop exists: on a disk, or sent.
    func note(_ stop: Stop, by node: String) {
        promised[stop.key] = max(promised[stop.key] ?? 0, stop.epoch)
    }

    private func settle(_ hash: Digest) throws {
        guard let block = blocks[hash] else { return }
        let quorum = block.context.quorum(of: block.header.kind)
        if !block.isCertified, quorum.isReached(by: block.votes.map(\.key)) { try certify(hash) }
        if !block.isFinal, quorum.isReached(by: block.commits.map(\.key)) { try finalize(hash) }
    }

    private func certify(_ hash: Digest) throws {
        blocks[hash]?.isCertified = true
        guard let block = blocks[hash] else { return }
        let point = Point(epoch: block.header.epoch, height: block.header.height)
        if let other = certifiedAt[point], other != hash {
            try report("one certified block an epoch and height", "\(name(other)) and \(name(hash))")
        }
        certifiedAt[point] = hash
        guard block.header.kind == .epoch else { return }
        certifiedEpochBlocks.append(hash)
        // The highest final block of earlier epochs stands for all of them.
        let earlier = highestFinal.last { (blocks[$0]?.header.epoch ?? 0) < block.header.epoch }
        if let earlier { try requireExtension(hash, of: earlier) }
    }

    private func requireExtension(_ epochBlock: Digest, of final: Digest) throws {
        guard let height = blocks[final]?.header.height else { return }
        if ancestor(of: epochBlock, at: height) != final {
            try report(
                "an epoch extends what is final", "\(name(epochBlock)) does not extend \(name(final))")
        }
    }

    private func finalize(_ hash: Digest) throws {
        guard let header = blocks[hash]?.header else { return }
        for epochBlock in certifiedEpochBlocks {
            guard let other = blocks[epochBlock], other.header.epoch > header.epoch else { continue }
            try requireExtension(epochBlock, of: hash)
        }
        var path: [Digest] = []
        var next = hash
        while let block = blocks[next], Int(block.header.height) >= finalChain.count {
            path.append(next)
            next = block.header.previous
        }
        guard let meeting = blocks[next], finalChain[Int(meeting.header.height)] == next else {
            throw fail(
                "final blocks are one chain",
                "\(name(hash)) and \(name(finalChain[Int(blocks[next]?.header.height ?? 0)]))")
        }
        for ancestor in path.reversed() {
            finalChain.append(ancestor)
            blocks[ancestor]?.isFinal = true
        }
        blocks[hash]?.isFinal = true
        highestFinal.append(hash)
    }
}
