import Testing

@testable import Ledger

@Suite struct RowSumTests {
    private func sum(_ rows: [StateRow]) -> RowSum {
        var sum = RowSum()
        for row in rows { sum.add(row.key, row.value) }
        return sum
    }

    private let rows: [StateRow] = (0..<200).map { number in
        let key = RowKey(table: "t", key: (0..<(number % 40)).map { UInt8($0) } + [UInt8(number)])
        return (key, [UInt8](repeating: UInt8(number), count: number % 19))
    }

    @Test func isTheSameWhateverTheOrder() {
        #expect(sum(rows) == sum(rows.reversed()))
        #expect(sum(Array(rows[100...] + rows[..<100])) == sum(rows))
    }

    @Test func isAnotherWhereARowIsLostOrThereTwice() {
        for index in rows.indices {
            var (fewer, more) = (rows, rows)
            fewer.remove(at: index)
            more.append(rows[index])
            #expect(sum(fewer) != sum(rows))
            #expect(sum(more) != sum(rows))
        }
    }

    @Test func isAnotherForEachBitThatIsAnother() {
        let row = rows[39]
        var sums: Set = [sum([row])]
        for bit in 0..<(row.key.bytes.count * 8) {
            var key = row.key.bytes
            key[bit / 8] ^= 1 << UInt8(bit % 8)
            sums.insert(sum([(RowKey(bytes: key), row.value)]))
        }
        for bit in 0..<(row.value.count * 8) {
            var value = row.value
            value[bit / 8] ^= 1 << UInt8(bit % 8)
            sums.insert(sum([(row.key, value)]))
        }
        #expect(sums.count == 1 + (row.key.bytes.count + row.value.count) * 8)
    }

    @Test func keepsKeysAndValuesApart() {
        let forms: [StateRow] = [
            (RowKey(bytes: [1, 2]), []), (RowKey(bytes: [1]), [2]), (RowKey(bytes: []), [1, 2]),
            (RowKey(bytes: [1, 2]), [0]), (RowKey(bytes: [1, 2, 0]), []), (RowKey(bytes: [2]), [1]),
        ]
        #expect(Set(forms.map { sum([$0]) }).count == forms.count)
        // What two rows have of each other's.
        #expect(sum([forms[1], forms[5]]) != sum([(RowKey(bytes: [1]), [1]), (RowKey(bytes: [2]), [2])]))
    }
}
