import Codec

/// An epoch block with what makes it final: a link of the chain that leads from the genesis to the validators
/// in force.
///
/// CBOR array of 3: header, content (the proposal), commits.
package struct EpochRecord: Hashable, Sendable {
    package let header: BlockHeader
    package let content: [UInt8]
    /// A quorum of both sets where the block changes the validators; empty where this node knows the block to
    /// be final only by a later one.
    package var commits: [Attestation]

    package init(header: BlockHeader, content: [UInt8], commits: [Attestation]) {
        (self.header, self.content, self.commits) = (header, content, commits)
    }

    package func write(to writer: inout CBORWriter) {
        writer.array(3)
        writer.byteString(header.encoded)
        writer.byteString(content)
        writer.array(commits.count)
        for commit in commits { writer.raw(commit.message().encoded) }
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        try reader.array(of: 3)
        header = try BlockHeader(decoding: try reader.byteString())
        content = try reader.byteString()
        commits = []
        for _ in 0..<(try reader.array()) {
            commits.append(try Attestation(COSESign1(reading: &reader)))
        }
    }
}

extension ValidatorHistory {
    /// The commits of a block that changed the validators are not there.
    package struct Incomplete: Error, Hashable, Sendable {
        package let height: Height
    }

    /// The epoch blocks of a chain that changed the validators, each with a quorum's commits of both sets.
    ///
    /// A block that changes the validators may be final only by the epoch block right after it, which repeats
    /// the change and has the commits of both sets itself: then that one stands for it.
    /// - Parameter chain: every final epoch block after genesis up to one of them, in order.
    package init(
        _ chain: [EpochRecord], genesis: Genesis, rules: Rules
    ) throws(Incomplete) {
        var proven = ValidatorSet(genesis.validators, hash: rules.hash)
        var lacking: (set: ValidatorSet, height: Height)?
        var changes: [ValidatorHistory.Change] = []
        for record in chain {
            guard let proposal = try? EpochProposal(decoding: record.content) else { continue }
            let next = ValidatorSet(proposal.validators, hash: rules.hash)
            let (set, height) = (lacking?.set ?? proven, lacking?.height ?? 0)
            if next == set, lacking == nil { continue }
            // Only the block right after repeats the change.
            if lacking != nil, next != set || record.header.height != height + 1 { break }
            let certificate = try? Certificate(
                .commit, record.commits, over: record.header, hash: record.header.hashed(rules.hash),
                quorum: Quorum([proven, next]), verifier: rules.verify)
            guard certificate != nil else {
                lacking = (next, record.header.height)
                continue
            }
            (proven, lacking) = (next, nil)
            changes.append(.init(header: record.header, content: record.content, commits: record.commits))
        }
        if let lacking { throw Incomplete(height: lacking.height) }
        self.init(changes)
    }
}
