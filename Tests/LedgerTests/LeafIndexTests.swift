import Codec
import Merkle
import Testing

@testable import Ledger

/// A transaction is found by its id alone, in whichever volume its leaf is.
@Suite struct LeafIndexTests {
    private static let volume: UInt64 = 1 << 20

    private func id(_ number: UInt64) -> TransactionID { TestLedger.hash(bigEndianBytes(number)) }

    @Test func rowsLieByVolumeAndThenById() {
        let leaves = [0, 1, LeafIndexTests.volume - 1, LeafIndexTests.volume, 300 * LeafIndexTests.volume]
        let keys = leaves.map { LeafIndex.key(id($0), leaf: $0) }
        #expect(keys.allSatisfy { $0.table == "~leaf" && $0.isDerived && $0.bytes.count == 6 + 4 + 32 })
        #expect(keys[3...].allSatisfy { key in keys[..<3].allSatisfy { $0 < key } })
        #expect(keys[3] < keys[4])
        #expect(Set(keys[..<3].map { Array($0.bytes[6..<10]) }) == [[0, 0, 0, 0]])
        #expect(Array(keys[4].bytes[6..<10]) == [0, 0, 1, 44])
    }

    @Test func theLatestVolumeIsAskedFirstAndNoneOutsideTheRange() throws {
        let rows = MemoryRows()
        let leaves = [5, LeafIndexTests.volume + 5, 2 * LeafIndexTests.volume + 5]
        for leaf in leaves {
            let row = LeafIndex.row(id(leaf), leaf)
            rows.apply([RowChange(key: row.key, value: row.value)])
        }
        func asked(for id: TransactionID, in range: Range<UInt64>) throws -> (leaf: UInt64?, volumes: [UInt8])
        {
            var volumes: [UInt8] = []
            let leaf = try LeafIndex.leaf(of: id, in: range) { key throws in
                volumes.append(key.bytes[9])
                return try rows.value(for: key)
            }
            return (leaf, volumes)
        }
        let all = 0..<(2 * LeafIndexTests.volume + 6)
        #expect(try asked(for: id(leaves[2]), in: all) == (leaves[2], [2]))
        #expect(try asked(for: id(leaves[0]), in: all) == (leaves[0], [2, 1, 0]))
        #expect(try asked(for: id(7), in: all) == (nil, [2, 1, 0]))
        #expect(try asked(for: id(leaves[0]), in: LeafIndexTests.volume..<all.upperBound) == (nil, [2, 1]))
        #expect(try asked(for: id(leaves[1]), in: 0..<LeafIndexTests.volume) == (nil, [0]))
        let rest = 0..<(LeafIndexTests.volume + 1)
        #expect(try asked(for: id(leaves[1]), in: rest) == (leaves[1], [1]))
        #expect(try asked(for: id(leaves[0]), in: 0..<0) == (nil, []))
        #expect(try asked(for: id(leaves[0]), in: 9..<9) == (nil, []))
    }

    /// Whether the executor remembers that ids were used, and from where on, or has seen nothing.
    @Test(arguments: [true, false]) func noTransactionHappensTwiceOnEitherSideOfAVolumesEdge(isFresh: Bool)
        throws
    {
        let ledger = try TestLedger()
        let size = LeafIndexTests.volume - 2
        let peaks = (0..<size.nonzeroBitCount).map { TestLedger.hash([UInt8($0)]) }
        var log = CBORWriter()
        log.array(2)
        log.unsigned(size)
        log.array(peaks.count)
        for peak in peaks { log.digest(peak) }
        var head = ledger.replica.executor.head
        head.logSize = size
        var executor = Executor(
            rules: ledger.rules, head: head, log: try LogFrontier(decoding: log.bytes),
            tree: ledger.replica.executor.tree)
        if !isFresh { executor.recall(UsedIDs()) }
        let alpha = try #require(MemberID("alpha"))
        let transactions = try (0..<4).map { try ledger.add($0) }
        func execute(_ transactions: [[UInt8]]) throws -> ExecutedBlock {
            let block = try executor.execute(
                try ledger.next(transactions), sender: alpha, reader: ledger.rows)
            ledger.rows.apply(block.changes)
            return block
        }
        let block = try execute(transactions)
        #expect(block.header.logSize == size + 4)
        for (place, included) in block.included.enumerated() {
            let leaf = size + UInt64(place)
            #expect(try LeafIndex.leaf(of: included.id, in: leaf..<(leaf + 1), ledger.rows.value) == leaf)
        }
        let again = try execute(transactions + [try ledger.add(9)])
        #expect(again.skipped.map(\.reason) == Array(repeating: .duplicate, count: 4))
        #expect(again.included.count == 1)
    }
}
