import Codec
import Merkle
import Testing

@testable import Ledger

@Suite struct StateBundleTests {
    private func bundle(_ ledger: TestLedger, _ counter: String) throws -> StateBundle {
        let key = CounterContract.Counter.rowKey(MemberID(counter)!)
        let proof = ledger.replica.executor.tree.proof(for: Executor.treeKey(key, hash: TestLedger.hash))
        let record = ledger.records[ledger.records.count - 1]
        return StateBundle(
            header: record.header, commits: record.commits, key: key, value: try ledger.rows.value(for: key),
            proof: proof)
    }

    private func make() throws -> TestLedger {
        let ledger = try TestLedger()
        for step in 0..<6 { try ledger.run([try ledger.add(Int64(step), to: "c\(step)")]) }
        return ledger
    }

    private func verify(_ bundle: StateBundle, _ ledger: TestLedger) throws(StateBundle.Failure) {
        try bundle.verify(
            genesis: ledger.genesis, chain: ledger.rules.chain, hash: TestLedger.hash,
            verifier: TestLedger.verifier)
    }

    @Test(arguments: ["c3", "absent"])
    func presenceAndAbsenceVerifyAgainstTheGenesis(counter: String) throws {
        let ledger = try make()
        let bundle = try bundle(ledger, counter)
        #expect((bundle.value == nil) == (counter == "absent"))
        try verify(try StateBundle(decoding: bundle.encoded), ledger)
    }

    @Test(arguments: ["c3", "absent"])
    func everySingleBitIsRefused(counter: String) throws {
        let ledger = try make()
        let bytes = try bundle(ledger, counter).encoded
        for bit in 0..<(bytes.count * 8) {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let forged = try? StateBundle(decoding: changed) else { continue }
            let isGood = (try? verify(forged, ledger)) != nil
            // Another absent row may well be proven absent by the same path; it is then another statement.
            #expect(!isGood || (forged.value == nil && forged.key.bytes != bundleKey(counter)), "bit \(bit)")
        }
    }

    private func bundleKey(_ counter: String) -> [UInt8] {
        CounterContract.Counter.rowKey(MemberID(counter)!).bytes
    }

    @Test func aPresentRowIsNotProvenAbsentNorWithAnotherValue() throws {
        let ledger = try make()
        var hidden = try bundle(ledger, "c3")
        hidden.value = nil
        #expect(throws: StateBundle.Failure.proof(.valueMismatch)) { try verify(hidden, ledger) }
        var invented = try bundle(ledger, "absent")
        invented.value = try bundle(ledger, "c3").value
        #expect(throws: StateBundle.Failure.proof(.valueMismatch)) { try verify(invented, ledger) }
        var uncommitted = try bundle(ledger, "c3")
        uncommitted.commits = []
        #expect(throws: StateBundle.Failure.certificate(.noQuorum)) { try verify(uncommitted, ledger) }
    }
}
