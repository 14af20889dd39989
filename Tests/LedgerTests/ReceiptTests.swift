import Codec
import Merkle
import Testing

@testable import Ledger

@Suite struct ReceiptTests {
    private func make() throws -> (ledger: TestLedger, bundle: ReceiptBundle) {
        let ledger = try TestLedger()
        for step in 0..<5 { try ledger.run([try ledger.add(Int64(step)), try ledger.add(1)]) }
        return (ledger, try ledger.receipt(3))
    }

    private func verify(
        _ bundle: ReceiptBundle, _ ledger: TestLedger
    ) throws(ReceiptBundle.Failure) -> ReceiptBundle.Proven {
        try bundle.verify(
            genesis: ledger.genesis, chain: ledger.rules.chain, hash: TestLedger.hash,
            verifier: TestLedger.verifier)
    }

    @Test func theGenesisAloneVerifiesAReceipt() throws {
        let (ledger, bundle) = try make()
        let proven = try verify(try ReceiptBundle(decoding: bundle.encoded), ledger)
        #expect(proven.leaf == ledger.leaves[3])
        #expect(proven.index == 3)
        #expect(proven.logSize == 10)
        #expect(proven.validators.map(\.text) == ["alpha"])
    }

    @Test func everyLeafHasAReceipt() throws {
        let (ledger, _) = try make()
        for index in ledger.leaves.indices {
            #expect(try verify(try ledger.receipt(index), ledger).index == UInt64(index))
        }
    }

    @Test func everySingleBitOfABundleIsRefused() throws {
        let (ledger, bundle) = try make()
        let bytes = bundle.encoded
        for bit in 0..<(bytes.count * 8) {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            let isGood =
                (try? ReceiptBundle(decoding: changed)).map { (try? verify($0, ledger)) != nil } ?? false
            #expect(!isGood, "bit \(bit % 8) of byte \(bit / 8)")
        }
    }

    @Test func structuralChangesAreRefused() throws {
        let (ledger, bundle) = try make()
        var none = bundle
        none.receipts = []
        #expect(throws: ReceiptBundle.Failure.noQuorum) { try verify(none, ledger) }
        var twice = bundle
        twice.receipts += bundle.receipts
        #expect(throws: ReceiptBundle.Failure.repeatedValidator) { try verify(twice, ledger) }
        var other = bundle
        other.leaf = ledger.leaves[4].encoded
        #expect(throws: ReceiptBundle.Failure.badSignature) { try verify(other, ledger) }
        var flipped = ledger.leaves[3]
        flipped.outcome = .rejected("machine.unknown")
        other.leaf = flipped.encoded
        #expect(throws: ReceiptBundle.Failure.badSignature) { try verify(other, ledger) }
        var foreign = bundle
        foreign.chain = .zero
        #expect(throws: ReceiptBundle.Failure.otherLedger) { try verify(foreign, ledger) }
    }

    @Test func treeSizeIsBoundByTheSignature() throws {
        let (ledger, bundle) = try make()
        let commit = ledger.records[ledger.records.count - 1].commits
        let hashes = ledger.leaves.map { LogTree.leafHash(of: $0.encoded, hash: TestLedger.hash) }
        #expect(hashes.count == 10)
        var message = try COSESign1(decoding: bundle.receipts[0])
        var reader = CBORReader(message.unprotected)
        _ = try reader.map()
        _ = try reader.unsigned()
        _ = try reader.map()
        _ = try reader.integer()
        _ = try reader.array()
        var proof = try InclusionProof(decoding: try reader.byteString())
        proof.size += 1
        message = ReceiptBundleTestsSupport.message(commit[0], proof)
        var forged = bundle
        forged.receipts = [message.encoded]
        #expect(throws: ReceiptBundle.Failure.sizeMismatch) { try verify(forged, ledger) }
    }

    @Test func voteIsNoReceipt() throws {
        let (ledger, bundle) = try make()
        let vote = ledger.records[ledger.records.count - 1].votes[0]
        var forged = bundle
        let original = try COSESign1(decoding: bundle.receipts[0])
        forged.receipts = [vote.message(unprotected: original.unprotected).encoded]
        #expect(throws: ReceiptBundle.Failure.notCommit) { try verify(forged, ledger) }
    }

    @Test func transparentStatementCarriesTheReceipts() throws {
        let (ledger, bundle) = try make()
        let statement = try COSESign1(decoding: try bundle.transparentStatement())
        let original = try COSESign1(decoding: ledger.leaves[3].transaction)
        #expect(statement.protected == original.protected)
        #expect(statement.payload == original.payload)
        #expect(statement.signature == original.signature)
    }
}

enum ReceiptBundleTestsSupport {
    static func message(_ commit: Attestation, _ proof: InclusionProof) -> COSESign1 {
        var unprotected = CBORWriter()
        unprotected.map(1)
        unprotected.unsigned(396)
        unprotected.map(1)
        unprotected.integer(-1)
        unprotected.array(1)
        unprotected.byteString(proof.encoded)
        return commit.message(unprotected: unprotected.bytes)
    }
}
