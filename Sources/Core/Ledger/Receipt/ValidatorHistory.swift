import Codec

/// How the validators changed since genesis, as an outsider can check it: the epoch blocks that changed them,
/// each committed by a quorum of the set before and of the set that it brings.
///
/// CBOR array of `[block header (bytes), content (bytes), [* commit]]`, in rising order; the content is the
/// epoch proposal that the header's digest names.
package struct ValidatorHistory: Hashable, Sendable {
    package struct Change: Hashable, Sendable {
        package var header: BlockHeader
        package var content: [UInt8]
        package var commits: [Attestation]

        package init(header: BlockHeader, content: [UInt8], commits: [Attestation]) {
            (self.header, self.content, self.commits) = (header, content, commits)
        }
    }

    package var changes: [Change]

    package init(_ changes: [Change] = []) { self.changes = changes }

    /// Why a history does not lead from genesis to validators. The codes are stable.
    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case otherLedger
        case malformed
        case order
        case certificate(Certificate.Failure)

        package var code: String {
            switch self {
            case .otherLedger: "validators.other_ledger"
            case .malformed: "validators.malformed"
            case .order: "validators.order"
            case .certificate(let failure): failure.rawValue
            }
        }

        package var description: String { code }
    }

    /// Who signs from the last change on, and the epoch of that change.
    package struct Authority: Hashable, Sendable {
        package let validators: ValidatorSet
        package let epoch: Epoch
        /// The set before the last change, which a commit to that epoch block itself needs too.
        package let leaving: ValidatorSet?
        /// The last change's epoch block.
        package let block: Digest?

        /// Whose signatures make a block final.
        package func quorum(of block: Digest) -> Quorum {
            guard block == self.block, let leaving else { return Quorum([validators]) }
            return Quorum([leaving, validators])
        }
    }

    /// Follows the changes from the genesis' validators.
    package func authority(
        genesis: Genesis, chain: ChainID, hash: HashFunction, verifier: SignatureVerifier
    ) throws(Failure) -> Authority {
        var authority = Authority(
            validators: ValidatorSet(genesis.validators, hash: hash), epoch: 0, leaving: nil, block: nil)
        var height: Height = 0
        for change in changes {
            let header = change.header
            guard header.chain == chain else { throw .otherLedger }
            guard header.kind == .epoch, header.content == hash(change.content),
                let proposal = try? EpochProposal(decoding: change.content), proposal.epoch == header.epoch,
                proposal.chain == chain
            else { throw .malformed }
            guard header.epoch > authority.epoch, header.height > height else { throw .order }
            let next = ValidatorSet(proposal.validators, hash: hash)
            guard next != authority.validators else { throw .order }
            let blockHash = header.hashed(hash)
            do throws(Certificate.Failure) {
                _ = try Certificate(
                    .commit, change.commits, over: header, hash: blockHash,
                    quorum: Quorum([authority.validators, next]), verifier: verifier)
            } catch { throw .certificate(error) }
            authority = Authority(
                validators: next, epoch: header.epoch, leaving: authority.validators, block: blockHash)
            height = header.height
        }
        return authority
    }

    func write(to writer: inout CBORWriter) {
        writer.array(changes.count)
        for change in changes {
            writer.array(3)
            writer.byteString(change.header.encoded)
            writer.byteString(change.content)
            writer.array(change.commits.count)
            for commit in change.commits { writer.raw(commit.message().encoded) }
        }
    }

    init(reading reader: inout CBORReader) throws(CodecError) {
        changes = []
        for _ in 0..<(try reader.array()) {
            try reader.array(of: 3)
            let header = try BlockHeader(decoding: try reader.byteString())
            let content = try reader.byteString()
            changes.append(Change(header: header, content: content, commits: try Attestation.list(&reader)))
        }
        // One encoding for one meaning: without changes the field is absent.
        guard !changes.isEmpty else { throw CodecError(.invalidValue, at: reader.offset, "no change") }
    }
}
