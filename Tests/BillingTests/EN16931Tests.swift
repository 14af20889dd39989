import Billing
import Foundation
import Testing

/// Documents of every shape keep every rule; each rule catches the document that breaks it.
@Suite struct EN16931Tests {
    enum Shape: CaseIterable {
        case plain, bonus, cappedMalus, nothingDue, reverseCharge, severalRates, exempt, zeroRated,
            outsideScope
        case yen, prorated, credit, partialCredit
    }

    static func invoice(_ shape: Shape) throws -> Invoice {
        var terms = Sample.terms()
        let stop = Sample.stopped(Sample.march.from, for: Sample.march.milliseconds / 20)
        let usage = Sample.usage(
            good: 12_345, produced: 12_400, executing: 987_654_321, stoppages: [stop])
        switch shape {
        case .plain: break
        case .bonus:
            terms.serviceLevel = Sample.bonusTable
            return try Sample.invoice(terms)
        case .cappedMalus:
            terms.serviceLevel = Sample.bonusTable
            terms.tariff.cap = MinorUnits(500_001)
        case .nothingDue:
            terms.serviceLevel = Sample.clause
            let down = Usage.Stoppage(interval: Sample.march, state: .outOfService)
            return try Sample.invoice(terms, Sample.usage(good: 777, stoppages: [down]))
        case .reverseCharge:
            (terms.tariff.vat, terms.serviceLevel) = (Sample.reverseCharge, Sample.bonusTable)
        case .severalRates, .credit, .partialCredit:
            terms.serviceLevel = Sample.bonusTable
            terms.tariff.cap = MinorUnits(333_333)
            terms.tariff.lines[1].vat = VAT(.standard, rate: Rate(percent: 7))
            terms.tariff.lines[2].vat = VAT(.exempt, rate: .zero, exemptionReason: "Exempt by § 4")
        case .exempt: terms.tariff.vat = VAT(.exempt, rate: .zero, exemptionReason: "Exempt by § 4")
        case .zeroRated: terms.tariff.vat = VAT(.zero, rate: .zero)
        case .outsideScope:
            terms.tariff.vat = VAT(.outsideScope, rate: .zero, exemptionReason: "Not subject to VAT")
        case .yen: terms.currency = CurrencyCode(rawValue: "JPY")!
        case .prorated:
            let spell = Interval(from: Sample.berlin("2025-03-12"), to: Sample.march.to)
            return try Sample.invoice(terms, Sample.usage(good: 3, measured: [spell]))
        }
        let invoice = try Sample.invoice(terms, usage)
        let day = Sample.date("2025-05-05")
        switch shape {
        case .credit: return try invoice.credited(number: "CN-1", issueDate: day, reason: "In error")
        case .partialCredit:
            // The first ruling that no net amount meets without a rounding amount.
            for ruled in Int64(100_000)... {
                let note = try invoice.credited(
                    toPayable: MinorUnits(ruled), number: "CN-2", issueDate: day, reason: "Ruling 7")
                if note.totals.rounding != .zero { return note }
            }
            return invoice
        default: return invoice
        }
    }

    static func document(_ shape: Shape) throws -> XMLNode {
        try XMLNode.parse(try UBLDocument.encode(try invoice(shape)))
    }

    @Test(arguments: Shape.allCases)
    func keepsEveryRule(shape: Shape) throws {
        let bytes = try UBLDocument.encode(try EN16931Tests.invoice(shape))
        let broken = EN16931Rules.broken(by: try XMLNode.parse(bytes))
        #expect(broken == [], "\(String(decoding: bytes, as: UTF8.self))")
    }

    private func expect(
        _ rule: String, in shape: Shape = .severalRates, location: SourceLocation = #_sourceLocation,
        _ change: (XMLNode) -> Void
    ) throws {
        let document = try EN16931Tests.document(shape)
        change(document)
        #expect(EN16931Rules.broken(by: document).contains(rule), "\(rule)", sourceLocation: location)
    }

