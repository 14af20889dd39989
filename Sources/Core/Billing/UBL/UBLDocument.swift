/// An invoice or credit note as UBL 2.1 bytes that follow EN 16931 (CIUS-free core, syntax CEN/TS
/// 16931-3-2).
package struct UBLDocument {
    /// BT-24.
    package static let customizationID = "urn:cen.eu:en16931:2017"

    private let invoice: Invoice
    private let remark: String?
    private let currency: [(String, String)]
    private var writer = XMLWriter()

    private var isCredit: Bool { invoice.kind == .creditNote }
    /// An invoice outside the scope of VAT names nobody's VAT id (BR-O-02 to BR-O-04).
    private var isOutsideScope: Bool { invoice.vat.contains { $0.vat.category == .outsideScope } }

    /// The document's bytes.
    /// - Parameter remark: a note that stands before the invoice's own.
    /// - Throws: `billing.currency_decimals` for a currency with more than two decimals;
    ///   `billing.xml_character`.
    package static func encode(
        _ invoice: Invoice, remark: String? = nil
    ) throws(BillingError) -> [UInt8] {
        guard invoice.currency.minorDigits <= 2 else {
            throw BillingError(.currencyDecimals, "\(invoice.currency) has \(invoice.currency.minorDigits)")
        }
        var document = UBLDocument(invoice, remark)
        try document.write()
        return document.writer.bytes
    }

    private init(_ invoice: Invoice, _ remark: String?) {
        (self.invoice, self.remark) = (invoice, remark)
        currency = [("currencyID", invoice.currency.rawValue)]
    }

    private mutating func write() throws(BillingError) {
        let root = isCredit ? "CreditNote" : "Invoice"
        let family = "urn:oasis:names:specification:ubl:schema:xsd:"
        let spaces = [
            ("xmlns", family + root + "-2"), ("xmlns:cac", family + "CommonAggregateComponents-2"),
            ("xmlns:cbc", family + "CommonBasicComponents-2"),
        ]
        let copy = self
        try writer.element(root, spaces) { writer throws(BillingError) in
            try copy.writeHeader(&writer)
            try copy.writeParty(copy.invoice.seller, "cac:AccountingSupplierParty", &writer)
            try copy.writeParty(copy.invoice.buyer, "cac:AccountingCustomerParty", &writer)
            try copy.writePayment(&writer)
            for adjustment in copy.invoice.adjustments { try copy.write(adjustment, &writer) }
            try copy.writeTax(&writer)
            try copy.writeTotals(&writer)
            for line in copy.invoice.lines { try copy.write(line, &writer) }
        }
    }

    private func writeHeader(_ writer: inout XMLWriter) throws(BillingError) {
        try writer.element("cbc:CustomizationID", text: UBLDocument.customizationID)
        try writer.element("cbc:ID", text: invoice.number)
        try writer.element("cbc:IssueDate", text: invoice.issueDate.description)
        // A credit note has no DueDate of its own in UBL 2.1; its payment means holds it.
        if !isCredit { try writer.element("cbc:DueDate", text: invoice.dueDate.description) }
        let kind = isCredit ? "cbc:CreditNoteTypeCode" : "cbc:InvoiceTypeCode"
        try writer.element(kind, text: String(invoice.kind.rawValue))
        if let remark { try writer.element("cbc:Note", text: remark) }
        try writer.element("cbc:Note", text: note)
        try writer.element("cbc:DocumentCurrencyCode", text: invoice.currency.rawValue)
        try writer.element("cac:InvoicePeriod") { writer throws(BillingError) in
            try writer.element("cbc:StartDate", text: invoice.periodStart.description)
            try writer.element("cbc:EndDate", text: invoice.periodEnd.description)
        }
        guard let original = invoice.original else { return }
        try writer.element("cac:BillingReference") { writer throws(BillingError) in
            try writer.element("cac:InvoiceDocumentReference") { writer throws(BillingError) in
                try writer.element("cbc:ID", text: original.number)
                try writer.element("cbc:IssueDate", text: original.issueDate.description)
            }
        }
    }

    /// What the invoice can be computed again from, in one sentence for a reader of the XML alone.
    private var note: String {
        let evidence = invoice.evidence
        let reason = invoice.reason.map { "\($0). " } ?? ""
        return
            "\(reason)Machine \(invoice.machine). Computed by rules \(evidence.rulesVersion) from telemetry "
            + "\(evidence.firstSequence) to \(evidence.lastSequence) (root \(evidence.telemetryRoot)), terms "
            + "\(evidence.termsHash), attributions \(evidence.attributionHash)."
    }

    private func writeParty(
        _ party: Party, _ role: String, _ writer: inout XMLWriter
    ) throws(BillingError) {
        try writer.element(role) { writer throws(BillingError) in
            try writer.element("cac:Party") { writer throws(BillingError) in
                try writer.element("cac:PartyIdentification") { writer throws(BillingError) in
                    try writer.element("cbc:ID", text: party.id)
                }
                try writer.element("cac:PostalAddress") { writer throws(BillingError) in
                    // UBL forbids empty elements.
                    let fields = [
                        ("cbc:StreetName", party.addressLine), ("cbc:CityName", party.city),
                        ("cbc:PostalZone", party.postalCode),
                    ]
                    for (name, text) in fields where !text.isEmpty { try writer.element(name, text: text) }
                    try writer.element("cac:Country") { writer throws(BillingError) in
                        try writer.element("cbc:IdentificationCode", text: party.countryCode)
                    }
                }
                if let vatID = party.vatID, !isOutsideScope {
                    try writer.element("cac:PartyTaxScheme") { writer throws(BillingError) in
                        try writer.element("cbc:CompanyID", text: vatID)
                        try UBLDocument.writeScheme(&writer)
                    }
                }
                try writer.element("cac:PartyLegalEntity") { writer throws(BillingError) in
                    try writer.element("cbc:RegistrationName", text: party.registrationName)
                }
            }
        }
    }

    private static func writeScheme(_ writer: inout XMLWriter) throws(BillingError) {
        try writer.element("cac:TaxScheme") { writer throws(BillingError) in
            try writer.element("cbc:ID", text: "VAT")
        }
    }

    private func writePayment(_ writer: inout XMLWriter) throws(BillingError) {
        if isCredit || invoice.paymentReference != nil {
            try writer.element("cac:PaymentMeans") { writer throws(BillingError) in
                // UNCL4461 1: not defined; the terms do not hold accounts.
                try writer.element("cbc:PaymentMeansCode", text: "1")
                if isCredit {
                    try writer.element("cbc:PaymentDueDate", text: invoice.dueDate.description)
                }
                if let reference = invoice.paymentReference {
                    try writer.element("cbc:PaymentID", text: reference)
                }
            }
        }
        try writer.element("cac:PaymentTerms") { writer throws(BillingError) in
            try writer.element("cbc:Note", text: "Due on \(invoice.dueDate)")
        }
    }

    private func amount(
        _ name: String, _ value: MinorUnits, _ writer: inout XMLWriter
    ) throws(BillingError) {
        try writer.element(name, currency, text: value.text(in: invoice.currency))
    }

    private func write(
        _ adjustment: Invoice.Adjustment, _ writer: inout XMLWriter
    ) throws(BillingError) {
        try writer.element("cac:AllowanceCharge") { writer throws(BillingError) in
            try writer.element("cbc:ChargeIndicator", text: adjustment.isCharge ? "true" : "false")
            try writer.element("cbc:AllowanceChargeReason", text: adjustment.reason)
            if let rate = adjustment.rate {
                try writer.element("cbc:MultiplierFactorNumeric", text: rate.percentText)
            }
            try amount("cbc:Amount", adjustment.amount, &writer)
            if let base = adjustment.base { try amount("cbc:BaseAmount", base, &writer) }
            try UBLDocument.write(adjustment.vat, "cac:TaxCategory", reason: false, &writer)
        }
    }

    private static func write(
        _ vat: VAT, _ name: String, reason: Bool, _ writer: inout XMLWriter
    ) throws(BillingError) {
        try writer.element(name) { writer throws(BillingError) in
            try writer.element("cbc:ID", text: vat.category.rawValue)
            // BR-O-05: what is outside the scope has no rate.
            if vat.category != .outsideScope {
                try writer.element("cbc:Percent", text: vat.rate.percentTextWithDecimals)
            }
            if reason, let text = vat.exemptionReason {
                try writer.element("cbc:TaxExemptionReason", text: text)
            }
            try writeScheme(&writer)
        }
    }

    private func writeTax(_ writer: inout XMLWriter) throws(BillingError) {
        try writer.element("cac:TaxTotal") { writer throws(BillingError) in
            try amount("cbc:TaxAmount", invoice.totals.tax, &writer)
            for subtotal in invoice.vat {
                try writer.element("cac:TaxSubtotal") { writer throws(BillingError) in
                    try amount("cbc:TaxableAmount", subtotal.taxable, &writer)
                    try amount("cbc:TaxAmount", subtotal.tax, &writer)
                    try UBLDocument.write(subtotal.vat, "cac:TaxCategory", reason: true, &writer)
                }
            }
        }
    }

    private func writeTotals(_ writer: inout XMLWriter) throws(BillingError) {
        let totals = invoice.totals
        try writer.element("cac:LegalMonetaryTotal") { writer throws(BillingError) in
            try amount("cbc:LineExtensionAmount", totals.lines, &writer)
            try amount("cbc:TaxExclusiveAmount", totals.exclusive, &writer)
            try amount("cbc:TaxInclusiveAmount", totals.inclusive, &writer)
            try amount("cbc:AllowanceTotalAmount", totals.allowances, &writer)
            try amount("cbc:ChargeTotalAmount", totals.charges, &writer)
            if totals.rounding != .zero {
                try amount("cbc:PayableRoundingAmount", totals.rounding, &writer)
            }
            try amount("cbc:PayableAmount", totals.payable, &writer)
        }
    }

    private func write(_ line: Invoice.Line, _ writer: inout XMLWriter) throws(BillingError) {
        let unit = [("unitCode", line.unit.rawValue)]
        try writer.element(isCredit ? "cac:CreditNoteLine" : "cac:InvoiceLine") {
            writer throws(BillingError) in
            try writer.element("cbc:ID", text: line.id)
            let quantity = isCredit ? "cbc:CreditedQuantity" : "cbc:InvoicedQuantity"
            try writer.element(quantity, unit, text: line.quantity.text)
            try amount("cbc:LineExtensionAmount", line.amount, &writer)
            try writer.element("cac:Item") { writer throws(BillingError) in
                try writer.element("cbc:Name", text: line.name)
                try UBLDocument.write(line.vat, "cac:ClassifiedTaxCategory", reason: false, &writer)
            }
            try writer.element("cac:Price") { writer throws(BillingError) in
                let price = line.unitPrice.text(in: invoice.currency)
                try writer.element("cbc:PriceAmount", currency, text: price)
                if line.baseQuantity != .one {
                    try writer.element("cbc:BaseQuantity", unit, text: line.baseQuantity.text)
                }
            }
        }
    }
}
