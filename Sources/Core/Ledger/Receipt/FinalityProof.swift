import Codec

/// That a block is final, and which epoch it is of, by nothing but the genesis document.
package struct FinalityProof: Sendable {
    /// The block, and those after it up to one that has its commits.
    package let headers: [BlockHeader]
    /// Of the last of them.
    package let commits: [Attestation]
    /// What the block holds: a batch, or an epoch proposal.
    package let content: [UInt8]
    /// The final epoch blocks after genesis up to the block.
    package let epochs: [EpochRecord]

    package init(
        headers: [BlockHeader], commits: [Attestation], content: [UInt8], epochs: [EpochRecord]
    ) {
        (self.headers, self.commits, self.content, self.epochs) = (headers, commits, content, epochs)
    }

    package init(_ blocks: [BlockRecord], epochs: [EpochRecord]) {
        self.init(
            headers: blocks.map(\.header), commits: blocks.last?.commits ?? [],
            content: blocks.first?.content ?? [], epochs: epochs)
    }

    /// Why a block is not shown to be final.
    package enum Failure: Error, Hashable, Sendable {
        case otherBlock
        case notAChain
        case otherContent
        /// The epoch is not the one that the block names.
        case otherEpoch
        case malformedEpoch
        /// The changes of validators lack commits.
        case incomplete(Height)
        case history(ValidatorHistory.Failure)
        case certificate(Certificate.Failure)

        /// What is wrong, for a person.
        package var text: String {
            switch self {
            case .otherBlock: "it is of another block"
            case .notAChain: "the blocks do not follow one another"
            case .otherContent: "the block's content is another's"
            case .otherEpoch: "the epoch of the block is missing"
            case .malformedEpoch: "an epoch block cannot be read"
            case .incomplete(let height): "commits of block \(height) are missing"
            case .history(let failure): "the validators do not follow from the genesis (\(failure))"
            case .certificate(let failure):
                "no quorum of validators has committed to its block (\(failure.rawValue))"
            }
        }
    }

    /// Checks that the block with a hash at a height is final.
    ///
    /// Epoch blocks that do not change the validators prove nothing and need no proof, except the last: a
    /// node that goes on from the block executes by it, and it is the one that the block's batch names.
    package func verify(
        block: Digest, height: Height, genesis: Genesis, rules: Rules
    ) throws(Failure) {
        guard let first = headers.first, let last = headers.last, first.chain == rules.chain,
            first.hashed(rules.hash) == block, first.height == height
        else { throw .otherBlock }
        for (header, next) in zip(headers, headers.dropFirst()) {
            guard next.previous == header.hashed(rules.hash), next.height == header.height + 1 else {
                throw .notAChain
            }
        }
        try verifyEpoch(of: first, block: block, rules)
        let authority: ValidatorHistory.Authority
        do {
            let history: ValidatorHistory
            do throws(ValidatorHistory.Incomplete) {
                history = try ValidatorHistory(epochs, genesis: genesis, rules: rules)
            } catch { throw Failure.incomplete(error.height) }
            do throws(ValidatorHistory.Failure) {
                authority = try history.authority(
                    genesis: genesis, chain: rules.chain, hash: rules.hash, verifier: rules.verify)
            } catch { throw Failure.history(error) }
        }
        let final = last.hashed(rules.hash)
        do throws(Certificate.Failure) {
            _ = try Certificate(
                .commit, commits, over: last, hash: final, quorum: authority.quorum(of: final),
                verifier: rules.verify)
        } catch { throw .certificate(error) }
    }

    private func verifyEpoch(of header: BlockHeader, block: Digest, _ rules: Rules) throws(Failure) {
        for record in epochs {
            guard let proposal = try? EpochProposal(decoding: record.content),
                proposal.epoch == record.header.epoch, record.header.kind == .epoch,
                record.header.content == rules.hash(record.content)
            else { throw .malformedEpoch }
        }
        let follow = zip(epochs, epochs.dropFirst()).allSatisfy {
            $0.header.height < $1.header.height && $0.header.epoch < $1.header.epoch
        }
        guard follow,
            header.epoch == epochs.last?.header.epoch ?? 0
        else { throw .otherEpoch }
        // Genesis speaks for itself, and begins no epoch that could be another.
        guard header.height > 0 else { return }
        guard header.content == rules.hash(content) else { throw .otherContent }
        guard let epoch = epochs.last?.header.hashed(rules.hash) else { return }
        switch header.kind {
        case .epoch: if epoch != block { throw .otherEpoch }
        case .batch:
            guard let batch = try? Batch(decoding: content, chain: rules.chain), batch.epochBlock == epoch
            else { throw .otherEpoch }
        }
    }
}