    @Test(arguments: [
        ("BR-01", "CustomizationID"), ("BR-02", "ID"), ("BR-03", "IssueDate"), ("BR-04", "InvoiceTypeCode"),
        ("BR-05", "DocumentCurrencyCode"),
        ("BR-06", "AccountingSupplierParty/Party/PartyLegalEntity/RegistrationName"),
        ("BR-07", "AccountingCustomerParty/Party/PartyLegalEntity/RegistrationName"),
        ("BR-08", "AccountingSupplierParty/Party/PostalAddress"),
        ("BR-09", "AccountingSupplierParty/Party/PostalAddress/Country"),
        ("BR-10", "AccountingCustomerParty/Party/PostalAddress"),
        ("BR-11", "AccountingCustomerParty/Party/PostalAddress/Country/IdentificationCode"),
        ("BR-12", "LegalMonetaryTotal/LineExtensionAmount"),
        ("BR-13", "LegalMonetaryTotal/TaxExclusiveAmount"),
        ("BR-14", "LegalMonetaryTotal/TaxInclusiveAmount"), ("BR-15", "LegalMonetaryTotal/PayableAmount"),
        ("BR-16", "InvoiceLine"), ("BR-21", "InvoiceLine/ID"), ("BR-22", "InvoiceLine/InvoicedQuantity"),
        ("BR-24", "InvoiceLine/LineExtensionAmount"), ("BR-25", "InvoiceLine/Item/Name"),
        ("BR-26", "InvoiceLine/Price/PriceAmount"), ("BR-CO-04", "InvoiceLine/Item/ClassifiedTaxCategory"),
        ("BR-31", "AllowanceCharge/Amount"), ("BR-32", "AllowanceCharge/TaxCategory"),
        ("BR-33", "AllowanceCharge/AllowanceChargeReason"), ("BR-45", "TaxTotal/TaxSubtotal/TaxableAmount"),
        ("BR-46", "TaxTotal/TaxSubtotal/TaxAmount"), ("BR-47", "TaxTotal/TaxSubtotal/TaxCategory"),
        ("BR-48", "TaxTotal/TaxSubtotal/TaxCategory/Percent"), ("BR-49", "PaymentMeans/PaymentMeansCode"),
        ("BR-CO-18", "TaxTotal/TaxSubtotal"), ("BR-S-01", "TaxTotal/TaxSubtotal"),
        ("BR-S-02", "AccountingSupplierParty/Party/PartyTaxScheme"),
        ("BR-S-03", "AccountingSupplierParty/Party/PartyTaxScheme"),
        ("BR-S-05", "InvoiceLine/Item/ClassifiedTaxCategory/Percent"),
        ("BR-S-06", "AllowanceCharge/TaxCategory/Percent"),
        ("BR-E-02", "AccountingSupplierParty/Party/PartyTaxScheme"),
        ("BR-E-10", "TaxTotal/TaxSubtotal/TaxCategory/TaxExemptionReason"),
    ])
    func noticesWhatIsMissing(rule: String, path: String) throws {
        try expect(rule) { $0.remove(path) }
    }

    @Test(arguments: [
        ("BR-27", "InvoiceLine/Price/PriceAmount", "-1.00"), ("BR-29", "InvoicePeriod/EndDate", "2025-02-01"),
        ("BR-61", "PaymentMeans/PaymentMeansCode", "30"), ("BR-CL-01", "InvoiceTypeCode", "381"),
        ("BR-CO-09", "AccountingSupplierParty/Party/PartyTaxScheme/CompanyID", "QQ1"),
        ("BR-CO-10", "LegalMonetaryTotal/LineExtensionAmount", "1.00"),
        ("BR-CO-11", "LegalMonetaryTotal/AllowanceTotalAmount", "1.00"),
        ("BR-CO-12", "LegalMonetaryTotal/ChargeTotalAmount", "1.00"),
        ("BR-CO-13", "LegalMonetaryTotal/TaxExclusiveAmount", "1.00"),
        ("BR-CO-14", "TaxTotal/TaxAmount", "1.00"),
        ("BR-CO-15", "LegalMonetaryTotal/TaxInclusiveAmount", "1.00"),
        ("BR-CO-16", "LegalMonetaryTotal/PayableAmount", "1.00"),
        ("BR-CO-17", "TaxTotal/TaxSubtotal/TaxAmount", "1.00"),
        ("BR-S-08", "TaxTotal/TaxSubtotal/TaxableAmount", "1.00"),
        ("BR-S-09", "TaxTotal/TaxSubtotal/TaxAmount", "1.00"),
        ("BR-E-08", "TaxTotal/TaxSubtotal/TaxableAmount", "1.00"),
        ("BR-E-09", "TaxTotal/TaxSubtotal/TaxAmount", "1.00"),
        ("BR-E-05", "InvoiceLine/Item/ClassifiedTaxCategory/Percent", "7"),
        ("BR-E-06", "AllowanceCharge/TaxCategory/Percent", "7"),
        ("PEPPOL-R120", "InvoiceLine/InvoicedQuantity", "2"),
        ("PEPPOL-R040", "AllowanceCharge/BaseAmount", "1.00"),
        ("BR-DEC-01", "AllowanceCharge/Amount", "1.001"),
        ("BR-DEC-02", "AllowanceCharge/BaseAmount", "1.001"),
        ("BR-DEC-09", "LegalMonetaryTotal/LineExtensionAmount", "1.001"),
        ("BR-DEC-10", "LegalMonetaryTotal/AllowanceTotalAmount", "1.001"),
        ("BR-DEC-11", "LegalMonetaryTotal/ChargeTotalAmount", "1.001"),
        ("BR-DEC-12", "LegalMonetaryTotal/TaxExclusiveAmount", "1.001"),
        ("BR-DEC-13", "TaxTotal/TaxAmount", "1.001"),
        ("BR-DEC-14", "LegalMonetaryTotal/TaxInclusiveAmount", "1.001"),
        ("BR-DEC-18", "LegalMonetaryTotal/PayableAmount", "1.001"),
        ("BR-DEC-19", "TaxTotal/TaxSubtotal/TaxableAmount", "1.001"),
        ("BR-DEC-20", "TaxTotal/TaxSubtotal/TaxAmount", "1.001"),
        ("BR-DEC-23", "InvoiceLine/LineExtensionAmount", "1.001"),
    ])
    func noticesWhatIsWrong(rule: String, path: String, text: String) throws {
        try expect(rule) { $0.set(path, text) }
    }

