import Codec
import Merkle

/// Proof for an outsider of what a row holds at a final block, or that it is not there. The genesis alone
/// verifies it.
///
/// CBOR array of 6: "millwright-state", block header (bytes), commits (COSE_Sign1 messages, tagged), row key
/// (bytes), stored row (bytes) or null, state proof; where the validators have changed since genesis a
/// seventh, their history.
package struct StateBundle: Hashable, Sendable {
    package var header: BlockHeader
    package var commits: [Attestation]
    package var key: RowKey
    /// The row as stored, or nil where its absence is proven.
    package var value: [UInt8]?
    package var proof: StateProof
    package var history: ValidatorHistory

    static let label = "millwright-state"
    /// The largest bundle, in bytes.
    package static let maximumSize = 4 << 20

    package init(
        header: BlockHeader, commits: [Attestation], key: RowKey, value: [UInt8]?, proof: StateProof,
        history: ValidatorHistory = .init()
    ) {
        self.history = history
        (self.header, self.commits, self.key) = (header, commits, key)
        (self.value, self.proof) = (value, proof)
    }

    package var encoded: [UInt8] {
        var writer = CBORWriter(reservingCapacity: 2048 + (value?.count ?? 0))
        writer.array(history.changes.isEmpty ? 6 : 7)
        writer.text(StateBundle.label)
        writer.byteString(header.encoded)
        writer.array(commits.count)
        for commit in commits { writer.raw(commit.message().encoded) }
        writer.byteString(key.bytes)
        if let value { writer.byteString(value) } else { writer.null() }
        proof.write(to: &writer)
        if !history.changes.isEmpty { history.write(to: &writer) }
        return writer.bytes
    }

    /// - Throws: `cbor.*` or `cose.*` where the bytes are not a bundle.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        guard bytes.count <= StateBundle.maximumSize else { throw CodecError(.tooLarge) }
        var reader = CBORReader(bytes)
        let count = try reader.array()
        guard count == 6 || count == 7, try reader.text() == StateBundle.label else {
            throw CodecError(.invalidValue, at: reader.offset, "not a state bundle")
        }
        header = try BlockHeader(decoding: try reader.byteString())
        commits = try Attestation.list(&reader)
        key = RowKey(bytes: try reader.byteString())
        if reader.isNull { try reader.null() } else { value = try reader.byteString() }
        proof = try StateProof(reading: &reader)
        history = count == 7 ? try ValidatorHistory(reading: &reader) : ValidatorHistory()
        try reader.finish()
    }

    /// Why a bundle proves nothing. The codes are stable.
    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case otherLedger
        case unknownEpoch
        case derivedRow
        /// The changes of validators do not follow from the genesis.
        case history(ValidatorHistory.Failure)
        case certificate(Certificate.Failure)
        case proof(ProofError)

        package var code: String {
            switch self {
            case .otherLedger: "state.other_ledger"
            case .unknownEpoch: "state.unknown_epoch"
            case .derivedRow: "state.derived_row"
            case .history(let failure): failure.code
            case .certificate(let failure): failure.rawValue
            case .proof(let error): error.rawValue
            }
        }

        package var description: String { code }
    }

    /// Checks that a quorum of the genesis' validators committed the block and that its state root holds the
    /// row.
    package func verify(
        genesis: Genesis, chain: ChainID, hash: HashFunction, verifier: SignatureVerifier
    ) throws(Failure) {
        guard header.chain == chain else { throw .otherLedger }
        guard !key.isDerived else { throw .derivedRow }
        let authority: ValidatorHistory.Authority
        do throws(ValidatorHistory.Failure) {
            authority = try history.authority(genesis: genesis, chain: chain, hash: hash, verifier: verifier)
        } catch { throw .history(error) }
        guard header.epoch >= authority.epoch else { throw .unknownEpoch }
        let blockHash = header.hashed(hash)
        do throws(Certificate.Failure) {
            _ = try Certificate(
                .commit, commits, over: header, hash: blockHash, quorum: authority.quorum(of: blockHash),
                verifier: verifier)
        } catch { throw .certificate(error) }
        do throws(ProofError) {
            try proof.verify(
                key: Executor.treeKey(key, hash: hash),
                value: value.map { Executor.treeValue($0, hash: hash) }, root: header.stateRoot, hash: hash)
        } catch { throw .proof(error) }
    }
}
