import Ledger

/// Dispute windows after a change of epoch: whoever could not be heard gets time to dispute.
extension AgreementContract {
    /// A window still open after the last block before the epoch closes no sooner than this after the epoch
    /// block.
    static let respite = Span.minutes(10)
    /// Windows moved in one epoch block.
    static let windowsPerEpoch = 256

    package static func epochBegan(after last: Timestamp, in context: Context) throws(Rejection) {
        let earliest = context.time + respite
        let kind = Deadline.disputeWindow.rawValue
        for timer in try context.timers(kind, before: earliest, limit: windowsPerEpoch) {
            guard last < timer.due, let id = InvoiceID(keyBytes: timer.subject),
                var invoice = try context.get(InvoiceRecord.self, id), invoice.state == .issued
            else { continue }
            try context.cancel(kind, at: timer.due, subject: timer.subject)
            invoice.disputeUntil = earliest
            try context.schedule(kind, at: earliest, subject: timer.subject)
            try context.put(invoice)
            context.emit("deadlineMoved", id)
        }
    }
}
