import Foundation

/// Checks a UBL document against the published rules of EN 16931 that apply to what Millwright writes
/// (BR-*, BR-CO-*, BR-DEC-*, BR-S/Z/E/AE/O-*; EN 16931-1:2017 §6.4). Written from the rules' text, in
/// tests only.
///
/// Amounts are `Decimal`; the identities are exact, without the tolerance that some validators allow.
struct EN16931Rules {
    private let root: XMLNode
    private let lines: [XMLNode]
    private let allowances: [XMLNode]
    private let charges: [XMLNode]
    private let totals: XMLNode?
    private let breakdown: [XMLNode]
    private var broken: [String] = []

    /// The rules that a document breaks, sorted, each once.
    static func broken(by document: XMLNode) -> [String] {
        var rules = EN16931Rules(document)
        rules.checkHeader()
        rules.checkParties()
        rules.checkLines()
        rules.checkAllowances()
        rules.checkTotals()
        rules.checkBreakdown()
        rules.checkDecimals()
        for category in ["S", "Z", "E", "AE", "O"] { rules.check(category) }
        rules.checkOutsideScope()
        return Array(Set(rules.broken)).sorted()
    }

    private init(_ document: XMLNode) {
        root = document
        lines = document.all("InvoiceLine") + document.all("CreditNoteLine")
        allowances = document.all("AllowanceCharge").filter { $0.text("ChargeIndicator") == "false" }
        charges = document.all("AllowanceCharge").filter { $0.text("ChargeIndicator") == "true" }
        totals = document.first("LegalMonetaryTotal")
        breakdown = document.first("TaxTotal")?.all("TaxSubtotal") ?? []
    }

    private mutating func require(_ isKept: Bool, _ rule: String) {
        if !isKept { broken.append(rule) }
    }

    private func has(_ node: XMLNode?, _ path: String...) -> Bool {
        var current = node
        for name in path { current = current?.first(name) }
        return !(current?.text.isEmpty ?? true)
    }

    private mutating func checkHeader() {
        require(has(root, "CustomizationID"), "BR-01")
        require(has(root, "ID"), "BR-02")
        require(has(root, "IssueDate"), "BR-03")
        let kind = root.text("InvoiceTypeCode") ?? root.text("CreditNoteTypeCode")
        require(kind != nil, "BR-04")
        require(kind == nil || kind == (root.name == "CreditNote" ? "381" : "380"), "BR-CL-01")
        require(has(root, "DocumentCurrencyCode"), "BR-05")
        require(!lines.isEmpty, "BR-16")
        if let period = root.first("InvoicePeriod") {
            let (start, end) = (period.text("StartDate"), period.text("EndDate"))
            require(start != nil || end != nil, "BR-CO-19")
            if let start, let end { require(start <= end, "BR-29") }
        }
        for means in root.all("PaymentMeans") {
            let code = means.text("PaymentMeansCode")
            require(code != nil, "BR-49")
            if code == "30" || code == "58" { require(has(means, "PayeeFinancialAccount", "ID"), "BR-61") }
        }
        for reference in root.all("BillingReference") {
            require(has(reference, "InvoiceDocumentReference", "ID"), "BR-55")
        }
        let due = has(root, "DueDate") || has(root, "PaymentTerms", "Note")
        require(due || (totals?.amount("PayableAmount") ?? 0) <= 0, "BR-CO-25")
    }

    private mutating func checkParties() {
        let seller = root.first("AccountingSupplierParty")?.first("Party")
        let buyer = root.first("AccountingCustomerParty")?.first("Party")
        require(has(seller, "PartyLegalEntity", "RegistrationName"), "BR-06")
        require(has(buyer, "PartyLegalEntity", "RegistrationName"), "BR-07")
        require(seller?.first("PostalAddress") != nil, "BR-08")
        require(has(seller, "PostalAddress", "Country", "IdentificationCode"), "BR-09")
        require(buyer?.first("PostalAddress") != nil, "BR-10")
        require(has(buyer, "PostalAddress", "Country", "IdentificationCode"), "BR-11")
        let isNamed =
            has(seller, "PartyIdentification", "ID") || has(seller, "PartyTaxScheme", "CompanyID")
            || has(seller, "PartyLegalEntity", "CompanyID")
        require(isNamed, "BR-CO-26")
        for party in [seller, buyer] {
            guard let id = party?.first("PartyTaxScheme")?.text("CompanyID") else { continue }
            let prefix = id.prefix(2)
            require(
                prefix == "EL" || Locale.Region.isoRegions.contains { $0.identifier == prefix }, "BR-CO-09")
        }
    }

