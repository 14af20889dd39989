import Billing
import Codec
import Ledger

extension AgreementContract {
    /// The customer accepts the invoice, or gives a dispute up.
    static func approve(_ body: Approve, _ context: Context) throws(Rejection) {
        let invoice = try context.existing(InvoiceRecord.self, body.invoice)
        try context.requireParty(invoice.customer)
        try requireState(of: invoice, [.issued, .disputed], context)
        try change(invoice, context) { $0.state = .confirmed }
        context.emit("invoiceConfirmed", invoice.id)
    }

    static func dispute(_ body: Dispute, _ context: Context) throws(Rejection) {
        let invoice = try context.existing(InvoiceRecord.self, body.invoice)
        try context.requireParty(invoice.customer)
        try requireState(of: invoice, [.issued], context)
        try context.require(
            context.time < invoice.disputeUntil, else: "agreement.dispute_window_closed",
            "the dispute window has closed")
        try context.requireDocument(body.recomputed)
        try context.require(
            .zero <= body.undisputed && body.undisputed < invoice.payable,
            else: "agreement.amount_out_of_range", "what is undisputed is less than what is payable")
        let terms = try context.existing(TermsRecord.self, invoice.termsID).terms
        let due = context.time + terms.rulingWindow
        let dispute = InvoiceRecord.Dispute(
            recomputed: body.recomputed, undisputed: body.undisputed, time: context.time, rulingDue: due,
            substituteDue: invoice.substitute.map { _ in due + terms.rulingWindow })
        try change(invoice, context) {
            $0.state = .disputed
            $0.dispute = dispute
        }
        try context.schedule(Deadline.ruling.rawValue, at: dispute.ends, subject: invoice.id.keyBytes)
        context.emit("invoiceDisputed", invoice.id)
    }

    static func rule(_ body: Rule, _ context: Context) throws(Rejection) {
        let invoice = try context.existing(InvoiceRecord.self, body.invoice)
        let ruler = try context.requireParty(oneOf: invoice.arbiters)
        try context.requireRole(.arbiter, of: ruler)
        try requireState(of: invoice, [.disputed], context)
        try requireTurn(of: ruler.id, on: invoice, context)
        try context.requireDocument(body.reasons)
        // While an invoice is disputed, payable is gross less what is credited.
        try context.require(
            .zero <= body.payable && body.payable <= invoice.payable,
            else: "agreement.amount_out_of_range", "an arbiter sets from nothing to what is not credited")
        try change(invoice, context) {
            $0.state = .adjusted
            $0.payable = body.payable
            $0.ruling = .init(
                origin: .arbiter, arbiter: ruler.id, payable: body.payable, reasons: body.reasons,
                time: context.time)
        }
        context.emit("invoiceAdjusted", invoice.id)
    }

    /// The arbiter rules until its time is over, the substitute from then on. A ledger that is behind with
    /// its deadlines must give neither more time than it had.
    /// - Throws: `agreement.ruling_too_early`, `agreement.ruling_too_late`.
    private static func requireTurn(
        of ruler: MemberID, on invoice: InvoiceRecord, _ context: Context
    ) throws(Rejection) {
        guard let dispute = invoice.dispute else { return }
        let isArbiter = ruler == invoice.arbiter
        try context.require(
            isArbiter || dispute.rulingDue <= context.time, else: "agreement.ruling_too_early",
            "the arbiter may still rule")
        try context.require(
            context.time < (isArbiter ? dispute.rulingDue : dispute.ends),
            else: "agreement.ruling_too_late", "\(ruler)'s time for ruling is over")
    }

    /// Nobody has ruled in time: what the customer never disputed is payable, and no more.
    ///
    /// Whoever claims has to prove: the undisputed part was payable all along, and for the rest the OEM has
    /// nobody's word but its own. Its claim is not lost by it: it is no longer the ledger's to decide.
    static func ruleByDefault(_ subject: [UInt8], _ context: Context) throws(Rejection) {
        guard let id = InvoiceID(keyBytes: subject), let invoice = try context.get(InvoiceRecord.self, id),
            invoice.state == .disputed, let dispute = invoice.dispute, dispute.ends <= context.time
        else { return }
        let payable = min(invoice.payable, dispute.undisputed)
        try change(invoice, context) {
            $0.state = .adjusted
            $0.payable = payable
            $0.ruling = .init(
                origin: .agreedDefault, arbiter: invoice.arbiter, payable: payable, reasons: nil,
                time: context.time)
        }
        context.emit("invoiceAdjusted", id)
    }

    static func creditNote(_ body: CreditNote, _ context: Context) throws(Rejection) {
        let invoice = try context.existing(InvoiceRecord.self, body.invoice)
        try context.requireParty(invoice.oem)
        try context.requireProse(body.reason, "reason", bytes: 1...1000)
        try context.requireDocument(body.document)
        let limit: MinorUnits
        switch body.ground {
        case .correction: limit = invoice.payable
        case .ruling:
            try context.require(
                invoice.ruling != nil, else: "agreement.no_ruling", "nobody has ruled on the invoice")
            limit = invoice.undocumentedReduction
        }
        // An invoice of nothing is taken back by a credit note of nothing, once.
        let isOfNothing = invoice.gross == .zero && invoice.creditNotes == 0 && body.amount == .zero
        try context.require(
            isOfNothing || (.zero < body.amount && body.amount <= limit),
            else: "agreement.amount_out_of_range",
            "a credit is more than nothing and at most \(limit.rawValue)")
        try InvoiceNumber.take(body.number, of: invoice.oem, in: context)
        let id = InvoiceID(issuer: invoice.oem, number: body.number)
        try context.put(
            CreditNoteRecord(
                id: id, invoice: invoice.id, agreement: invoice.agreement, ground: body.ground,
                amount: body.amount, reason: body.reason, document: body.document, issued: context.time))
        try change(invoice, context) { $0.credit(body.amount, body.ground) }
        context.emit("credited", id)
    }

    static func requireState(
        of invoice: InvoiceRecord, _ states: [InvoiceRecord.State], _ context: Context
    ) throws(Rejection) {
        try context.require(
            states.contains(invoice.state), else: "agreement.wrong_invoice_state",
            "the invoice is \(invoice.state.rawValue)")
    }
}

extension InvoiceRecord {
    /// Takes a checked credit note in. A dispute ends where no more is payable than the customer never
    /// disputed.
    mutating func credit(_ amount: MinorUnits, _ ground: CreditNoteRecord.Ground) {
        credited.rawValue += amount.rawValue
        creditNotes += 1
        if ground == .ruling { return }
        payable.rawValue -= amount.rawValue
        if state == .disputed, let dispute, payable <= dispute.undisputed { state = .adjusted }
        if isWithdrawn && state == .issued { state = .adjusted }
    }
}
