import Billing
import Contracts
import Foundation
import Ledger
import Node

/// Approving, disputing, ruling, crediting and paying.
extension InvoiceVerbs {
    /// What the ledger says of the invoice that a verb is about.
    private static func record(_ id: InvoiceID, _ session: Session) throws -> InvoiceRecord {
        try session.node.view().invoice(id)
    }

    static let approve = Verb(
        "invoice approve", "approve an invoice, or give a dispute up (customer)",
        detail: """
            An invoice that nobody disputes is confirmed by itself when its dispute window closes. One that \
            leaves out batches because the OEM contests them is not approved by oversight: the batches are \
            named, and --without-contested says that they may count as gaps.
            """,
        options: [
            invoice, .flag("without-contested", "contested batches may count as gaps in it"),
        ] + Option.signing,
        examples: ["millwright invoice approve press-works/2026-0001 --as stamper"]
    ) { invocation in
        let id = try invocation.invoiceID()
        try await Session.with(invocation) { session in
            let contested = try session.node.contestedBatches(in: id)
            if let warning = warning(of: contested, in: id), !invocation.has("without-contested") {
                if invocation.wantsJSON {
                    try session.json(
                        ContestedInvoiceReport(
                            invoice: id.description, contested: contested.map(ContestedReport.init)))
                }
                throw NegativeAnswer(
                    "invoice.leaves_out_contested",
                    warning + ". Or approve it all the same: --without-contested")
            }
            try await session.perform(
                AgreementContract.self, .approve(.init(invoice: id)), saying: "\(id) is approved")
        }
    }

    private struct ContestedInvoiceReport: Encodable {
        let invoice: String
        let contested: [ContestedReport]
    }

    static let dispute = Verb(
        "invoice dispute", "dispute an invoice with your own recomputation as proof (customer)",
        detail: """
            The arbiter is let into all that the computation reads; once more where you dispute the invoice \
            already, as after an interruption. What you do not dispute stays payable; \
            where neither the arbiter rules within the agreed days (rulingDays, 30) nor its substitute, if \
            the terms name one, in as many more, it is all that is. An invoice whose recomputation is \
            equal cannot be disputed. One whose document you cannot open can be; and one that you cannot \
            recompute, with a statement and the amount that you do not dispute. \
            Where the OEM contests a batch, so that it counts as a gap, and you have it: --count-contested.
            """,
        options: [
            invoice, .value("undisputed", "AMOUNT", "what stays payable (default: the recomputed amount)"),
            .value("statement", "TEXT", "where you cannot recompute it: why; sealed for OEM and arbiter"),
            .flag("count-contested", "the proof reads the batches that the OEM contests"), .currency, out,
        ] + Option.signing,
        examples: [
            "millwright invoice dispute press-works/2026-0001 --as stamper",
            "millwright invoice dispute press-works/2026-0001 --as stamper --undisputed 0.00 "
                + "--statement \"The telemetry of March is lost.\"",
        ]
    ) { invocation in
        let id = try invocation.invoiceID()
        try await Session.with(invocation) { session in
            let currency = try invocation.currency(try record(id, session).currency)
            let disputed = try await InvoiceService(try session.documents()).dispute(
                id, undisputed: try invocation.amount("undisputed", in: currency),
                countsContested: invocation.has("count-contested"), statement: invocation.string("statement"))
            let files =
                try disputed.recomputed.map {
                    try write($0, invocation, isSimulated: session.isSimulated)
                } ?? []
            let missing = disputed.missingBatches.map { "\($0)" }.joined(separator: ", ")
            let notes = [
                disputed.wasDisputed ? "you dispute it already: the arbiter was let in once more" : nil,
                disputed.missingClaim.map { "the OEM's document cannot be had: \($0)" },
                missing.isEmpty ? nil : "the arbiter cannot be let into batches that you lack: \(missing)",
            ].compactMap { $0 }
            try report(
                id, session, note: notes.isEmpty ? nil : notes.joined(separator: "; "), files: files)
        }
    }

