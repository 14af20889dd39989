import Codec
import Ledger
import Storage
import Testing

@testable import Node

@Suite struct StateViewTests {
    private struct Rows: RowSource {
        let rows: [[UInt8]: [UInt8]]
        var height: UInt64? { 1 }

        func value(forKey key: [UInt8]) throws -> [UInt8]? { rows[key] }
        func entries(from key: [UInt8]?, prefix: [UInt8], limit: Int) throws -> [Row] { [] }
    }

    /// More than are read at a time.
    @Test func recordsAreReadTogetherInTheOrderOfTheirIDs() throws {
        let ids = (0...StateView.pageSize).reversed().map { MemberID(unchecked: "member-\($0)") }
        let change = ChangeReference(height: 1, position: 1)
        let rows = try ids.map {
            let row = StoredRow(change: change, record: try CBOR.encode(AccountRecord(id: $0)))
            return (AccountRecord.rowKey($0).bytes, row.encoded)
        }
        let view = StateView(Rows(rows: Dictionary(uniqueKeysWithValues: rows)))
        #expect(try view.allExisting(AccountRecord.self, ids).map(\.id) == ids)
        #expect(try view.allExisting(AccountRecord.self, []).isEmpty)
        let error = #expect(throws: NodeError.self) {
            try view.allExisting(AccountRecord.self, ids + [MemberID(unchecked: "nobody")])
        }
        #expect(error?.code == "account.unknown" && error?.message.contains("«nobody»") == true)
    }
}
