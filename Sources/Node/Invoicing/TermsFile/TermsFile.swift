import Billing
import Foundation
import Telemetry
import TimeZones

/// Terms as people write them: a JSON file with decimal texts, local dates, and a time zone's name.
///
/// ```
/// seller, buyer      a member's name, or {id, registrationName, addressLine, city, postalCode,
///                     countryCode, vatID}
/// machine, arbiter   their names on the ledger
/// currency           ISO 4217, such as "EUR"
/// timeZone           an IANA name, such as "Europe/Berlin"
/// validFrom, validTo a local date, or an ISO 8601 time with its zone; half-open
/// billingPeriod      "calendarMonth", "calendarWeek", "day", or {from, to} as ISO 8601 times
/// tariff             {lines: [line, …], vat, cap: "12000.00"}
///   line             {id, name, one of baseFee: "900.00" | perUnit: "good" | perHour: ["Executing"],
///                     price: "0.12" or tiers: {mode: "graduated" or "volume",
///                                              prices: [{from: "0", price: "0.12"}, …]},
///                     minimum: "5000", vat}
///   vat              {category: "S", rate: "19", exemptionReason}
/// serviceLevel       {serviceTime: "always" or [{days: ["Mon", …], from: "06:00", to: "22:00"}, …],
///                     excluded: ["PLANNED_MAINTENANCE", …],
///                     table: [{from: "0", adjustment: "-10"}, …]
///                     or proportional: {target: "98", floor: "70", slope: 2},
///                     maximumAdjustment: "15"}, percentages as texts
/// defaultAttribution, defaultGapAttribution
/// classificationWindow, reportingInterval, plannedRunTimePerUnit
///                    a time such as "5 d", "36 h", "90 s", "250 ms"
/// disputeWindowBusinessDays, paymentDays, rulingDays   whole numbers
/// substituteArbiter  who may rule after the arbiter's days, for as many again
/// holidays           ["2026-12-25", …]
/// paymentReference
/// rulesVersion       the version of the rules that invoices are computed by; the latest where it is absent
/// ```
package enum TermsFile {
    /// Reads terms and resolves their time zone by this machine's tzdata.
    /// - Parameter party: who a member is, for a seller or buyer that is given by name; nil for nobody.
    /// - Throws: `terms.bad_json`; `terms.missing_key`, `terms.unknown_key`, `terms.bad_value` with the
    ///   place in the file; `timezone.*`; the code of the first `Terms.validate()` problem.
    package static func read(
        _ json: [UInt8], in database: TimeZoneDatabase = .system, party: (String) throws(NodeError) -> Party?
    ) throws(NodeError) -> Terms {
        let value: JSONValue
        do { value = try JSONDecoder().decode(JSONValue.self, from: Data(json)) } catch {
            throw NodeError(
                "terms.bad_json",
                "the file is not JSON of texts, whole numbers, lists and objects "
                    + "(decimals are written as texts)",
                cause: error)
        }
        let terms = try terms(TermsField(value: value, path: ""), database, party)
        if let problem = terms.validate().first { throw NodeError(problem.code.rawValue, problem.detail) }
        return terms
    }

    private static let keys = [
        "seller", "buyer", "machine", "arbiter", "currency", "timeZone", "validFrom", "validTo",
        "billingPeriod", "tariff", "serviceLevel", "defaultAttribution", "defaultGapAttribution",
        "classificationWindow", "disputeWindowBusinessDays", "paymentDays", "rulingDays", "substituteArbiter",
        "holidays", "reportingInterval", "plannedRunTimePerUnit", "paymentReference",
        "rulesVersion",
    ]

    private static func terms(
        _ field: TermsField, _ database: TimeZoneDatabase, _ party: (String) throws(NodeError) -> Party?
    ) throws(NodeError) -> Terms {
        let file = try field.object(keys)
        let currencyField = try file.required("currency")
        guard let currency = CurrencyCode(rawValue: try currencyField.text()) else {
            throw currencyField.bad("an ISO 4217 code such as EUR")
        }
        let (validity, zone) = try times(file, database)
        return Terms(
            seller: try readParty(try file.required("seller"), party),
            buyer: try readParty(try file.required("buyer"), party),
            machine: try file.required("machine").text(), currency: currency, zone: zone,
            validity: validity, billingPeriod: try billingPeriod(try file.required("billingPeriod")),
            tariff: try tariff(try file.required("tariff"), currency),
            serviceLevel: try optional(file, "serviceLevel", serviceLevel),
            defaultAttribution: try file.required("defaultAttribution").choice(Attribution.self),
            defaultGapAttribution: try optional(file, "defaultGapAttribution") { field throws(NodeError) in
                try field.choice(Attribution.self)
            } ?? .dataGap,
            classificationWindowMilliseconds: try duration(try file.required("classificationWindow")),
            disputeWindowBusinessDays: Int(try file.required("disputeWindowBusinessDays").integer(0...366)),
            paymentDays: Int(try file.required("paymentDays").integer(0...366)),
            holidays: try optional(file, "holidays", dates) ?? [],
            reportingIntervalMilliseconds: try duration(try file.required("reportingInterval")),
            plannedRunTimePerUnitMilliseconds: try optional(file, "plannedRunTimePerUnit", duration),
            arbiter: try file.required("arbiter").text(),
            rulingDays: try optional(file, "rulingDays") { field throws(NodeError) in
                Int(try field.integer(1...366))
            },
            substituteArbiter: try optional(file, "substituteArbiter") { field throws(NodeError) in
                try field.text()
            },
            paymentReference: try optional(file, "paymentReference") { field throws(NodeError) in
                try field.text()
            },
            rulesVersion: try optional(file, "rulesVersion") { field throws(NodeError) in
                Int(try field.integer(1...Int64(InvoiceComputation.rulesVersion)))
            } ?? InvoiceComputation.rulesVersion)
    }

    static func optional<T>(
        _ object: TermsObject, _ key: String, _ read: (TermsField) throws(NodeError) -> T
    ) throws(NodeError) -> T? {
        guard let field = object.optional(key) else { return nil }
        return try read(field)
    }

    private static func readParty(
        _ field: TermsField, _ party: (String) throws(NodeError) -> Party?
    ) throws(NodeError) -> Party {
        if case .text(let name) = field.value {
            guard let known = try party(name) else { throw field.bad("a member on the ledger, or an object") }
            return known
        }
        let object = try field.object([
            "id", "registrationName", "addressLine", "city", "postalCode", "countryCode", "vatID",
        ])
        return Party(
            id: try object.required("id").text(),
            registrationName: try object.required("registrationName").text(),
            addressLine: try object.required("addressLine").text(), city: try object.required("city").text(),
            postalCode: try object.required("postalCode").text(),
            countryCode: try object.required("countryCode").text(),
            vatID: try optional(object, "vatID") { field throws(NodeError) in try field.text() })
    }

    // MARK: Times

    /// The validity's local dates need the zone, the zone's extent needs the validity: the zone is looked
    /// up for the dates taken as UTC first, and then for what they come to.
    private static func times(
        _ file: TermsObject, _ database: TimeZoneDatabase
    ) throws(NodeError) -> (Interval, ZoneRules) {
        let (from, to) = (try file.required("validFrom"), try file.required("validTo"))
        let name = try file.required("timeZone").text()
        let rough = Interval(from: try time(from, in: .utc), to: try time(to, in: .utc))
        guard rough.from < rough.to else { throw to.bad("later than validFrom") }
        let zone = try AgreementService.zone(name, for: rough, in: database)
        let validity = Interval(from: try time(from, in: zone), to: try time(to, in: zone))
        return (validity, try AgreementService.zone(name, for: validity, in: database))
    }

    /// A local date's first moment, or a time with its own zone.
    private static func time(_ field: TermsField, in zone: ZoneRules) throws(NodeError) -> Int64 {
        if case .text(let text) = field.value, let date = Billing.CivilDate(rawValue: text) {
            do { return try zone.milliseconds(of: date) } catch { throw NodeError(error) }
        }
        return try instant(field)
    }

    private static func instant(_ field: TermsField) throws(NodeError) -> Int64 {
        guard case .text(let text) = field.value, let time = Timestamp(Array(text.utf8)[...]), time.hasZone
        else {
            throw field.bad(
                "a time with its zone such as 2026-01-01T00:00:00Z, or a date where that is allowed")
        }
        return time.milliseconds
    }

    private static func dates(_ field: TermsField) throws(NodeError) -> [Billing.CivilDate] {
        var dates: [Billing.CivilDate] = []
        for item in try field.list() {
            guard let date = Billing.CivilDate(rawValue: try item.text()) else {
                throw item.bad("a date such as 2026-12-25")
            }
            dates.append(date)
        }
        return dates
    }

    private static func billingPeriod(_ field: TermsField) throws(NodeError) -> Terms.BillingPeriod {
        switch field.value {
        case .text("calendarMonth"): return .calendarMonth
        case .text("calendarWeek"): return .calendarWeek
        case .text("day"): return .day
        case .object:
            let object = try field.object(["from", "to"])
            return .custom(
                from: try instant(try object.required("from")), to: try instant(try object.required("to")))
        default: throw field.bad("calendarMonth, calendarWeek, day, or {from, to}")
        }
    }

    static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1),
    ]

    private static func duration(_ field: TermsField) throws(NodeError) -> Int64 {
        let parts = try field.text().split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, let unit = units.first(where: { $0.name == parts[1] }),
            let count = TermsField.decimal(String(parts[0]), digits: 0), 0...31_622_400_000 ~= count,
            case (let value, let overflow) = count.multipliedReportingOverflow(by: unit.milliseconds),
            !overflow
        else { throw field.bad("a time such as 5 d, 36 h, 15 min, 90 s or 250 ms") }
        return value
    }
}