    @Test func noticesBrokenChargesReferencesAndDates() throws {
        try expect("BR-23") { $0.nodes(["InvoiceLine", "InvoicedQuantity"])[0].attributes = [:] }
        try expect("BR-36", in: .bonus) { $0.remove("AllowanceCharge/Amount") }
        try expect("BR-37", in: .bonus) { $0.remove("AllowanceCharge/TaxCategory") }
        try expect("BR-38", in: .bonus) { $0.remove("AllowanceCharge/AllowanceChargeReason") }
        try expect("BR-S-04", in: .bonus) { $0.remove("AccountingSupplierParty/Party/PartyTaxScheme") }
        try expect("BR-S-07", in: .bonus) { $0.set("AllowanceCharge/TaxCategory/Percent", "0") }
        try expect("BR-DEC-05", in: .bonus) { $0.set("AllowanceCharge/Amount", "1.001") }
        try expect("BR-DEC-06", in: .bonus) { $0.set("AllowanceCharge/BaseAmount", "1.001") }
        try expect("BR-DEC-17", in: .partialCredit) {
            $0.set("LegalMonetaryTotal/PayableRoundingAmount", "0.011")
        }
        try expect("BR-55", in: .credit) { $0.remove("BillingReference/InvoiceDocumentReference/ID") }
        try expect("BR-CO-19") { document in
            document.remove("InvoicePeriod/StartDate")
            document.remove("InvoicePeriod/EndDate")
        }
        try expect("BR-CO-25") { document in
            document.remove("DueDate")
            document.remove("PaymentTerms")
        }
        try expect("BR-CO-26") { document in
            document.remove("AccountingSupplierParty/Party/PartyIdentification")
            document.remove("AccountingSupplierParty/Party/PartyTaxScheme")
        }
        try expect("BR-S-10", in: .plain) { document in
            let category = document.nodes(["TaxTotal", "TaxSubtotal", "TaxCategory"])[0]
            let reason = XMLNode("TaxExemptionReason", namespace: "", attributes: [:])
            reason.text = "why not"
            category.children.append(reason)
        }
    }

    @Test(arguments: [("AE", Shape.reverseCharge), ("Z", .zeroRated), ("O", .outsideScope)])
    func noticesABrokenCategory(code: String, shape: Shape) throws {
        try expect("BR-\(code)-01", in: shape) { $0.set("TaxTotal/TaxSubtotal/TaxCategory/ID", "E") }
        try expect("BR-\(code)-08", in: shape) { $0.set("TaxTotal/TaxSubtotal/TaxableAmount", "1.00") }
        try expect("BR-\(code)-09", in: shape) { $0.set("TaxTotal/TaxSubtotal/TaxAmount", "1.00") }
        if code == "O" { return }
        try expect("BR-\(code)-02", in: shape) { $0.remove("AccountingSupplierParty/Party/PartyTaxScheme") }
        try expect("BR-\(code)-05", in: shape) {
            $0.set("InvoiceLine/Item/ClassifiedTaxCategory/Percent", "19")
        }
    }

    @Test func reverseChargeNeedsTheBuyerToo() throws {
        try expect("BR-AE-02", in: .reverseCharge) {
            $0.remove("AccountingCustomerParty/Party/PartyTaxScheme")
        }
        try expect("BR-AE-03", in: .reverseCharge) {
            $0.remove("AccountingCustomerParty/Party/PartyTaxScheme")
        }
        try expect("BR-AE-06", in: .reverseCharge) { $0.set("AllowanceCharge/TaxCategory/Percent", "19") }
        try expect("BR-AE-10", in: .reverseCharge) {
            $0.remove("TaxTotal/TaxSubtotal/TaxCategory/TaxExemptionReason")
        }
    }

    @Test func outsideTheScopeStandsAlone() throws {
        try expect("BR-O-10", in: .outsideScope) {
            $0.remove("TaxTotal/TaxSubtotal/TaxCategory/TaxExemptionReason")
        }
        try expect("BR-O-12", in: .outsideScope) {
            $0.nodes(["InvoiceLine", "Item", "ClassifiedTaxCategory", "ID"])[0].text = "S"
        }
        try expect("BR-O-11", in: .outsideScope) { document in
            let other = try? EN16931Tests.document(.plain)
            document.first("TaxTotal")?.children += other?.nodes(["TaxTotal", "TaxSubtotal"]) ?? []
        }
        try expect("BR-O-02", in: .outsideScope) { document in
            let other = try? EN16931Tests.document(.plain)
            let scheme = other?.nodes(["AccountingSupplierParty", "Party", "PartyTaxScheme"]) ?? []
            document.nodes(["AccountingSupplierParty", "Party"])[0].children += scheme
        }
    }
}