    private struct SettlementReport: Encodable {
        let invoice: String
        let creditNote: String?
        let state: String
        let payable: String
        /// What the OEM has to pay back; absent for nothing.
        let refundDue: String?
        let currency: CurrencyCode
        let note: String?
        let files: [String]
    }

    /// Says where an invoice stands now.
    private static func report(
        _ id: InvoiceID, _ session: Session, creditNote: String? = nil, note: String? = nil, files: [String]
    ) throws {
        let record = try record(id, session)
        if session.invocation.wantsJSON {
            return try session.json(
                SettlementReport(
                    invoice: id.description, creditNote: creditNote, state: record.state.rawValue,
                    payable: record.payable.text(in: record.currency),
                    refundDue: record.refundDue?.text(in: record.currency), currency: record.currency,
                    note: note,
                    files: files))
        }
        if let creditNote { Terminal.print("\(Terminal.green("final")) credit note \(creditNote) is issued") }
        Terminal.print("\(Terminal.green("final")) \(id) is \(record.state.rawValue)")
        Terminal.print("      \(Output.amount(record.payable, record.currency)) payable")
        if let refund = record.refundDue {
            Terminal.print("      \(Output.amount(record.received, record.currency)) was paid")
            Terminal.print("      \(Output.amount(refund, record.currency)) is due back from \(record.oem)")
        }
        if let note { Terminal.print("      " + Help.wrap(note, indent: "      ")) }
        for file in files { Terminal.print("      \(file)") }
    }

    private struct AssessmentReport: Encodable {
        let invoice: String
        let claimed: String
        /// Absent where the customer has none, or keeps it to itself.
        let recomputedByCustomer: String?
        let computed: String
        /// Absent where nothing is contested, or it cannot be read.
        let computedWithContested: String?
        let againstClaim: [String]
        let againstProof: [String]
    }

    static let assess = Verb(
        "invoice assess", "compute a disputed invoice by the ledger's evidence alone (arbiter)",
        detail: "Changes nothing; millwright invoice rule decides.",
        options: [invoice, reader],
        examples: ["millwright invoice assess press-works/2026-0001 --as judge"]
    ) { invocation in
        let id = try invocation.invoiceID()
        try await Session.with(invocation) { session in
            let result = try InvoiceService(try session.documents()).assess(id)
            let currency = result.record.currency
            func payable(_ invoice: Invoice) -> String { invoice.totals.payable.text(in: currency) }
            let claimed = result.record.gross.text(in: currency)
            let proof = result.proof.invoice.map(payable)
            if invocation.wantsJSON {
                return try session.json(
                    AssessmentReport(
                        invoice: id.description, claimed: claimed, recomputedByCustomer: proof,
                        computed: payable(result.computed),
                        computedWithContested: result.computedWithContested.map(payable),
                        againstClaim: result.againstClaim, againstProof: result.againstProof))
            }
            Terminal.print(
                Terminal.table(
                    ["INVOICE \(id.number)", "\(currency)"],
                    [
                        ["as the OEM claims", claimed],
                        ["as the customer recomputed", proof ?? "not there"],
                        ["as the evidence says", payable(result.computed)],
                    ]
                        + (result.computedWithContested.map { [["with contested batches", payable($0)]] }
                            ?? [])))
            let words = result.proof.invoice == nil ? result.againstProof : []
            for sentence in result.againstClaim + words {
                Terminal.print(Help.wrap("- " + sentence, indent: "  "))
            }
        }
    }

    static let rule = Verb(
        "invoice rule", "decide a dispute: set what is payable (arbiter)",
        options: [
            invoice, .value("payable", "AMOUNT", "what the customer owes in all", required: true), .currency,
            .value("reasons", "TEXT", "why; sealed for the parties", required: true),
        ] + Option.signing,
        examples: [
            "millwright invoice rule press-works/2026-0001 --as judge --payable 4210.00 "
                + "--currency EUR --reasons \"The outage of 10 March was the OEM's.\""
        ]
    ) { invocation in
        let id = try invocation.invoiceID()
        try await Session.with(invocation) { session in
            let currency = try invocation.currency(try record(id, session).currency)
            let final = try await InvoiceService(try session.documents()).rule(
                id, payable: try invocation.requiredAmount("payable", in: currency),
                reasons: try invocation.required("reasons"))
            try session.announce(final, saying: "ruled on \(id)")
        }
    }

