import Codec

/// Compares where the leaves of remembered ids are found, which no root covers, with where they are.
struct RememberedLeaves {
    private let logSize: UInt64
    private var remembered: [(id: TransactionID, leaf: UInt64)] = []

    /// - Parameter logSize: the leaves of the ledger, of which most may have ids that are not remembered any
    ///   more.
    init(logSize: UInt64) { self.logSize = logSize }

    mutating func note(_ id: TransactionID, _ leaf: UInt64) { remembered.append((id, leaf)) }

    /// Passing over so many rows takes about as long as looking one up.
    private static let rowsInALookUp: UInt64 = 8

    /// - Throws: `LedgerFault` where one is not found, is found elsewhere, or is another's too; what the
    ///   reader throws.
    func check(_ reader: any StateReader) throws {
        if logSize / RememberedLeaves.rowsInALookUp <= remembered.count {
            try compareAll(reader)
        } else {
            try lookUp(reader)
        }
    }

    private func compareAll(_ reader: any StateReader) throws {
        var isRemembered = [Bool](repeating: false, count: Int(logSize))
        var (given, found) = (RowSum(), RowSum())
        for (id, leaf) in remembered {
            guard leaf < logSize else { throw RememberedLeaves.fault(id) }
            isRemembered[Int(leaf)] = true
            let row = LeafIndex.row(id, leaf)
            given.add(row.key, row.value)
        }
        try reader.forEachRow(ofTable: LeafIndex.table) { key, value in
            guard value.count == 8 else { return }
            let leaf = bigEndianNumber(value)
            if leaf < logSize, isRemembered[Int(leaf)] { found.add(key, value) }
        }
        guard given != found else { return }
        try lookUp(reader)
        throw LedgerFault("the leaf of a transaction is found by the id of another")
    }

    /// In the order in which the rows lie.
    private func lookUp(_ reader: any StateReader) throws {
        for (id, leaf) in remembered.sorted(by: RememberedLeaves.precedes) {
            let row = LeafIndex.row(id, leaf)
            guard try reader.value(for: row.key) == row.value else { throw RememberedLeaves.fault(id) }
        }
    }

    private static func precedes(
        _ left: (id: TransactionID, leaf: UInt64), _ right: (id: TransactionID, leaf: UInt64)
    ) -> Bool {
        (LeafIndex.volume(of: left.leaf), left.id) < (LeafIndex.volume(of: right.leaf), right.id)
    }

    private static func fault(_ id: TransactionID) -> LedgerFault {
        LedgerFault("the leaf of transaction \(id) is not found by its id")
    }
}
