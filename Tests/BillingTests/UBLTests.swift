import Billing
import Testing

@Suite struct UBLTests {
    private func text(_ invoice: Invoice) throws -> String {
        String(decoding: try UBLDocument.encode(invoice), as: UTF8.self)
    }

    @Test func namesItsRootAndSpaces() throws {
        let invoice = try EN16931Tests.document(.plain)
        #expect(invoice.name == "Invoice")
        #expect(invoice.namespace == "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2")
        #expect(invoice.text("CustomizationID") == "urn:cen.eu:en16931:2017")
        #expect(invoice.text("DueDate") == "2025-05-02")
        let note = try EN16931Tests.document(.credit)
        #expect(note.name == "CreditNote")
        #expect(note.namespace == "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2")
        #expect(note.text("CreditNoteTypeCode") == "381")
        #expect(note.first("DueDate") == nil)
        #expect(note.first("PaymentMeans")?.text("PaymentDueDate") == "2025-06-04")
        #expect(note.nodes(["BillingReference", "InvoiceDocumentReference", "ID"])[0].text == "2025-0042")
    }

    /// UBL's schema is a sequence: the order matters (OASIS UBL 2.1, UBL-Invoice-2.1.xsd).
    @Test(arguments: EN16931Tests.Shape.allCases)
    func keepsTheSchemasOrder(shape: EN16931Tests.Shape) throws {
        let order = [
            "CustomizationID", "ID", "IssueDate", "DueDate", "InvoiceTypeCode", "CreditNoteTypeCode", "Note",
            "DocumentCurrencyCode", "InvoicePeriod", "BillingReference", "AccountingSupplierParty",
            "AccountingCustomerParty", "PaymentMeans", "PaymentTerms", "AllowanceCharge", "TaxTotal",
            "LegalMonetaryTotal", "InvoiceLine", "CreditNoteLine",
        ]
        let places = try EN16931Tests.document(shape).children.map { order.firstIndex(of: $0.name) }
        #expect(!places.contains(nil))
        let known = places.compactMap { $0 }
        #expect(known == known.sorted())
    }

    @Test func escapesWhatXMLReserves() throws {
        let text = try text(Sample.invoice())
        #expect(text.contains("Müller &amp; Söhne &lt;Stanztechnik&gt; KG"))
        let document = try EN16931Tests.document(.plain)
        let name = ["AccountingCustomerParty", "Party", "PartyLegalEntity", "RegistrationName"]
        #expect(document.nodes(name)[0].text == "Müller & Söhne <Stanztechnik> KG")
    }

    @Test(arguments: ["]]>", "<!-- -->", "a\tb\nc\r\nd", "\u{10FFFF}", "'\"&", "\u{85}\u{2028}", "<?xml?>"])
    func anyAllowedTextComesBackAsItWas(name: String) throws {
        var invoice = try Sample.invoice()
        invoice.lines[0].name = name
        let document = try XMLNode.parse(try UBLDocument.encode(invoice))
        let back = document.nodes(["InvoiceLine", "Item", "Name"])[0].text
        #expect(Array(back.utf8) == Array(name.utf8))
    }

    @Test(arguments: ["\u{0}", "\u{8}", "\u{B}", "\u{1F}", "\u{FFFE}", "\u{FFFF}"])
    func refusesCharactersThatXMLDoesNotAllow(character: String) throws {
        var invoice = try Sample.invoice()
        invoice.lines[0].name = "x" + character
        #expect(BillingError.code { _ = try UBLDocument.encode(invoice) } == .xmlCharacter)
    }

    @Test func refusesCurrenciesWithThreeDecimals() throws {
        var terms = Sample.terms()
        terms.currency = try #require(CurrencyCode(rawValue: "KWD"))
        let invoice = try Sample.invoice(terms)
        #expect(BillingError.code { _ = try UBLDocument.encode(invoice) } == .currencyDecimals)
        #expect(InvoiceText.render(invoice).contains("KWD"))
    }

    @Test func aProratedFeeNamesTheDaysThatItsPriceIsFor() throws {
        let line = try EN16931Tests.document(.prorated).nodes(["InvoiceLine"])[0]
        #expect(line.text("InvoicedQuantity") == "20")
        #expect(line.first("InvoicedQuantity")?.attributes["unitCode"] == "DAY")
        #expect(line.first("Price")?.text("BaseQuantity") == "31")
        #expect(line.text("LineExtensionAmount") == "967.74")
    }
}
