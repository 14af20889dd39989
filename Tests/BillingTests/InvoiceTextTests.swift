import Billing
import Testing

@Suite struct InvoiceTextTests {
    @Test func isReadableIn80Columns() throws {
        var terms = Sample.terms(level: Sample.bonusTable)
        terms.tariff.cap = MinorUnits(600_000)
        let stop = Sample.stopped(Sample.march.from, for: Sample.march.milliseconds / 20)
        let usage = Sample.usage(
            good: 10_000, produced: 10_100, executing: 300 * Sample.hour, stoppages: [stop])
        let text = InvoiceText.render(try Sample.invoice(terms, usage))
        #expect(text.hasPrefix(expectedBeginning), "\(text)")
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    @Test func neverLeavesTheColumns() throws {
        var terms = Sample.terms()
        terms.seller.registrationName = String(repeating: "Pressenwerk ", count: 16)
        terms.buyer.addressLine = String(repeating: "x", count: 200)
        terms.tariff.lines[1].name = String(repeating: "Gut", count: 60)
        terms.tariff.lines[1].prices = .flat(Sample.price(9_999_999_999_999))
        terms.paymentReference = String(repeating: "ref ", count: 50)
        let invoice = try Sample.invoice(terms, Sample.usage(good: 1_234_567))
        let note = try invoice.credited(
            toPayable: MinorUnits(1), number: String(repeating: "9", count: 60),
            issueDate: Sample.date("2025-05-05"), reason: String(repeating: "because ", count: 40))
        for document in [invoice, note] {
            let text = InvoiceText.render(document)
            for line in text.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
            #expect(text.split(separator: "\n").allSatisfy { $0.last != " " })
        }
    }

    private let expectedBeginning = """
        INVOICE 2025-0042                                                Machine press-7
        """
}
