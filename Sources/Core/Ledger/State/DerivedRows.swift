import Codec

/// Which derived rows belong to a row: what its record's indexes list, and where the leaves of remembered ids
/// are found.
///
/// No root covers derived rows, though execution reads them. Whoever takes rows from others makes the derived
/// ones from the rows that the state root covers, and takes none of theirs; whoever goes on with its own
/// compares them first. The leaves of ids that are not remembered any more follow from the ledger's blocks
/// alone; execution never asks for them.
package struct DerivedRows: Sendable {
    private typealias Derivation =
        @Sendable (_ key: RowKey, _ stored: [UInt8]) throws -> [StateRow]
    /// By table.
    private let tables: [String: Derivation]
    /// The tables with indexes, each with those of its indexes.
    private let indexed: [(table: String, rows: Derivation, indexes: [String])]

    /// - Parameter records: The types of the contracts' records. Those of the ledger itself are known.
    package init(_ records: [any Record.Type]) {
        var tables: [String: Derivation] = [TimerRow.table: { _, _ in [] }]
        let own: [any Record.Type] = [
            KeyRecord.self, AccountRecord.self, ParametersRecord.self, ValidatorsRecord.self,
            QuotaRecord.self, ClocksRecord.self, VotingKeyRecord.self,
        ]
        var indexed: [(table: String, rows: Derivation, indexes: [String])] = []
        for type in own + records {
            let (rows, indexes) = (DerivedRows.derivation(type), DerivedRows.indexTables(type))
            tables[type.table] = rows
            if !indexes.isEmpty { indexed.append((type.table, rows, indexes)) }
        }
        tables[SeenRecord.table] = { try DerivedRows.record(SeenRecord.self, $0, $1).leafRows }
        (self.tables, self.indexed) = (tables, indexed)
    }

    private static func derivation<R: Record>(_ type: R.Type) -> Derivation {
        { key, stored in
            if R.indexes.isEmpty { return [] }
            let record = try DerivedRows.record(type, key, stored)
            let id = record.id.keyBytes
            return R.indexes.compactMap { index in
                index.key(record).map { (R.indexKey(index.name, $0, id), []) }
            }
        }
    }

    private static func indexTables<R: Record>(_ type: R.Type) -> [String] {
        R.indexes.map { R.indexKey($0.name, []).table }
    }

    private static func record<R: Record>(_ type: R.Type, _ key: RowKey, _ stored: [UInt8]) throws -> R {
        let record = try StoredRow.record(type, in: stored)
        guard R.rowKey(record.id) == key else { throw LedgerFault("a row of \(R.table) has another's key") }
        return record
    }

    /// The derived rows of one row as it is stored.
    /// - Throws: `LedgerFault` for a row that is derived itself, or of a table that no contract declares;
    ///   `cbor.*` where it holds no such record.
    package func rows(for key: RowKey, stored: [UInt8]) throws -> [StateRow] {
        guard let derivation = tables[key.table] else {
            throw LedgerFault("no contract declares the table of a row of \(key.table)")
        }
        return try derivation(key, stored)
    }

    /// Compares the rows of all indexes, which execution reads, with those that the other rows give.
    /// - Parameter reader: whose other rows the caller compares with the state root.
    /// - Throws: `LedgerFault` where one lacks a row, has another, or has one too many; as `rows` does.
    package func checkIndexes(_ reader: any StateReader) throws {
        for (table, rows, indexes) in indexed {
            var (given, found) = (RowSum(), RowSum())
            try reader.forEachRow(ofTable: table) { key, stored in
                for row in try rows(key, stored) { given.add(row.key, row.value) }
            }
            for index in indexes { try reader.forEachRow(ofTable: index) { found.add($0, $1) } }
            guard given == found else {
                throw LedgerFault("an index of \(table) does not list its rows")
            }
        }
    }
}
