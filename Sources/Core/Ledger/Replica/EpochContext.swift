import Codec

/// An epoch as its blocks see it: who signs, and which engine orders.
package struct EpochContext: Hashable, Sendable {
    package let epoch: Epoch
    /// The epoch block, which batches name; for epoch 0 genesis.
    package let block: Digest
    package let height: Height
    /// In force from the epoch block on.
    package let validators: ValidatorSet
    /// The set before, where the epoch block changes it: that block is certified by a quorum of both.
    package let leaving: ValidatorSet?
    /// The engine as an address; `embedded:MEMBER` names its host.
    package let engine: String

    package init(
        epoch: Epoch, block: Digest, height: Height, validators: ValidatorSet, leaving: ValidatorSet?,
        engine: String
    ) {
        (self.epoch, self.block, self.height) = (epoch, block, height)
        (self.validators, self.leaving, self.engine) = (validators, leaving, engine)
    }

    /// Epoch 0: what genesis says. `embedded:` is hosted by the first validator.
    package static func genesis(
        _ genesis: Genesis, block: Digest, engines: [String], hash: HashFunction
    ) -> EpochContext {
        EpochContext(
            epoch: 0, block: block, height: 0, validators: ValidatorSet(genesis.validators, hash: hash),
            leaving: nil,
            engine: expanded(engines.first ?? "embedded:", host: genesis.validators[0].member))
    }

    /// The epoch that a proposal begins on a parent of this one.
    ///
    /// Where the parent is an epoch block that changed the validators and may not be final, the change is
    /// repeated: certificates still need both sets.
    package func next(
        _ proposal: EpochProposal, block: Digest, height: Height, parentIsEpochBlock: Bool,
        hash: HashFunction
    ) -> EpochContext {
        let set = ValidatorSet(proposal.validators, hash: hash)
        let leaving = set == validators ? (parentIsEpochBlock ? self.leaving : nil) : validators
        return EpochContext(
            epoch: proposal.epoch, block: block, height: height, validators: set, leaving: leaving,
            engine: proposal.engine)
    }

    /// The epoch of a block of the chain, from the epoch blocks up to it, in order.
    package static func following(
        _ genesis: EpochContext, _ blocks: [(proposal: EpochProposal, block: Digest, height: Height)],
        hash: HashFunction
    ) -> EpochContext {
        blocks.reduce(genesis) { context, next in
            context.next(
                next.proposal, block: next.block, height: next.height,
                parentIsEpochBlock: next.height == context.height + 1, hash: hash)
        }
    }

    /// Whose signatures certify a block of this epoch.
    package func quorum(of kind: BlockHeader.Kind) -> Quorum {
        guard kind == .epoch, let leaving else { return Quorum([validators]) }
        return Quorum([leaving, validators])
    }

    /// The engine that an entry of the ledger's list stands for when a validator proposes it.
    package static func expanded(_ engine: String, host: MemberID) -> String {
        engine.utf8.elementsEqual("embedded:".utf8) ? "embedded:\(host)" : engine
    }
}
