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

    @Test func whatIsForgottenIsNotSaidToHold() {
        var changes = KeyChanges(above: 0)
        for height in 1...Height(30_000) { changes.note([change(height)], at: height) }
        var held: Height = 0
        for height in 1...Height(30_000) {
            #expect(!changes.isCurrent(key(height), since: height - 1, head: 30_000))
            if changes.isCurrent(key(0), since: height, head: 30_000) { held += 1 }
        }
        #expect(held > 4096 && held < 10_000, "the last few thousand blocks")
    }
}
