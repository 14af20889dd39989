import Billing
import Contracts
import Foundation
import Ledger
import Node

/// The second invoice: inflated, recomputed, disputed, ruled on, credited.
struct DemoDispute: Sendable {
    let story: DemoStory
    let cast: DemoCast
    private var narrator: Narrator { story.narrator }

    init(story: DemoStory, cast: DemoCast) { (self.story, self.cast) = (story, cast) }

    /// - Parameter first: the invoice before, which is written to a file together with the others.
    func quarrel(after first: InvoiceID) async throws {
        narrator.act("6. The second invoice, and a quarrel")
        let oem = InvoiceService(try cast.documents(DemoCast.oem))
        let customer = InvoiceService(try cast.documents(DemoCast.customer))
        let arbiter = InvoiceService(try cast.documents(DemoCast.arbiter))
        try await story.conclude(story.scenario.periods[1], cast)
        let honest = try oem.compute(
            story.agreement, periodContaining: story.scenario.periods[1].from,
            number: try oem.nextNumber(series: cast.year), toleratingMissingTelemetry: true)
        let inflated = try Self.inflated(honest)
        let id = try await oem.issue(inflated, under: story.agreement)
        narrator.say(
            "\(DemoCast.name(DemoCast.oem)) issues \(id.number): \(Self.payable(inflated))."
        )
        guard case .differs(let differences, let recomputed, _) = try customer.recompute(id) else {
            throw NegativeAnswer("demo.equal", "the inflated invoice was recomputed equal")
        }
        narrator.bad(
            "\(DemoCast.name(DemoCast.customer)) recomputes it and finds "
                + "\(Output.count(differences.count, "difference")):")
        for difference in differences.prefix(3) { narrator.item(difference) }
        if differences.count > 3 { narrator.item("and \(differences.count - 3) more") }
        try await customer.dispute(id)
        narrator.say(
            "It disputes with its recomputation as proof; \(Self.payable(recomputed)) stays payable."
        )
        let assessment = try arbiter.assess(id)
        guard assessment.againstProof.isEmpty else {
            throw NegativeAnswer("demo.arbiter", "the arbiter's computation is not the customer's")
        }
        let payable = assessment.computed.totals.payable
        try await arbiter.rule(
            id, payable: payable,
            reasons: "The telemetry that the device signed gives the customer's figures.\n"
                + assessment.againstClaim.joined(separator: "\n") + "\n")
        narrator.good(
            "\(DemoCast.name(DemoCast.arbiter)) computes it too and rules: "
                + "\(Self.payable(assessment.computed))."
        )
        let note = try await oem.credit(
            id, number: try oem.nextNumber(series: cast.year),
            reason: "Ruling of \(DemoCast.name(DemoCast.arbiter))")
        narrator.good("\(DemoCast.name(DemoCast.oem)) issues credit note \(note.number) over the difference.")
        if payable > .zero {
            try await customer.markPaid(id, reference: "SEPA-\(id.number)")
            try await oem.confirmPayment(id, reference: "SEPA-\(id.number)")
            narrator.good("The rest is paid, the payment confirmed.")
        }
        for document in [try oem.invoice(InvoiceID(issuer: DemoCast.oem, number: honest.number)), note] {
            try story.write(document)
        }
        try story.write(try customer.invoice(first))
    }

    private static func payable(_ invoice: Invoice) -> String {
        Output.amount(invoice.totals.payable, invoice.currency)
    }

    /// What an OEM would do that counts more than the machine did: a tenth more on the largest line of use,
    /// all sums kept right.
    private static func inflated(_ invoice: Invoice) throws -> Invoice {
        var copy = invoice
        let uses = copy.lines.indices.filter { [.piece, .hour].contains(copy.lines[$0].unit) }
        guard let last = uses.max(by: { copy.lines[$0].amount < copy.lines[$1].amount }),
            let group = copy.vat.indices.first
        else {
            throw NegativeAnswer("demo.empty_invoice", "the second period has nothing to bill")
        }
        let line = copy.lines[last]
        let quantity = Quantity(
            millionths: line.quantity.millionths / 10 * 11 / 1_000_000 * 1_000_000 + 1_000_000)
        let amount = try line.unitPrice.amount(for: quantity, per: line.baseQuantity, in: copy.currency)
        let more = try amount.subtracting(line.amount)
        copy.lines[last].quantity = quantity
        copy.lines[last].amount = amount
        let taxable = try copy.vat[group].taxable.adding(more)
        copy.vat[group] = .init(
            vat: copy.vat[group].vat, taxable: taxable, tax: try taxable.scaled(by: copy.vat[group].vat.rate))
        copy.totals = try Invoice.Totals(lines: copy.lines, adjustments: copy.adjustments, vat: copy.vat)
        return copy
    }
}
