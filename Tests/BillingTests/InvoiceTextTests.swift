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
        terms.tariff.lines[1].prices = .flat(Sample.price(9_999_999_999))
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
        ================================================================================
        Issued  2025-04-02                      Period   2025-03-01 to 2025-03-31
        Due     2025-05-02                      Currency EUR
        Payment reference PRESS-7 2025-03

        Seller                                  Buyer
        Pressenwerk Süd GmbH                    Müller & Söhne <Stanztechnik> KG
        Industriestraße 7                       Am Kanal 12
        86150 Augsburg                          28195 Bremen
        DE                                      DE
        VAT id DE123456789                      VAT id DE987654321

          # Item                            Quantity Unit           Price         Amount
        --------------------------------------------------------------------------------
          1 Base fee                               1 month       1 500.00       1 500.00
          2 Good parts                        10 000 pieces         0.125       1 250.00
          3 Running hours                        300 hours          12.50       3 750.00
        --------------------------------------------------------------------------------
        Sum of lines                                                            6 500.00
        Cap of 6000.00 EUR                                                       -500.00
        Malus for availability of 95 %: 4 % of 6 000.00                          -240.00
        Total without VAT                                                       5 760.00
        VAT S 19 % of 5 760.00                                                  1 094.40
        ================================================================================
        PAYABLE by 2025-05-02                                               EUR 6 854.40
        ================================================================================

        Service level
          Availability  95 %, down 37 h 09 min of 743 h
          OEE           24.717 % (availability 88.9812 %, effectiveness 28.0556 %,
                        quality 99.0099 %)
          OEE base      337 h 09 min planned busy time: all hours with data, day and
                        night, less planned maintenance
          Failures      MTBF no value, MTTR no value

        Computed from, and by anyone again (rules 2)
          Entries       1 to 44580
          Merkle root   4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a
        """
}