    private mutating func checkLines() {
        for line in lines {
            let quantity = line.first("InvoicedQuantity") ?? line.first("CreditedQuantity")
            require(has(line, "ID"), "BR-21")
            require(!(quantity?.text.isEmpty ?? true), "BR-22")
            require(quantity?.attributes["unitCode"] != nil, "BR-23")
            require(has(line, "LineExtensionAmount"), "BR-24")
            require(has(line, "Item", "Name"), "BR-25")
            require(has(line, "Price", "PriceAmount"), "BR-26")
            let price = line.first("Price")?.amount("PriceAmount") ?? 0
            require(price >= 0, "BR-27")
            require(has(line, "Item", "ClassifiedTaxCategory", "ID"), "BR-CO-04")
            // PEPPOL-EN16931-R120, beyond the core: the line multiplies out.
            let base = line.first("Price")?.amount("BaseQuantity") ?? 1
            let product = (Decimal(string: quantity?.text ?? "") ?? 0) * price / base
            require(rounded(product) == line.amount("LineExtensionAmount"), "PEPPOL-R120")
        }
    }

    private mutating func checkAllowances() {
        for (nodes, rules) in [
            (allowances, ["BR-31", "BR-32", "BR-33"]), (charges, ["BR-36", "BR-37", "BR-38"]),
        ] {
            for node in nodes {
                require(has(node, "Amount"), rules[0])
                require(has(node, "TaxCategory", "ID"), rules[1])
                require(has(node, "AllowanceChargeReason"), rules[2])
                require((node.amount("Amount") ?? 0) >= 0, "sign")
                guard let factor = node.amount("MultiplierFactorNumeric") else { continue }
                // PEPPOL-EN16931-R040, beyond the core: the share multiplies out.
                let product = (node.amount("BaseAmount") ?? 0) * factor / 100
                require(rounded(product) == node.amount("Amount"), "PEPPOL-R040")
            }
        }
    }

    /// Half up, away from zero, to the currency's decimals.
    private func rounded(_ value: Decimal) -> Decimal {
        var (value, result) = (value, Decimal())
        NSDecimalRound(&result, &value, root.text("DocumentCurrencyCode") == "JPY" ? 0 : 2, .plain)
        return result
    }

    private func sum(_ nodes: [XMLNode], _ name: String) -> Decimal {
        nodes.reduce(0) { $0 + ($1.amount(name) ?? 0) }
    }

    private mutating func checkTotals() {
        let sums = totals?.amount("LineExtensionAmount")
        let exclusive = totals?.amount("TaxExclusiveAmount")
        let inclusive = totals?.amount("TaxInclusiveAmount")
        let payable = totals?.amount("PayableAmount")
        require(sums != nil, "BR-12")
        require(exclusive != nil, "BR-13")
        require(inclusive != nil, "BR-14")
        require(payable != nil, "BR-15")
        let less = totals?.amount("AllowanceTotalAmount") ?? 0
        let more = totals?.amount("ChargeTotalAmount") ?? 0
        let tax = root.first("TaxTotal")?.amount("TaxAmount") ?? 0
        require(sums == sum(lines, "LineExtensionAmount"), "BR-CO-10")
        require(less == sum(allowances, "Amount"), "BR-CO-11")
        require(more == sum(charges, "Amount"), "BR-CO-12")
        require(exclusive == (sums ?? 0) - less + more, "BR-CO-13")
        require(tax == sum(breakdown, "TaxAmount"), "BR-CO-14")
        require(inclusive == (exclusive ?? 0) + tax, "BR-CO-15")
        let rounding = totals?.amount("PayableRoundingAmount") ?? 0
        let prepaid = totals?.amount("PrepaidAmount") ?? 0
        require(payable == (inclusive ?? 0) - prepaid + rounding, "BR-CO-16")
    }

    private mutating func checkBreakdown() {
        require(!breakdown.isEmpty, "BR-CO-18")
        for part in breakdown {
            let category = part.first("TaxCategory")
            let (taxable, tax) = (part.amount("TaxableAmount"), part.amount("TaxAmount"))
            require(taxable != nil, "BR-45")
            require(tax != nil, "BR-46")
            require(category?.text("ID") != nil, "BR-47")
            let rate = category?.amount("Percent")
            require(rate != nil || category?.text("ID") == "O", "BR-48")
            require(tax == rounded((taxable ?? 0) * (rate ?? 0) / 100), "BR-CO-17")
        }
    }

