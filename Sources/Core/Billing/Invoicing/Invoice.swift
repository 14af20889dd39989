import Codec

/// An invoice or credit note: everything that is charged, and the evidence that it can be computed
/// again from.
package struct Invoice: Hashable, Codable, Sendable {
    /// UNTDID 1001.
    package enum Kind: Int, Hashable, Codable, Sendable {
        case invoice = 380
        case creditNote = 381
    }

    package var kind: Kind
    /// Sequential per issuer (BT-1).
    package var number: String
    package var issueDate: CivilDate
    package var dueDate: CivilDate
    /// What is billed, half-open, and the same as local days, both inclusive (BT-73, BT-74).
    package var period: Interval
    package var periodStart: CivilDate
    package var periodEnd: CivilDate
    package var currency: CurrencyCode
    package var seller: Party
    package var buyer: Party
    package var machine: String
    package var paymentReference: String?
    /// The invoice that a credit note corrects (BG-3).
    package var original: Reference?
    /// Why there is a credit note.
    package var reason: String?
    package var lines: [Line]
    package var adjustments: [Adjustment]
    /// One a category and rate, by category and rate.
    package var vat: [VATSubtotal]
    package var totals: Totals
    package var performance: Performance
    package var dataQuality: [DataQualityNote]
    package var evidence: Evidence

    package init(
        kind: Kind, number: String, issueDate: CivilDate, dueDate: CivilDate, period: Interval,
        periodStart: CivilDate, periodEnd: CivilDate, currency: CurrencyCode, seller: Party, buyer: Party,
        machine: String, paymentReference: String?, original: Reference? = nil, reason: String? = nil,
        lines: [Line], adjustments: [Adjustment], vat: [VATSubtotal], totals: Totals,
        performance: Performance, dataQuality: [DataQualityNote], evidence: Evidence
    ) {
        (self.kind, self.number, self.issueDate, self.dueDate) = (kind, number, issueDate, dueDate)
        (self.period, self.periodStart, self.periodEnd) = (period, periodStart, periodEnd)
        (self.currency, self.seller, self.buyer, self.machine) = (currency, seller, buyer, machine)
        (self.paymentReference, self.original, self.reason) = (paymentReference, original, reason)
        (self.lines, self.adjustments, self.vat, self.totals) = (lines, adjustments, vat, totals)
        (self.performance, self.dataQuality, self.evidence) = (performance, dataQuality, evidence)
    }
}

extension Invoice {
    /// Another invoice, by number and day.
    package struct Reference: Hashable, Codable, Sendable {
        package var number: String
        package var issueDate: CivilDate

        package init(number: String, issueDate: CivilDate) {
            (self.number, self.issueDate) = (number, issueDate)
        }
    }

    /// A unit of measure (UN/ECE Recommendation 20).
    package enum UnitCode: String, Hashable, Codable, Sendable {
        case piece = "H87"
        case hour = "HUR"
        case day = "DAY"
        case week = "WEE"
        case month = "MON"
        /// One of anything.
        case one = "C62"
    }

    /// One line: `amount` is `unitPrice · quantity / baseQuantity`, rounded once.
    package struct Line: Hashable, Codable, Sendable {
        package var id: String
        package var name: String
        package var quantity: Quantity
        package var unit: UnitCode
        package var unitPrice: UnitPrice
        /// The quantity that the price is for: 31 days for a month's fee that is prorated.
        package var baseQuantity: Quantity
        package var amount: MinorUnits
        package var vat: VAT

        package init(
            id: String, name: String, quantity: Quantity, unit: UnitCode, unitPrice: UnitPrice,
            baseQuantity: Quantity = .one, amount: MinorUnits, vat: VAT
        ) {
            (self.id, self.name, self.quantity, self.unit) = (id, name, quantity, unit)
            (self.unitPrice, self.baseQuantity) = (unitPrice, baseQuantity)
            (self.amount, self.vat) = (amount, vat)
        }
    }

