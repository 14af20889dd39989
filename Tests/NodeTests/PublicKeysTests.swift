import Codec
import Contracts
import Cryptography
import Ledger
import TestSupport
import Testing

@testable import Node

@Suite struct PublicKeysTests {
    private func key(_ number: UInt64) -> KeyID { KeyID(SHA256.hash(bigEndianBytes(number))) }

    @Test func keysThatAreAskedForStayAndOthersGo() {
        var keys = PublicKeys(limit: 4)
        keys[key(0)] = [0]
        keys[key(1)] = [1]
        for number in 2..<40 {
            keys[key(UInt64(number))] = [UInt8(number)]
            #expect(keys[key(0)] == [0])
            #expect(keys[key(UInt64(number))] == [UInt8(number)])
        }
        #expect(keys[key(1)] == nil)
    }

    @Test func aKeyThatABlockBringsIsKnownBeforeItSigns() throws {
        var stage = try ContractCase.base()
        let delegation = ContractCase.delegate(
            "erp", of: "customer", scopes: ["machine.*"], until: stage.clock + .days(1), stage)
        let block = try stage.run([try stage.sign(ConsortiumContract.self, delegation, by: "customer")])
        let keys = try block.records(KeyRecord.self)
        #expect(keys.map(\.id) == [Stage.keyID("erp")])

        let verifier = BatchVerifier(rules: stage.rules, width: 1) { key in
            Issue.record("\(key) was looked up")
            return nil
        }
        verifier.learn(keys)
        let start = MachineContract.Action.start(.init(machine: MachineID("press-7")!))
        let checked = try verifier.check([try stage.sign(MachineContract.self, start, by: "erp")])
        guard case .verified = checked.first else {
            Issue.record("the signature was not verified")
            return
        }
    }
}
