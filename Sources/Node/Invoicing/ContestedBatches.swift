import Billing
import Contracts
import Ledger

extension LedgerAccess {
    /// The batches that an invoice leaves out as gaps, by the ledger alone: what was anchored and contested
    /// for good when it was issued, and tells of time that is billed.
    /// - Throws: `invoice.unknown`, `invoice.is_credit_note`.
    package func contestedBatches(in id: InvoiceID) throws(NodeError) -> [AnchorRecord] {
        let view = try view()
        let record = try view.invoice(id)
        var batches: [AnchorRecord] = []
        for contest in try view.contests(of: record.machine) where contest.stands <= record.issued {
            let anchor = try view.existing(AnchorRecord.self, contest.id)
            if anchor.anchored <= record.issued, anchor.touches([record.period]) { batches.append(anchor) }
        }
        if batches.isEmpty { return [] }
        // The period is within the terms, so that time in service is all that there is to cut it by.
        let billed = try timeInService(record.machine).compactMap { $0.intersection(record.period) }
        return batches.filter { $0.touches(billed) }
    }
}

extension AnchorRecord {
    /// Whether its times, by the ledger, reach into any of some stretches of time.
    func touches(_ windows: [Interval]) -> Bool {
        windows.contains { fromMilliseconds < $0.to && $0.from <= toMilliseconds }
    }
}
