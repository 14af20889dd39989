import Billing
import Codec
import Cryptography
import Foundation
import Node
import Telemetry

/// An invoice from files alone.
extension BillingVerbs {
    static let compute = Verb(
        "billing compute", "compute an invoice from terms and telemetry files (no ledger needed)",
        detail: """
            The machine counts as in service all the time. Where the terms begin or end within the period, \
            their part of it is billed. The evidence names the Merkle root over all entries of the file. \
            What the file could not tell is said on standard error and, with --json, in "notes". The \
            attributions file is a JSON list of what the parties agreed on: \
            [{"from": TIME, "to": TIME, "attribution": CAUSE}].
            """,
        options: [
            .value("terms", "FILE", "the terms as JSON", required: true),
            .value("telemetry", "FILE", "CSV or SHDR", required: true),
            .value("mapping", "FILE", "JSON file that says what columns or items mean", required: true),
            .value("from", "TIME", "when the billing period begins, or a moment in it", required: true),
            .value("to", "TIME", "when it ends; checked against the terms"),
            .value("amended", "TIME", "when other terms follow these within the period"),
            .value("attributions", "FILE", "what downtime is put down to"),
            .value("number", "TEXT", "the invoice's number (default: DRAFT)"),
            .value("issue-date", "DAY", "default: the period's last day"), InvoiceVerbs.out,
        ],
        examples: [
            "millwright billing compute --terms examples/terms/press-with-parties.json "
                + "--telemetry examples/telemetry/press.csv "
                + "--mapping examples/mappings/press.json --from 2026-03-01"
        ], isOffline: true
    ) { invocation in
        let number = invocation.string("number") ?? "DRAFT"
        guard !number.allSatisfy(\.isWhitespace) else {
            throw UsageError("cli.bad_value", "--number is empty: an invoice has a number (EN 16931, BR-02)")
        }
        let terms = try TermsInput.read(invocation)
        let from = try invocation.requiredTime("from").milliseconds
        guard try terms.period(containing: from).intersection(terms.validity) != nil else {
            throw UsageError(
                BillingError.Code.wrongPeriod.rawValue, "the terms are not in force at that time")
        }
        let period = try terms.billingInterval(
            containing: from, before: try invocation.time("amended")?.milliseconds)
        if let to = try invocation.time("to")?.milliseconds, to != period.to {
            throw UsageError(
                BillingError.Code.wrongPeriod.rawValue,
                "the terms bill \(ISO8601.text(period)) in one invoice")
        }
        let measured = try MeasuredFile(
            invocation, file: try invocation.required("telemetry"), window: period,
            spells: terms.billedTime(in: period, inService: [period]),
            interval: terms.reportingIntervalMilliseconds)
        let attributions = try attributions(invocation)
        let issued =
            try invocation.has("issue-date")
            ? invocation.requiredDay("issue-date") : terms.zone.local(atMilliseconds: period.to - 1).date
        let invoice = try InvoiceComputation.compute(
            terms: terms, usage: measured.usage, attributions: attributions, period: period,
            number: number, issueDate: issued, telemetryRoot: measured.root,
            termsHash: try terms.digest(with: SHA256.hash),
            attributionHash: try attributions.digest(with: SHA256.hash))
        try InvoiceVerbs.show(invoice, invocation, isSimulated: false, notes: measured.notes)
    }

    /// One line of an attributions file.
    private struct AttributionLine: Decodable {
        let from: String
        let to: String
        let attribution: String
    }

    private static func attributions(_ invocation: Invocation) throws -> AttributionSet {
        guard let file = invocation.string("attributions") else { return .empty }
        func bad(_ what: String) -> UsageError { UsageError("cli.bad_attributions", "\(file): \(what)") }
        let lines: [AttributionLine]
        do {
            lines = try JSONDecoder().decode(
                [AttributionLine].self, from: Data(try invocation.file(file, limit: 16 << 20)))
        } catch let error as UsageError { throw error } catch {
            throw bad("a JSON list of {\"from\", \"to\", \"attribution\"}")
        }
        let agreed = try lines.map { line in
            guard let from = ISO8601.milliseconds(line.from), let to = ISO8601.milliseconds(line.to)
            else {
                throw bad("«\(line.from)» to «\(line.to)» is no time")
            }
            guard let attribution = Attribution(rawValue: line.attribution) else {
                throw bad("«\(line.attribution)» is none of \(MaintenanceVerbs.names(Attribution.self))")
            }
            guard from < to else { throw bad("«\(line.from)» to «\(line.to)» is empty or runs backwards") }
            return AttributedInterval(Interval(from: from, to: to), attribution)
        }.sorted { $0.interval.from < $1.interval.from }
        for (first, second) in zip(agreed, agreed.dropFirst()) where second.interval.from < first.interval.to
        {
            throw bad("\(ISO8601.text(first.interval)) and \(ISO8601.text(second.interval)) overlap")
        }
        return try AttributionSet(agreed)
    }
}
