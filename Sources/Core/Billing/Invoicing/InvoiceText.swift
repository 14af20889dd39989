/// An invoice for a person to read: plain text in 80 columns.
package struct InvoiceText {
    private let invoice: Invoice
    private var page = TextPage()

    private init(_ invoice: Invoice) { self.invoice = invoice }

    package static func render(_ invoice: Invoice) -> String {
        var text = InvoiceText(invoice)
        text.addHeader()
        text.addLines()
        text.addTotals()
        text.addPerformance()
        text.addEvidence()
        return text.page.text
    }

    private func money(_ amount: MinorUnits) -> String {
        TextPage.grouped(amount.text(in: invoice.currency))
    }

    private mutating func addHeader() {
        let title = invoice.kind == .invoice ? "INVOICE" : "CREDIT NOTE"
        page.row("\(title) \(invoice.number)", "Machine \(invoice.machine)")
        page.rule("=")
        page.columns(
            ["Issued  \(invoice.issueDate)", "Due     \(invoice.dueDate)"],
            ["Period   \(invoice.periodStart) to \(invoice.periodEnd)", "Currency \(invoice.currency)"])
        if let original = invoice.original {
            page.entry("Corrects", "Invoice \(original.number) of \(original.issueDate)", labelWidth: 10)
        }
        if let reason = invoice.reason { page.entry("Reason", reason, labelWidth: 10) }
        if let reference = invoice.paymentReference {
            page.entry("Payment reference ", reference, labelWidth: 18)
        }
        page.line()
        page.columns(["Seller"] + address(invoice.seller), ["Buyer"] + address(invoice.buyer))
        page.line()
    }

    private func address(_ party: Party) -> [String] {
        let lines = [
            party.registrationName, party.addressLine, "\(party.postalCode) \(party.city)", party.countryCode,
            party.vatID.map { "VAT id \($0)" } ?? "",
        ]
        return lines.filter { $0.contains { $0 != " " } }
    }

    private static let widths = (number: 3, name: 27, quantity: 13, unit: 6, price: 14, amount: 14)

    private mutating func addLines() {
        let widths = InvoiceText.widths
        page.line(
            TextPage.right("#", widths.number) + " " + TextPage.left("Item", widths.name)
                + TextPage.right("Quantity", widths.quantity) + " " + TextPage.left("Unit", widths.unit)
                + TextPage.right("Price", widths.price) + " " + TextPage.right("Amount", widths.amount))
        page.rule()
        for line in invoice.lines { add(line) }
        page.rule()
    }

    private mutating func add(_ line: Invoice.Line) {
        let widths = InvoiceText.widths
        let price = TextPage.grouped(line.unitPrice.text(in: invoice.currency))
        let base = line.baseQuantity == .one ? "" : "/\(line.baseQuantity.text)"
        let quantity = TextPage.grouped(line.quantity.text)
        let unit = InvoiceText.name(of: line.unit)
        let number = TextPage.right(line.id, widths.number) + " "
        let names = TextPage.wrap(line.name, to: widths.name)
        let isNarrow =
            number.count == widths.number + 1 && quantity.count <= widths.quantity
            && price.count + base.count <= widths.price && money(line.amount).count <= widths.amount
        guard isNarrow else {
            page.row(number + line.name, "")
            return page.row("\(quantity) \(unit) at \(price)\(base)", money(line.amount), indent: 4)
        }
        page.line(
            number + TextPage.left(names[0], widths.name) + TextPage.right(quantity, widths.quantity) + " "
                + TextPage.left(unit, widths.unit) + TextPage.right(price + base, widths.price) + " "
                + TextPage.right(money(line.amount), widths.amount))
        for name in names.dropFirst() { page.line(TextPage.left("", widths.number + 1) + name) }
    }

    private static func name(of unit: Invoice.UnitCode) -> String {
        switch unit {
        case .piece: "pieces"
        case .hour: "hours"
        case .day: "days"
        case .week: "week"
        case .month: "month"
        case .one: ""
        }
    }

    private mutating func addTotals() {
        let totals = invoice.totals
        page.row("Sum of lines", money(totals.lines))
        for adjustment in invoice.adjustments {
            var label = adjustment.reason
            if let rate = adjustment.rate, let base = adjustment.base {
                label += ": \(rate.percentText) % of \(money(base))"
            }
            if invoice.vat.count > 1 { label += " (VAT \(adjustment.vat.category.rawValue))" }
            page.row(label, (adjustment.isCharge ? "+" : "-") + money(adjustment.amount))
        }
        page.row("Total without VAT", money(totals.exclusive))
        for subtotal in invoice.vat {
            let reason = subtotal.vat.exemptionReason.map { " (\($0))" } ?? ""
            page.row(
                "VAT \(subtotal.vat.category.rawValue) \(subtotal.vat.rate.percentText) % of "
                    + "\(money(subtotal.taxable))\(reason)", money(subtotal.tax))
        }
        if totals.rounding != .zero {
            page.row("Total with VAT", money(totals.inclusive))
            page.row("Rounding", money(totals.rounding))
        }
        page.rule("=")
        let label =
            invoice.kind == .invoice ? "PAYABLE by \(invoice.dueDate)" : "CREDITED by \(invoice.dueDate)"
        page.row(label, "\(invoice.currency) \(money(totals.payable))")
        page.rule("=")
        page.line()
    }

    private func percent(_ rate: Rate?) -> String { rate.map { "\($0.percentText) %" } ?? "no value" }

    /// Milliseconds as "123 h 04 min 05.678 s", without what is zero at the end.
    private func time(_ milliseconds: Int64?) -> String {
        guard let milliseconds else { return "no value" }
        let (hours, minutes) = (milliseconds / 3_600_000, milliseconds / 60_000 % 60)
        let seconds = milliseconds % 60_000
        var text = "\(TextPage.grouped(String(hours))) h"
        if minutes > 0 || seconds > 0 { text += " \(DecimalText.padded(Int(minutes), width: 2)) min" }
        if seconds > 0 { text += " \(DecimalText.write(seconds, digits: 3, atLeast: 0)) s" }
        return text
    }

    private mutating func addPerformance() {
        let performance = invoice.performance
        let figures = performance.effectiveness
        page.line("Service level")
        page.entry(
            "  Availability",
            "\(percent(performance.availability)), down \(time(performance.downtimeMilliseconds)) of "
                + time(performance.serviceTimeMilliseconds))
        page.entry(
            "  OEE",
            "\(percent(figures.oee)) (availability \(percent(figures.availability)), effectiveness "
                + "\(percent(figures.effectiveness)), quality \(percent(figures.quality)))")
        // Else it looks like a verdict on the machine: the terms know no shifts.
        page.entry(
            "  OEE base",
            "\(time(figures.plannedBusyTimeMilliseconds)) planned busy time: all hours with data, day and "
                + "night, less planned maintenance")
        page.entry(
            "  Failures",
            "MTBF \(time(figures.meanTimeBetweenFailuresMilliseconds)), "
                + "MTTR \(time(figures.meanTimeToRepairMilliseconds))")
        for note in invoice.dataQuality {
            page.entry("  Data quality", "\(InvoiceText.name(of: note.kind)): \(note.count)")
        }
        page.line()
    }

    package static func name(of kind: DataQualityNote.Kind) -> String {
        switch kind {
        case .missingEntries: "gaps in the sequence of entries"
        case .silence: "spells of silence"
        case .clockStep: "steps back of the device's clock"
        case .counterReset: "counter resets"
        case .unavailable: "spells without data at the source"
        case .contested: "contested batches, which count as missing"
        }
    }

    private mutating func addEvidence() {
        let evidence = invoice.evidence
        page.line("Computed from, and by anyone again (rules \(evidence.rulesVersion))")
        page.entry("  Entries", "\(evidence.firstSequence) to \(evidence.lastSequence)")
        page.entry("  Merkle root", evidence.telemetryRoot.description)
        page.entry("  Terms", evidence.termsHash.description)
        page.entry("  Attributions", evidence.attributionHash.description)
    }
}
