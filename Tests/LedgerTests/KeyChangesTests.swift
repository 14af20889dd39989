import Codec
import Testing

@testable import Ledger

/// Whether a key's record that was read before is still the one of the head's state.
@Suite struct KeyChangesTests {
    private func key(_ number: UInt64) -> KeyID { KeyID(TestLedger.hash(bigEndianBytes(number))) }

    private func change(_ number: UInt64) -> RowChange {
        RowChange(key: KeyRecord.rowKey(key(number)), value: [1])
    }

    @Test func aRecordHoldsUntilItsKeyChanges() {
        var changes = KeyChanges(above: 10)
        let others = [RowChange(key: RowKey(table: "key.other", key: key(1).keyBytes), value: nil)]
        changes.note([change(2)] + others, at: 11)
        #expect(changes.isCurrent(key(1), since: 10, head: 11))
        #expect(!changes.isCurrent(key(2), since: 10, head: 11))
        #expect(changes.isCurrent(key(2), since: 11, head: 11))
        #expect(!changes.isCurrent(key(1), since: 9, head: 11), "from before it was told of blocks")
        #expect(!changes.isCurrent(key(1), since: 12, head: 11), "of a block that is not there")
    }

    @Test func aRemovalIsAChange() {
        var changes = KeyChanges(above: 0)
        changes.note([RowChange(key: KeyRecord.rowKey(key(1)), value: nil)], at: 1)
        #expect(!changes.isCurrent(key(1), since: 0, head: 1))
    }

    /// Instead of block 12 another becomes the head: the key may be as it was, or have changed there.
    @Test func aBlockThatIsUndoneStaysNoted() {
        var changes = KeyChanges(above: 10)
        changes.note([change(1)], at: 12)
        changes.note([], at: 12)
        #expect(!changes.isCurrent(key(1), since: 11, head: 12))
        changes.note([change(2)], at: 11)
        changes.note([change(2)], at: 13)
        changes.note([change(2)], at: 12)
        #expect(!changes.isCurrent(key(2), since: 12, head: 13))
    }

    @Test func otherKeysAreRarelyTakenForOneThatChanged() {
        var changes = KeyChanges(above: 0)
        for number in 1...UInt64(1_000) { changes.note([change(number)], at: number) }
        for number in 1...UInt64(1_000) {
            #expect(!changes.isCurrent(key(number), since: number - 1, head: 1_000))
            #expect(changes.isCurrent(key(number), since: 1_000, head: 1_000))
        }
        let held = (1_001...UInt64(3_000)).count { changes.isCurrent(key($0), since: 0, head: 1_000) }
        #expect(held > 1_900)
    }
}
