import Codec
import Contracts
import Cryptography
import Ledger
import TestSupport
import Testing

@testable import Node

@Suite struct KnownKeysTests {
    private func key(_ number: UInt8, revoked: Bool = false) -> KnownKey {
        let publicKey = [UInt8](repeating: number, count: 32)
        let record = KeyRecord(
            id: KeyID(publicKey: publicKey, hash: SHA256.hash), publicKey: Bytes(publicKey),
            account: MemberID("customer")!, kind: .member, since: 0, revoked: revoked)
        return KnownKey(record, hash: SHA256.hash)!
    }

    @Test func keysThatAreAskedForStayAndOthersGo() {
        var keys = KnownKeys(limit: 4)
        func find(_ key: KnownKey) -> (key: KnownKey, height: Height?)? { keys.find(key.record.id) }
        keys.add(key(0), readAt: nil)
        keys.add(key(1), readAt: nil)
        for number in UInt8(2)..<40 {
            keys.add(key(number), readAt: nil)
            #expect(find(key(0)) != nil)
            #expect(find(key(number)) != nil)
        }
        #expect(find(key(1)) == nil)
    }

    @Test func aRecordIsSureUpToTheLastBlockThatWasToldOf() throws {
        var keys = KnownKeys(height: 4)
        func find(_ key: KnownKey) -> (key: KnownKey, height: Height?)? { keys.find(key.record.id) }
        keys.add(key(0), readAt: 5)
        #expect(try #require(find(key(0))).height == 4)
        keys.learn([], at: 5)
        keys.learn([(key(0).record.id, key(0, revoked: true))], at: 6)
        let known = try #require(find(key(0)))
        #expect(known.height == 6 && known.key.record.revoked)
        keys.learn([(key(0).record.id, nil)], at: 7)
        #expect(find(key(0)) == nil)
        #expect(keys.height == 7)
    }

    /// A thread has read a record; before it comes to keep it, a block has changed the key.
    @Test func whatWasReadBeforeABlockIsNotKeptAfterIt() {
        var keys = KnownKeys(height: 4)
        func find(_ key: KnownKey) -> (key: KnownKey, height: Height?)? { keys.find(key.record.id) }
        keys.learn([(key(0).record.id, key(0, revoked: true))], at: 5)
        keys.add(key(0), readAt: 4)
        #expect(find(key(0))?.key.record.revoked == true)
        keys.add(key(1), readAt: 4)
        keys.add(key(2), readAt: nil)
        #expect(find(key(1)) == nil && find(key(2)) == nil)
    }

    @Test func aBlockThatWasNotToldOfMayHaveChangedAny() {
        var keys = KnownKeys(height: 4)
        func find(_ key: KnownKey) -> (key: KnownKey, height: Height?)? { keys.find(key.record.id) }
        keys.add(key(0), readAt: 4)
        keys.learn([(key(1).record.id, key(1))], at: 6)
        #expect(find(key(0)) == nil)
        #expect(find(key(1))?.height == 6)
        keys.learn([(key(1).record.id, nil)], at: 5)
        #expect(find(key(1))?.height == 6, "older than what is known")
    }

    @Test func aRecordUnderAnotherKeysNameIsNone() {
        var record = key(0).record
        record.id = key(1).record.id
        #expect(KnownKey(record, hash: SHA256.hash) == nil)
    }

    @Test func aKeyThatABlockBringsIsKnownBeforeItSigns() throws {
        var stage = try ContractCase.base()
        let height = stage.executor.head.height
        let delegation = ContractCase.delegate(
            "erp", of: "customer", scopes: ["machine.*"], until: stage.clock + .days(1), stage)
        let block = try stage.run([try stage.sign(ConsortiumContract.self, delegation, by: "customer")])
        #expect(try block.changedKeys().map(\.id) == [Stage.keyID("erp")])

        let verifier = BatchVerifier(rules: stage.rules, width: 1, toldAbove: height) { key in
            Issue.record("\(key) was looked up")
            return nil
        }
        try verifier.learn(block)
        let start = MachineContract.Action.start(.init(machine: MachineID("press-7")!))
        let checked = try verifier.check([try stage.sign(MachineContract.self, start, by: "erp")])
        guard case .verified = checked.first else {
            Issue.record("the signature was not verified")
            return
        }
    }
}
