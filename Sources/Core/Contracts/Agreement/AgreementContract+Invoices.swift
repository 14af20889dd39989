import Billing
import Codec
import Ledger

extension AgreementContract {
    /// The most stretches of billed time with gaps between them that an agreement keeps.
    static let maximumBilled = 64

    static func issueInvoice(_ body: IssueInvoice, _ context: Context) throws(Rejection) {
        var agreement = try context.existing(AgreementRecord.self, body.agreement)
        try context.requireParty(agreement.oem)
        try context.requireDocument(body.document)
        let version = try requirePeriod(body, of: agreement, context)
        try requireContent(body, under: version.terms, context)
        try context.require(
            agreement.finalInvoice == nil, else: "agreement.final_issued", "the final invoice is issued")
        try context.require(
            agreement.bill(body.period), else: "agreement.period_billed", "a part of the period is invoiced")
        try context.require(
            agreement.billed.count <= maximumBilled, else: "agreement.too_many_gaps",
            "too many stretches of time lie uninvoiced between invoices")
        try InvoiceNumber.take(body.number, of: agreement.oem, in: context)
        let invoice = InvoiceRecord(
            id: InvoiceID(issuer: agreement.oem, number: body.number), agreement: agreement.id,
            machine: agreement.machine, customer: agreement.customer, arbiter: version.terms.arbiter,
            substitute: version.terms.substitute,
            version: version.id.number, document: body.document, evidence: body.evidence, period: body.period,
            currency: body.currency, net: body.net, tax: body.tax, gross: body.gross, issued: context.time,
            disputeUntil: body.disputeUntil, dueDate: body.dueDate, isFinal: body.isFinal, state: .issued,
            payable: body.gross, credited: .zero, creditNotes: 0, payments: [])
        if body.isFinal { agreement.finalInvoice = invoice.id }
        agreement.openInvoices += 1
        try context.put(agreement)
        try context.put(invoice)
        let subject = invoice.id.keyBytes
        try context.schedule(Deadline.disputeWindow.rawValue, at: invoice.disputeUntil, subject: subject)
        try context.schedule(Deadline.payment.rawValue, at: invoice.dueDate, subject: subject)
        context.emit("invoiceIssued", invoice.id)
    }

    /// The version of the terms that the invoice's period falls under. An invoice bills one whole billing
    /// interval, so that nobody chooses its bounds, or makes a thousand of it.
    private static func requirePeriod(
        _ body: IssueInvoice, of agreement: AgreementRecord, _ context: Context
    ) throws(Rejection) -> TermsRecord {
        try context.require(
            !agreement.versions.isEmpty, else: "agreement.not_accepted", "the agreement is not accepted")
        try context.require(
            body.period.isValid, else: "agreement.interval_invalid", "the period is empty or out of range")
        try context.require(
            Timestamp(milliseconds: body.period.to) <= context.time, else: "agreement.period_not_over",
            "the period is not over")
        let found = try billingInterval(at: body.period.from, of: agreement, context)
        guard let (billed, version) = found else {
            throw Rejection("agreement.no_terms", "no terms are in force when the period begins")
        }
        try context.require(
            body.period == billed, else: "agreement.other_interval",
            "the terms bill from \(billed.from) to \(billed.to) ms since 1970 in one invoice")
        let closes = closes(billed, under: version)
        try context.require(
            closes <= context.time || body.period.to <= agreement.concluded ?? .min,
            else: "agreement.classification_open",
            "the parties may classify the period's downtime until \(closes.milliseconds) ms since 1970")
        return version
    }

    private static func requireContent(
        _ body: IssueInvoice, under terms: AgreedTerms, _ context: Context
    ) throws(Rejection) {
        try context.require(
            body.evidence.termsHash == terms.hash, else: "agreement.other_terms",
            "the invoice names other terms than those in force in its period")
        try context.require(
            body.currency == terms.currency, else: "agreement.other_currency",
            "the agreement is in \(terms.currency)")
        try context.requireNumber(body.evidence.rulesVersion, "rulesVersion", in: 1...1_000_000)
        let (sum, overflow) = body.net.rawValue.addingReportingOverflow(body.tax.rawValue)
        try context.require(
            body.net >= .zero && body.tax >= .zero && !overflow && sum == body.gross.rawValue,
            else: "agreement.totals_mismatch", "net and tax are not negative and add up to gross")
        try context.require(
            body.disputeUntil >= context.time + terms.minimumDisputeWindow,
            else: "agreement.dispute_window_short", "the dispute window is shorter than agreed")
        // The due date is a local day; its first moment may lie a day before the agreed days are over.
        try context.require(
            body.dueDate >= context.time + .days(max(0, terms.paymentDays - 1)),
            else: "agreement.due_date_early", "the due date comes before the agreed payment days")
    }

    static func closeDisputeWindow(_ subject: [UInt8], _ context: Context) throws(Rejection) {
        guard let id = InvoiceID(keyBytes: subject), let invoice = try context.get(InvoiceRecord.self, id),
            invoice.state == .issued
        else { return }
        try change(invoice, context) { $0.state = .confirmed }
        context.emit("invoiceConfirmed", id)
    }

    static func fallDue(_ subject: [UInt8], _ context: Context) throws(Rejection) {
        guard let id = InvoiceID(keyBytes: subject), let invoice = try context.get(InvoiceRecord.self, id),
            invoice.state == .confirmed || invoice.state == .adjusted
        else { return }
        try change(invoice, context) { _ in }
        context.emit("invoiceDue", id)
    }

    /// Changes an invoice, moves it on where it can, and keeps its agreement's account of open invoices.
    static func change(
        _ invoice: InvoiceRecord, _ context: Context, _ body: (inout InvoiceRecord) -> Void
    ) throws(Rejection) {
        var changed = invoice
        body(&changed)
        changed.advance(at: context.time)
        try context.put(changed)
        if changed.state == .paid && invoice.state != .paid { context.emit("invoicePaid", invoice.id) }
        guard changed.isOpen != invoice.isOpen || changed.isWithdrawn != invoice.isWithdrawn else { return }
        var agreement = try context.existing(AgreementRecord.self, invoice.agreement)
        if changed.isOpen != invoice.isOpen { agreement.openInvoices += changed.isOpen ? 1 : -1 }
        if changed.isWithdrawn && !invoice.isWithdrawn {
            agreement.unbill(invoice.period)
            try context.require(
                agreement.billed.count <= maximumBilled, else: "agreement.too_many_gaps",
                "too many stretches of time lie uninvoiced between invoices")
            if agreement.finalInvoice == invoice.id { agreement.finalInvoice = nil }
        }
        try context.put(agreement)
    }
}
