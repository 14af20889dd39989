import Codec
import Merkle

/// Proof for an outsider of what a row holds at a final block, or that it is not there. The genesis alone
/// verifies it.
///
/// CBOR array of 6: "millwright-state", block header (bytes), commits (COSE_Sign1 messages, tagged), row key
/// (bytes), stored row (bytes) or null, state proof.
package struct StateBundle: Hashable, Sendable {
    package var header: BlockHeader
    package var commits: [Attestation]
    package var key: RowKey
    /// The row as stored, or nil where its absence is proven.
    package var value: [UInt8]?
    package var proof: StateProof

    static let label = "millwright-state"
    /// The largest bundle, in bytes.
    package static let maximumSize = 1 << 20

    package init(
        header: BlockHeader, commits: [Attestation], key: RowKey, value: [UInt8]?, proof: StateProof
    ) {
        (self.header, self.commits, self.key) = (header, commits, key)
        (self.value, self.proof) = (value, proof)
    }

    package var encoded: [UInt8] {
        var writer = CBORWriter(reservingCapacity: 2048 + (value?.count ?? 0))
        writer.array(6)
        writer.text(StateBundle.label)
        writer.byteString(header.encoded)
        writer.array(commits.count)
        for commit in commits { writer.raw(commit.message().encoded) }
        writer.byteString(key.bytes)
        if let value { writer.byteString(value) } else { writer.null() }
        proof.write(to: &writer)
        return writer.bytes
    }

    /// - Throws: `cbor.*` or `cose.*` where the bytes are not a bundle.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        guard bytes.count <= StateBundle.maximumSize else { throw CodecError(.tooLarge) }
        var reader = CBORReader(bytes)
        try reader.array(of: 6)
        guard try reader.text() == StateBundle.label else {
            throw CodecError(.invalidValue, at: reader.offset, "not a state bundle")
        }
        header = try BlockHeader(decoding: try reader.byteString())
        commits = []
        for _ in 0..<(try reader.array()) { commits.append(try Attestation(COSESign1(reading: &reader))) }
        key = RowKey(bytes: try reader.byteString())
        if reader.isNull { try reader.null() } else { value = try reader.byteString() }
        proof = try StateProof(reading: &reader)
        try reader.finish()
    }

    /// Why a bundle proves nothing. The codes are stable.
    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case otherLedger
        case unknownEpoch
        case derivedRow
        case certificate(Certificate.Failure)
        case proof(ProofError)

        package var code: String {
            switch self {
            case .otherLedger: "state.other_ledger"
            case .unknownEpoch: "state.unknown_epoch"
            case .derivedRow: "state.derived_row"
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
        guard header.epoch == 0 else { throw .unknownEpoch }
        guard !key.isDerived else { throw .derivedRow }
        do throws(Certificate.Failure) {
            _ = try Certificate(
                .commit, commits, over: header, hash: header.hashed(hash),
                quorum: Quorum([ValidatorSet(genesis.validators, hash: hash)]), verifier: verifier)
        } catch { throw .certificate(error) }
        do throws(ProofError) {
            try proof.verify(
                key: Executor.treeKey(key, hash: hash),
                value: value.map { Executor.treeValue($0, hash: hash) }, root: header.stateRoot, hash: hash)
        } catch { throw .proof(error) }
    }
}
