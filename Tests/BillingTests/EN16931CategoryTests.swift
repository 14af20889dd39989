import Billing
import Testing

/// The ten rules of each VAT category, each broken on its own.
@Suite struct EN16931CategoryTests {
    private static let categories: [VAT] = [
        Sample.standard, VAT(.zero, rate: .zero), VAT(.exempt, rate: .zero, exemptionReason: "Exempt"),
        Sample.reverseCharge, VAT(.outsideScope, rate: .zero, exemptionReason: "Not subject to VAT"),
    ]

    /// An invoice in one category, with an allowance (malus) or a charge (bonus).
    private func document(_ vat: VAT, bonus: Bool) throws -> XMLNode {
        var terms = Sample.terms(level: Sample.bonusTable)
        terms.tariff.vat = vat
        let length = bonus ? Sample.hour : 50 * Sample.hour
        let stop = Sample.stopped(Sample.march.from, for: length)
        let invoice = try Sample.invoice(terms, Sample.usage(good: 4321, stoppages: [stop]))
        return try XMLNode.parse(try UBLDocument.encode(invoice))
    }

    @Test(arguments: categories)
    func eachRuleNoticesItsBreach(vat: VAT) throws {
        let code = vat.category.rawValue
        // A rate that the category must not have; O must have none at all.
        let wrongRate = code == "S" ? "0" : "19"
        func expect(_ number: String, bonus: Bool = false, _ change: (XMLNode) throws -> Void) throws {
            let node = try document(vat, bonus: bonus)
            #expect(EN16931Rules.broken(by: node) == [])
            try change(node)
            #expect(EN16931Rules.broken(by: node).contains("BR-\(code)-\(number)"), "BR-\(code)-\(number)")
        }
        func breakIDs(_ node: XMLNode) throws {
            guard code == "O" else { return node.remove("AccountingSupplierParty/Party/PartyTaxScheme") }
            let other = try document(Sample.standard, bonus: false)
            node.nodes(["AccountingSupplierParty", "Party"])[0].children +=
                other.nodes(["AccountingSupplierParty", "Party", "PartyTaxScheme"])
        }
        func breakRate(_ node: XMLNode, _ path: [String]) {
            for category in node.nodes(path) {
                category.children.removeAll { $0.name == "Percent" }
                let rate = XMLNode("Percent", namespace: "", attributes: [:])
                rate.text = wrongRate
                category.children.append(rate)
            }
        }
        try expect("01") { $0.remove("TaxTotal/TaxSubtotal") }
        try expect("02", breakIDs)
        try expect("03", breakIDs)
        try expect("04", bonus: true, breakIDs)
        try expect("05") { breakRate($0, ["InvoiceLine", "Item", "ClassifiedTaxCategory"]) }
        try expect("06") { breakRate($0, ["AllowanceCharge", "TaxCategory"]) }
        try expect("07", bonus: true) { breakRate($0, ["AllowanceCharge", "TaxCategory"]) }
        try expect("08") { $0.set("TaxTotal/TaxSubtotal/TaxableAmount", "1.00") }
        try expect("09") { $0.set("TaxTotal/TaxSubtotal/TaxAmount", "1.00") }
        try expect("10") { node in
            let path = ["TaxTotal", "TaxSubtotal", "TaxCategory"]
            guard vat.exemptionReason == nil else {
                return node.remove((path + ["TaxExemptionReason"]).joined(separator: "/"))
            }
            let reason = XMLNode("TaxExemptionReason", namespace: "", attributes: [:])
            reason.text = "none needed"
            node.nodes(path)[0].children.append(reason)
        }
    }

    @Test func allowancesAndChargesOutsideTheScopeStandAlone() throws {
        for (rule, bonus) in [("BR-O-13", false), ("BR-O-14", true)] {
            let node = try document(EN16931CategoryTests.categories[4], bonus: bonus)
            node.set("AllowanceCharge/TaxCategory/ID", "Z")
            #expect(EN16931Rules.broken(by: node).contains(rule))
        }
    }
}