    static let creditNote = Verb(
        "invoice credit-note", "issue a credit note: document a ruling, or correct yourself (OEM)",
        options: [
            invoice, .value("reason", "TEXT", "as the credit note says it", required: true),
            .value("amount", "AMOUNT", "default: what a ruling took away, or all that is payable"), .currency,
            series, out,
        ] + Option.signing,
        examples: [
            "millwright invoice credit-note press-works/2026-0001 --as press-works --reason Ruling"
        ]
    ) { invocation in
        let id = try invocation.invoiceID()
        try await Session.with(invocation) { session in
            let currency = try invocation.currency(try record(id, session).currency)
            let service = InvoiceService(try session.documents())
            let note = try await service.credit(
                id, number: try service.nextNumber(series: series(session)),
                reason: try invocation.required("reason"),
                amount: try invocation.amount("amount", in: currency))
            let number = InvoiceID(issuer: id.issuer, number: note.number).description
            try report(
                id, session, creditNote: number,
                files: try write(note, invocation, isSimulated: session.isSimulated))
        }
    }

    // MARK: Payment

    static let markPaid = Verb(
        "invoice mark-paid", "say that a payment was made (customer; OEM where it pays back)",
        detail: "No money is on the ledger: this names the real payment. The receiver confirms it.",
        options: [
            invoice, .value("reference", "TEXT", "the real payment's reference", required: true),
            .value("date", "DAY", "when it was paid, such as 2026-04-20", required: true),
            .value("amount", "AMOUNT", "default: all that you owe now"), .currency,
        ] + Option.signing,
        examples: [
            "millwright invoice mark-paid press-works/2026-0001 --as stamper "
                + "--reference SEPA-4711 --date 2026-04-20"
        ]
    ) { invocation in
        let id = try invocation.invoiceID()
        let date = try invocation.requiredDay("date")
        try await Session.with(invocation) { session in
            let record = try record(id, session)
            let currency = try invocation.currency(record.currency)
            let amount =
                try invocation.amount("amount", in: currency) ?? record.owed(by: try session.member())
            try await session.perform(
                AgreementContract.self,
                .markPaid(
                    .init(
                        invoice: id, reference: try invocation.required("reference"), amount: amount,
                        date: date)),
                saying: "\(Output.amount(amount, currency)) marked as paid on \(id)")
        }
    }

    static let confirmPayment = Verb(
        "invoice confirm-payment", "confirm what arrived (whoever receives the payment)",
        options: [
            invoice, .value("reference", "TEXT", "the payment's reference", required: true),
            .value("amount", "AMOUNT", "what arrived (default: what was marked)"), .currency,
            .flag("nothing-arrived", "say that nothing arrived"),
        ] + Option.signing,
        examples: [
            "millwright invoice confirm-payment press-works/2026-0001 --as press-works "
                + "--reference SEPA-4711"
        ]
    ) { invocation in
        let id = try invocation.invoiceID()
        let reference = try invocation.required("reference")
        guard !(invocation.has("amount") && invocation.has("nothing-arrived")) else {
            throw UsageError("cli.bad_value", "--amount and --nothing-arrived exclude each other")
        }
        try await Session.with(invocation) { session in
            let record = try record(id, session)
            let currency = try invocation.currency(record.currency)
            let marked = record.payments.first {
                $0.confirmed == nil && $0.reference.utf8.elementsEqual(reference.utf8)
            }
            let arrived = try invocation.amount("amount", in: currency) ?? marked?.amount ?? .zero
            let amount = invocation.has("nothing-arrived") ? .zero : arrived
            try await session.perform(
                AgreementContract.self,
                .confirmPayment(.init(invoice: id, reference: reference, amount: amount)),
                saying: "\(Output.amount(amount, currency)) arrived on \(id)")
        }
    }
}
