/// What seller and buyer have agreed for one machine: the document whose hash both accept on the ledger.
package struct Terms: Hashable, Codable, Sendable {
    /// How time is cut into invoices. Calendar periods follow local days in the terms' zone; weeks
    /// begin on Monday.
    package enum BillingPeriod: Hashable, Codable, Sendable {
        case calendarMonth
        case calendarWeek
        case day
        /// One period, in milliseconds since 1970 UTC, half-open.
        case custom(from: Int64, to: Int64)
    }

    package var seller: Party
    package var buyer: Party
    package var machine: String
    package var currency: CurrencyCode
    package var zone: ZoneRules
    /// Milliseconds since 1970 UTC, half-open.
    package var validity: Interval
    package var billingPeriod: BillingPeriod
    package var tariff: Tariff
    package var serviceLevel: ServiceLevel?
    /// What downtime is put down to where the parties do not agree within the window.
    package var defaultAttribution: Attribution
    /// The same for time without data.
    package var defaultGapAttribution: Attribution
    /// How long after a period's end the parties may classify.
    package var classificationWindowMilliseconds: Int64
    package var disputeWindowBusinessDays: Int
    package var paymentDays: Int
    /// By rising date, each once.
    package var holidays: [CivilDate]
    /// How often the machine reports at least.
    package var reportingIntervalMilliseconds: Int64
    /// Planned run time per unit (PRU), for effectiveness and OEE.
    package var plannedRunTimePerUnitMilliseconds: Int64?
    /// The member who rules on disputes.
    package var arbiter: String
    /// Days from a dispute in which the arbiter rules; after them the undisputed part is payable. Nil is
    /// `standardRulingDays`.
    package var rulingDays: Int?
    /// The member who may rule after the arbiter's days, for as many again.
    package var substituteArbiter: String?
    package var paymentReference: String?
    /// The version of the rules that compute the invoice, at most `InvoiceComputation.rulesVersion`, which
    /// new terms name.
    package var rulesVersion: Int

    package init(
        seller: Party, buyer: Party, machine: String, currency: CurrencyCode, zone: ZoneRules,
        validity: Interval, billingPeriod: BillingPeriod, tariff: Tariff, serviceLevel: ServiceLevel? = nil,
        defaultAttribution: Attribution, defaultGapAttribution: Attribution = .dataGap,
        classificationWindowMilliseconds: Int64, disputeWindowBusinessDays: Int, paymentDays: Int,
        holidays: [CivilDate] = [], reportingIntervalMilliseconds: Int64,
        plannedRunTimePerUnitMilliseconds: Int64? = nil, arbiter: String, rulingDays: Int? = nil,
        substituteArbiter: String? = nil,
        paymentReference: String? = nil, rulesVersion: Int = InvoiceComputation.rulesVersion
    ) {
        (self.seller, self.buyer, self.machine) = (seller, buyer, machine)
        (self.currency, self.zone, self.validity) = (currency, zone, validity)
        (self.billingPeriod, self.tariff, self.serviceLevel) = (billingPeriod, tariff, serviceLevel)
        self.defaultAttribution = defaultAttribution
        self.defaultGapAttribution = defaultGapAttribution
        self.classificationWindowMilliseconds = classificationWindowMilliseconds
        self.disputeWindowBusinessDays = disputeWindowBusinessDays
        (self.paymentDays, self.holidays) = (paymentDays, holidays)
        self.reportingIntervalMilliseconds = reportingIntervalMilliseconds
        self.plannedRunTimePerUnitMilliseconds = plannedRunTimePerUnitMilliseconds
        (self.arbiter, self.rulingDays, self.substituteArbiter) = (arbiter, rulingDays, substituteArbiter)
        (self.paymentReference, self.rulesVersion) = (paymentReference, rulesVersion)
    }

    package static let standardRulingDays = 30

    /// Whether a part of a billing period has a part of its tiers and cap, by the rules that the terms name.
    package var proratesTiersAndCap: Bool { rulesVersion >= 2 }
}