    private mutating func checkDecimals() {
        func decimals(_ node: XMLNode, _ name: String) -> Int {
            node.text(name)?.split(separator: ".").dropFirst().first?.count ?? 0
        }
        for node in allowances {
            require(decimals(node, "Amount") <= 2, "BR-DEC-01")
            require(decimals(node, "BaseAmount") <= 2, "BR-DEC-02")
        }
        for node in charges {
            require(decimals(node, "Amount") <= 2, "BR-DEC-05")
            require(decimals(node, "BaseAmount") <= 2, "BR-DEC-06")
        }
        let names = [
            ("LineExtensionAmount", "BR-DEC-09"), ("AllowanceTotalAmount", "BR-DEC-10"),
            ("ChargeTotalAmount", "BR-DEC-11"), ("TaxExclusiveAmount", "BR-DEC-12"),
            ("TaxInclusiveAmount", "BR-DEC-14"), ("PayableRoundingAmount", "BR-DEC-17"),
            ("PayableAmount", "BR-DEC-18"),
        ]
        for (name, rule) in names { if let totals { require(decimals(totals, name) <= 2, rule) } }
        if let tax = root.first("TaxTotal") { require(decimals(tax, "TaxAmount") <= 2, "BR-DEC-13") }
        for part in breakdown {
            require(decimals(part, "TaxableAmount") <= 2, "BR-DEC-19")
            require(decimals(part, "TaxAmount") <= 2, "BR-DEC-20")
        }
        for line in lines { require(decimals(line, "LineExtensionAmount") <= 2, "BR-DEC-23") }
    }

    private func tax(of line: XMLNode) -> XMLNode? { line.first("Item")?.first("ClassifiedTaxCategory") }

    /// The ten rules that each category has.
    private mutating func check(_ code: String) {
        let own = lines.filter { tax(of: $0)?.text("ID") == code }
        let less = allowances.filter { $0.first("TaxCategory")?.text("ID") == code }
        let more = charges.filter { $0.first("TaxCategory")?.text("ID") == code }
        let parts = breakdown.filter { $0.first("TaxCategory")?.text("ID") == code }
        let isUsed = !(own.isEmpty && less.isEmpty && more.isEmpty)
        let isStandard = code == "S"
        require(isUsed ? (isStandard ? !parts.isEmpty : parts.count == 1) : parts.isEmpty, "BR-\(code)-01")
        checkIDs(code, [(own, "02"), (less, "03"), (more, "04")])
        let rates = [
            (own.map { tax(of: $0) }, "05"), (less.map { $0.first("TaxCategory") }, "06"),
            (more.map { $0.first("TaxCategory") }, "07"),
        ]
        for (categories, number) in rates {
            for category in categories {
                let rate = category?.amount("Percent")
                let isRight = isStandard ? (rate ?? 0) > 0 : code == "O" ? rate == nil : rate == 0
                require(isRight, "BR-\(code)-\(number)")
            }
        }
        for part in parts {
            let category = part.first("TaxCategory")
            let rate = isStandard ? category?.amount("Percent") : nil
            func at(_ node: XMLNode?) -> Bool { !isStandard || node?.amount("Percent") == rate }
            let base =
                sum(own.filter { at(tax(of: $0)) }, "LineExtensionAmount")
                - sum(less.filter { at($0.first("TaxCategory")) }, "Amount")
                + sum(more.filter { at($0.first("TaxCategory")) }, "Amount")
            require(part.amount("TaxableAmount") == base, "BR-\(code)-08")
            let due = rounded((part.amount("TaxableAmount") ?? 0) * (rate ?? 0) / 100)
            require(part.amount("TaxAmount") == due, "BR-\(code)-09")
            let needsReason = ["E", "AE", "O"].contains(code)
            require((category?.text("TaxExemptionReason") != nil) == needsReason, "BR-\(code)-10")
        }
    }

    private mutating func checkIDs(_ code: String, _ uses: [([XMLNode], String)]) {
        let seller = has(root.first("AccountingSupplierParty"), "Party", "PartyTaxScheme", "CompanyID")
        let buyer = has(root.first("AccountingCustomerParty"), "Party", "PartyTaxScheme", "CompanyID")
        for (nodes, number) in uses where !nodes.isEmpty {
            let isRight =
                switch code {
                case "AE": seller && buyer
                case "O": !seller && !buyer
                default: seller
                }
            require(isRight, "BR-\(code)-\(number)")
        }
    }

    private mutating func checkOutsideScope() {
        guard breakdown.contains(where: { $0.first("TaxCategory")?.text("ID") == "O" }) else { return }
        require(breakdown.count == 1, "BR-O-11")
        require(lines.allSatisfy { tax(of: $0)?.text("ID") == "O" }, "BR-O-12")
        require(allowances.allSatisfy { $0.first("TaxCategory")?.text("ID") == "O" }, "BR-O-13")
        require(charges.allSatisfy { $0.first("TaxCategory")?.text("ID") == "O" }, "BR-O-14")
    }
}
