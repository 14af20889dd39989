import Codec
import Merkle

/// Proof for an outsider that a transaction is on the ledger with its outcome: the leaf, and a COSE receipt
/// (RFC 9942) from each of a quorum of validators. The genesis file alone verifies it.
///
/// CBOR array of 4: "millwright-receipt", chain, leaf (bytes), receipts (COSE_Sign1 messages, tagged); where
/// the validators have changed since genesis a fifth, their history.
package struct ReceiptBundle: Hashable, Sendable {
    package var chain: ChainID
    /// The leaf as encoded, which is what the log tree hashes.
    package var leaf: [UInt8]
    package var receipts: [[UInt8]]
    package var history: ValidatorHistory

    static let label = "millwright-receipt"
    /// The largest bundle, in bytes.
    package static let maximumSize = 4 << 20

    package init(
        chain: ChainID, leaf: Leaf, proof: InclusionProof, commits: [Attestation],
        history: ValidatorHistory = .init()
    ) {
        (self.chain, self.leaf, self.history) = (chain, leaf.encoded, history)
        var unprotected = CBORWriter()
        unprotected.map(1)
        unprotected.unsigned(396)
        unprotected.map(1)
        unprotected.integer(-1)
        unprotected.array(1)
        unprotected.byteString(proof.encoded)
        receipts = commits.map { $0.message(unprotected: unprotected.bytes).encoded }
    }

    package var encoded: [UInt8] {
        var writer = CBORWriter(reservingCapacity: leaf.count + receipts.reduce(64) { $0 + $1.count })
        writer.array(history.changes.isEmpty ? 4 : 5)
        writer.text(ReceiptBundle.label)
        writer.digest(chain)
        writer.byteString(leaf)
        writer.array(receipts.count)
        for receipt in receipts { writer.raw(receipt) }
        if !history.changes.isEmpty { history.write(to: &writer) }
        return writer.bytes
    }

    /// - Throws: `cbor.*` where the bytes are not a bundle.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        guard bytes.count <= ReceiptBundle.maximumSize else { throw CodecError(.tooLarge) }
        var reader = CBORReader(bytes)
        let count = try reader.array()
        guard count == 4 || count == 5, try reader.text() == ReceiptBundle.label else {
            throw CodecError(.invalidValue, at: reader.offset, "not a receipt bundle")
        }
        chain = try reader.digest()
        leaf = try reader.byteString()
        receipts = []
        for _ in 0..<(try reader.array()) { receipts.append(Array(try reader.item())) }
        history = count == 5 ? try ValidatorHistory(reading: &reader) : ValidatorHistory()
        try reader.finish()
    }

    /// The transaction as a transparent statement: its COSE_Sign1 with the receipts under header 394 (RFC
    /// 9943).
    /// - Throws: `cbor.*` where the leaf does not hold a transaction.
    package func transparentStatement() throws(CodecError) -> [UInt8] {
        var statement = try COSESign1(decoding: Leaf(decoding: leaf).transaction)
        var unprotected = CBORWriter()
        unprotected.map(1)
        unprotected.unsigned(394)
        unprotected.array(receipts.count)
        for receipt in receipts { unprotected.byteString(receipt) }
        statement.unprotected = unprotected.bytes
        return statement.encoded
    }

    /// Why a bundle proves nothing. The codes are stable.
    package enum Failure: String, Error, Sendable {
        case otherLedger = "receipt.other_ledger"
        case malformed = "receipt.malformed"
        case notCommit = "receipt.not_a_commit"
        case wrongProof = "receipt.wrong_proof"
        case sizeMismatch = "receipt.size_mismatch"
        case unknownValidator = "receipt.unknown_validator"
        case repeatedValidator = "receipt.repeated_validator"
        case badSignature = "receipt.bad_signature"
        case differentBlocks = "receipt.different_blocks"
        case noQuorum = "receipt.no_quorum"
        /// The changes of validators do not follow from the genesis.
        case badHistory = "receipt.bad_history"
    }

    /// What a good bundle proves.
    package struct Proven: Hashable, Sendable {
        package let leaf: Leaf
        package let index: UInt64
        package let logSize: UInt64
        package let logRoot: Digest
        /// The final block whose log root was signed.
        package let block: Digest
        package let height: Height
        package let validators: [MemberID]
    }

    /// Checks the bundle against the genesis: every receipt must be good, and they must be a quorum for one
    /// block.
    package func verify(
        genesis: Genesis, chain expected: ChainID, hash: HashFunction, verifier: SignatureVerifier
    ) throws(Failure) -> Proven {
        guard chain == expected else { throw .otherLedger }
        let content: Leaf
        do { content = try Leaf(decoding: leaf) } catch { throw .malformed }
        let authority: ValidatorHistory.Authority
        do throws(ValidatorHistory.Failure) {
            authority = try history.authority(
                genesis: genesis, chain: expected, hash: hash, verifier: verifier)
        } catch { throw .badHistory }
        var keys: [KeyID] = []
        let leafHash = LogTree.leafHash(of: leaf, hash: hash)
        var signers: [MemberID] = []
        var first: (commit: Attestation, index: UInt64, root: Digest)?
        for receipt in receipts {
            let (commit, proof) = try ReceiptBundle.parse(receipt)
            guard commit.chain == expected else { throw .otherLedger }
            guard commit.epoch >= authority.epoch else { throw .unknownValidator }
            guard commit.logSize == proof.size else { throw .sizeMismatch }
            let root: Digest
            do { root = try proof.root(leafHash: leafHash, hash: hash) } catch { throw .wrongProof }
            guard let validator = authority.quorum(of: commit.block).validator(commit.key) else {
                throw .unknownValidator
            }
            guard !keys.contains(commit.key) else { throw .repeatedValidator }
            guard commit.isSigned(by: validator.votingKey.array, payload: root, verifier: verifier) else {
                throw .badSignature
            }
            if let first {
                guard first.commit.block == commit.block, first.commit.height == commit.height,
                    first.index == proof.index, first.root == root
                else { throw .differentBlocks }
            } else {
                first = (commit, proof.index, root)
            }
            keys.append(commit.key)
            if !signers.contains(validator.member) { signers.append(validator.member) }
        }
        guard let first, authority.quorum(of: first.commit.block).isReached(by: keys) else {
            throw .noQuorum
        }
        return Proven(
            leaf: content, index: first.index, logSize: first.commit.logSize, logRoot: first.root,
            block: first.commit.block, height: first.commit.height, validators: signers)
    }

    private static func parse(_ receipt: [UInt8]) throws(Failure) -> (Attestation, InclusionProof) {
        do {
            let message = try COSESign1(decoding: receipt)
            let commit = try Attestation(message)
            guard commit.kind == .commit else { throw Failure.notCommit }
            var reader = CBORReader(message.unprotected)
            guard try reader.map() == 1, try reader.unsigned() == 396, try reader.map() == 1,
                try reader.integer() == -1, try reader.array() == 1
            else { throw Failure.malformed }
            let proof = try InclusionProof(decoding: try reader.byteString())
            try reader.finish()
            return (commit, proof)
        } catch let failure as Failure { throw failure } catch { throw .malformed }
    }
}
