import Billing
import Codec
import Contracts
import Foundation
import Ledger
import Node

/// Invoices from computation to print; what becomes of them is in the other part.
enum InvoiceVerbs {
    static let all: [Verb] = [
        compute, issue, print, recompute, approve, dispute, assess, rule, creditNote, markPaid,
        confirmPayment,
    ]

    static let invoice = Option.positional("invoice", "issuer and number, as in press-works/2026-0001")
    static let reader = Option.value("as", "MEMBER", "the member that reads", required: true)
    static let out = Option.value("out", "DIR", "also write it as JSON, UBL (XML) and text files there")
    static let series = Option.value("series", "TEXT", "series of the number (default: the year)")

    private static let agreement = Option.positional("agreement", "the agreement's short name")
    private static let period = Option.value(
        "period", "TIME", "any moment of the period, such as its first day", required: true)
    private static let incomplete = Option.flag(
        "incomplete", "also where telemetry does not reach the period's end; the rest is unknown")

    // MARK: Computing and issuing

    private static func computed(
        _ invocation: Invocation, _ session: Session, number: String
    ) throws -> Invoice {
        try InvoiceService(try session.documents()).compute(
            try invocation.identifier("agreement"),
            periodContaining: try invocation.requiredTime("period").milliseconds, number: number,
            toleratingMissingTelemetry: invocation.has("incomplete"))
    }

    static let compute = Verb(
        "invoice compute", "compute a period's invoice without issuing it (OEM, customer)",
        options: [agreement, period, incomplete, out, reader],
        examples: ["millwright invoice compute rent-7 --as stamper --period 2026-03-01"]
    ) { invocation in
        try await Session.with(invocation) { session in
            try show(
                try computed(invocation, session, number: "DRAFT"), invocation,
                isSimulated: session.isSimulated)
        }
    }

    private struct IssueReport: Encodable {
        let invoice: String
        let net: String
        let tax: String
        let gross: String
        let currency: CurrencyCode
        let dueDate: CivilDate
        let files: [String]
    }

    static let issue = Verb(
        "invoice issue", "compute a period's invoice and issue it (OEM)",
        detail: """
            The invoice is sealed for both parties and the arbiter. The ledger holds its figures and what \
            they were computed from, so that the customer can compute it again. It can be issued once the \
            window for classifying the period's downtime has closed, or both parties have concluded. Where \
            terms begin, end or are amended within a period, each part of it has an invoice of its own.
            """,
        options: [
            agreement, period, series, .flag("final", "it closes the account"), incomplete, out,
        ] + Option.signing,
        examples: ["millwright invoice issue rent-7 --as press-works --period 2026-03-01 --out invoices"]
    ) { invocation in
        let agreement: AgreementID = try invocation.identifier("agreement")
        try await Session.with(invocation) { session in
            let service = InvoiceService(try session.documents())
            let number = try service.nextNumber(series: series(session))
            let invoice = try computed(invocation, session, number: number)
            let id = try await service.issue(invoice, under: agreement, isFinal: invocation.has("final"))
            let files = try write(invoice, invocation, isSimulated: session.isSimulated)
            func text(_ amount: MinorUnits) -> String { amount.text(in: invoice.currency) }
            if invocation.wantsJSON {
                return try session.json(
                    IssueReport(
                        invoice: id.description, net: text(invoice.totals.exclusive),
                        tax: text(invoice.totals.tax), gross: text(invoice.totals.payable),
                        currency: invoice.currency, dueDate: invoice.dueDate, files: files))
            }
            Terminal.print("\(Terminal.green("final")) invoice \(id) is issued")
            Terminal.print("      \(invoice.periodStart) to \(invoice.periodEnd)")
            Terminal.print(
                "      \(Output.amount(invoice.totals.payable, invoice.currency)), due \(invoice.dueDate)")
            for file in files { Terminal.print("      \(file)") }
        }
    }

    /// The series that `--series` names, or the ledger's year.
    static func series(_ session: Session) throws -> String {
        let year = String(Output.time(session.node.clock.now).prefix(4))
        let series = session.invocation.string("series") ?? year
        guard InvoiceNumber("\(series)-0001") != nil else {
            throw UsageError("cli.bad_value", "a series has 1 to 16 of A-Z a-z 0-9 - . /, not «\(series)»")
        }
        return series
    }

    // MARK: Showing