    /// A change of the whole document's amount within one VAT category (BG-20, BG-21).
    package struct Adjustment: Hashable, Codable, Sendable {
        package enum Kind: String, Hashable, Codable, Sendable {
            case cap
            case malus
            case bonus
        }

        package var kind: Kind
        package var reason: String
        /// Never negative; a bonus adds it, the others subtract it.
        package var amount: MinorUnits
        /// The amount that the rate applies to; nil where the adjustment is no share.
        package var base: MinorUnits?
        package var rate: Rate?
        package var vat: VAT

        package init(
            kind: Kind, reason: String, amount: MinorUnits, base: MinorUnits? = nil, rate: Rate? = nil,
            vat: VAT
        ) {
            (self.kind, self.reason, self.amount) = (kind, reason, amount)
            (self.base, self.rate, self.vat) = (base, rate, vat)
        }

        /// Whether it adds (UBL ChargeIndicator).
        package var isCharge: Bool { kind == .bonus }
    }

    /// The tax of one category and rate (BG-23).
    package struct VATSubtotal: Hashable, Codable, Sendable {
        package var vat: VAT
        package var taxable: MinorUnits
        package var tax: MinorUnits

        package init(vat: VAT, taxable: MinorUnits, tax: MinorUnits) {
            (self.vat, self.taxable, self.tax) = (vat, taxable, tax)
        }
    }

    /// The document's totals (BG-22).
    package struct Totals: Hashable, Codable, Sendable {
        package var lines: MinorUnits
        package var allowances: MinorUnits
        package var charges: MinorUnits
        package var exclusive: MinorUnits
        package var tax: MinorUnits
        package var inclusive: MinorUnits
        /// What makes a ruled payable amount come out exactly (BT-114); else zero.
        package var rounding: MinorUnits
        package var payable: MinorUnits

        package init(
            lines: MinorUnits, allowances: MinorUnits, charges: MinorUnits, exclusive: MinorUnits,
            tax: MinorUnits, inclusive: MinorUnits, rounding: MinorUnits, payable: MinorUnits
        ) {
            (self.lines, self.allowances, self.charges) = (lines, allowances, charges)
            (self.exclusive, self.tax, self.inclusive) = (exclusive, tax, inclusive)
            (self.rounding, self.payable) = (rounding, payable)
        }
    }

    /// How the machine did in the period.
    package struct Performance: Hashable, Codable, Sendable {
        /// Agreed service time less excluded time (AST).
        package var serviceTimeMilliseconds: Int64
        /// Downtime within it that is attributed to the OEM (D).
        package var downtimeMilliseconds: Int64
        /// (AST − D) / AST; nil where AST is zero.
        package var availability: Rate?
        package var effectiveness: OEE

        package init(
            serviceTimeMilliseconds: Int64, downtimeMilliseconds: Int64, availability: Rate?,
            effectiveness: OEE
        ) {
            self.serviceTimeMilliseconds = serviceTimeMilliseconds
            self.downtimeMilliseconds = downtimeMilliseconds
            (self.availability, self.effectiveness) = (availability, effectiveness)
        }
    }

    /// What the invoice was computed from, frozen.
    package struct Evidence: Hashable, Codable, Sendable {
        package var firstSequence: UInt64
        package var lastSequence: UInt64
        /// The Merkle root over the plain entries.
        package var telemetryRoot: Digest
        package var termsHash: Digest
        package var attributionHash: Digest
        package var rulesVersion: Int

        package init(
            firstSequence: UInt64, lastSequence: UInt64, telemetryRoot: Digest, termsHash: Digest,
            attributionHash: Digest, rulesVersion: Int
        ) {
            (self.firstSequence, self.lastSequence) = (firstSequence, lastSequence)
            (self.telemetryRoot, self.termsHash) = (telemetryRoot, termsHash)
            (self.attributionHash, self.rulesVersion) = (attributionHash, rulesVersion)
        }
    }
}
