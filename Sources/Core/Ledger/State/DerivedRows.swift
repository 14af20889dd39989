import Codec

/// Which derived rows belong to a row: what its record's indexes list. Those that belong to many rows are
/// `RememberedIDs`.
///
/// No root covers derived rows, though execution reads them. Whoever takes rows from others makes the derived
/// ones from the rows that the state root covers, and takes none of theirs. Not among them is the table
/// `~archive`, which execution never reads: it follows from the ledger's leaves, not from its rows.
package struct DerivedRows: Sendable {
    private typealias Derivation = @Sendable (_ key: RowKey, _ stored: [UInt8]) throws -> [RowKey]
    /// By table.
    private let tables: [String: Derivation]

    /// - Parameter records: The types of the contracts' records. Those of the ledger itself are known.
    package init(_ records: [any Record.Type]) {
        var tables: [String: Derivation] = [TimerRow.table: { _, _ in [] }]
        let own: [any Record.Type] = [
            KeyRecord.self, AccountRecord.self, ParametersRecord.self, ValidatorsRecord.self,
            QuotaRecord.self, ClocksRecord.self, VotingKeyRecord.self, SeenRecord.self,
        ]
        for type in own + records { tables[type.table] = DerivedRows.derivation(type) }
        self.tables = tables
    }

    private static func derivation<R: Record>(_ type: R.Type) -> Derivation {
        { key, stored in
            if R.indexes.isEmpty { return [] }
            let record = try DerivedRows.record(type, key, stored)
            let id = record.id.keyBytes
            return R.indexes.compactMap { index in
                index.key(record).map { R.indexKey(index.name, $0, id) }
            }
        }
    }

    private static func record<R: Record>(_ type: R.Type, _ key: RowKey, _ stored: [UInt8]) throws -> R {
        let record = try CBOR.decode(type, from: StoredRow(decoding: stored).record)
        guard R.rowKey(record.id) == key else { throw LedgerFault("a row of \(R.table) has another's key") }
        return record
    }

    /// The keys of the derived rows, whose values are empty, of one row as it is stored.
    /// - Throws: `LedgerFault` for a row that is derived itself, or of a table that no contract declares;
    ///   `cbor.*` where it holds no such record.
    package func keys(for key: RowKey, stored: [UInt8]) throws -> [RowKey] {
        guard let derivation = tables[key.table] else {
            throw LedgerFault("no contract declares the table of a row of \(key.table)")
        }
        return try derivation(key, stored)
    }
}