    /// Prints a document, and writes it to files where `--out` asks for it.
    /// - Parameter notes: on the data that it was computed from; nil for an invoice that was issued.
    static func show(_ invoice: Invoice, _ invocation: Invocation, isSimulated: Bool, notes: [String]? = nil)
        throws
    {
        let files = try write(invoice, invocation, isSimulated: isSimulated)
        if invocation.wantsJSON { return try Output.json(Noted(invoice, notes), isSimulated: isSimulated) }
        for note in notes ?? [] { Terminal.note(note) }
        guard files.isEmpty else { return Terminal.print(files.joined(separator: "\n")) }
        Terminal.print(
            InvoiceFiles.text(invoice, isSimulated: isSimulated).trimmingCharacters(in: .newlines))
    }

    static func write(
        _ invoice: Invoice, _ invocation: Invocation, isSimulated: Bool
    ) throws -> [String] {
        guard let folder = invocation.string("out") else { return [] }
        return try InvoiceFiles.write(invoice, to: URL(fileURLWithPath: folder), isSimulated: isSimulated)
            .map(\.path)
    }

    static let print = Verb(
        "invoice print", "print an invoice or credit note as it was issued (parties, arbiter)",
        detail: "With --out it is written as JSON, as UBL 2.1 (EN 16931) and as text.",
        options: [invoice, out, reader],
        examples: [
            "millwright invoice print press-works/2026-0001 --as stamper",
            "millwright invoice print press-works/2026-0001 --as stamper --out invoices",
        ]
    ) { invocation in
        let id = try invocation.invoiceID()
        try await Session.with(invocation) { session in
            let service = InvoiceService(try session.documents())
            let isCreditNote = try session.node.view().get(CreditNoteRecord.self, id) != nil
            try show(
                try isCreditNote ? service.creditNote(id) : service.invoice(id), invocation,
                isSimulated: session.isSimulated)
        }
    }

    private struct RecomputationReport: Encodable {
        let invoice: String
        let equal: Bool
        let differences: [String]
        /// Batches that count as gaps because the OEM contests them.
        let contested: [ContestedReport]
    }

    /// A batch that the OEM contests.
    struct ContestedReport: Encodable {
        let machine: MachineID
        let batch: UInt64
        let fromMilliseconds: Int64
        let toMilliseconds: Int64

        init(_ anchor: AnchorRecord) {
            (machine, batch) = (anchor.id.machine, anchor.id.number)
            (fromMilliseconds, toMilliseconds) = (anchor.fromMilliseconds, anchor.toMilliseconds)
        }
    }

    /// Says which batches an invoice leaves out because the OEM contests them, and what can be done.
    static func warning(of contested: [AnchorRecord], in id: InvoiceID) -> String? {
        guard let first = contested.first else { return nil }
        let names = contested.map { anchor in
            let times = Interval(from: anchor.fromMilliseconds, to: anchor.toMilliseconds)
            return "batch \(anchor.id.number) (\(ISO8601.text(times)))"
        }
        return
            "\(id.issuer) contests \(names.joined(separator: ", ")) of \(first.id.machine): left out, "
            + "their time counts as a gap. If you have them: "
            + "millwright invoice dispute \(id) --count-contested"
    }

    static let recompute = Verb(
        "invoice recompute", "compute an issued invoice again and compare it, bit for bit",
        detail: """
            Reads the telemetry and the terms from the vault, checks them against the ledger, and computes \
            the invoice anew. Exit status 1 where it differs. Batches that the OEM contests count as gaps, \
            for everybody; they are named, so that the customer can dispute an invoice without them.
            """,
        options: [invoice, .value("out", "DIR", "where it differs: write the recomputed one there"), reader],
        examples: ["millwright invoice recompute press-works/2026-0001 --as stamper"]
    ) { invocation in
        let id = try invocation.invoiceID()
        try await Session.with(invocation) { session in
            let found = try InvoiceService(try session.documents()).recompute(id)
            let warning = warning(of: found.contested, in: id)
            func report(_ differences: [String]) throws {
                try session.json(
                    RecomputationReport(
                        invoice: id.description, equal: differences.isEmpty, differences: differences,
                        contested: found.contested.map(ContestedReport.init)))
            }
            switch found {
            case .equal:
                if invocation.wantsJSON { return try report([]) }
                Terminal.print("\(Terminal.green("equal")) \(id): the recomputation is the same, bit for bit")
                if let warning { Terminal.print("      " + Help.wrap(warning, indent: "      ")) }
            case .differs(let differences, let recomputed, _):
                _ = try write(recomputed, invocation, isSimulated: session.isSimulated)
                if invocation.wantsJSON {
                    try report(differences)
                } else {
                    for difference in differences + (warning.map { [$0] } ?? []) {
                        Terminal.print(Help.wrap("- " + difference, indent: "  "))
                    }
                }
                throw NegativeAnswer(
                    "invoice.differs",
                    "the recomputation of \(id) differs in \(Output.count(differences.count, "place"))")
            }
        }
    }
}
