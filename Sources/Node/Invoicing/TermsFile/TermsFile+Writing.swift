import Billing
import Telemetry

extension TermsFile {
    /// The terms as such a file, which reads back as the same terms under the same tzdata.
    package static func text(_ terms: Terms) -> String {
        var file: [(key: String, value: JSONValue)] = [
            ("seller", party(terms.seller)), ("buyer", party(terms.buyer)),
            ("machine", .text(terms.machine)), ("arbiter", .text(terms.arbiter)),
            ("currency", .text(terms.currency.rawValue)), ("timeZone", .text(terms.zone.name)),
            ("validFrom", .text(time(terms.validity.from, in: terms.zone))),
            ("validTo", .text(time(terms.validity.to, in: terms.zone))),
            ("billingPeriod", billingPeriod(terms.billingPeriod)),
            ("tariff", tariff(terms.tariff, terms.currency)),
        ]
        if let level = terms.serviceLevel { file.append(("serviceLevel", serviceLevel(level))) }
        file += [
            ("defaultAttribution", .text(terms.defaultAttribution.rawValue)),
            ("defaultGapAttribution", .text(terms.defaultGapAttribution.rawValue)),
            ("classificationWindow", duration(terms.classificationWindowMilliseconds)),
            ("disputeWindowBusinessDays", .integer(Int64(terms.disputeWindowBusinessDays))),
            ("paymentDays", .integer(Int64(terms.paymentDays))),
            ("holidays", .list(terms.holidays.map { .text($0.description) })),
            ("reportingInterval", duration(terms.reportingIntervalMilliseconds)),
        ]
        if let unit = terms.plannedRunTimePerUnitMilliseconds {
            file.append(("plannedRunTimePerUnit", duration(unit)))
        }
        if let days = terms.rulingDays { file.append(("rulingDays", .integer(Int64(days)))) }
        if let substitute = terms.substituteArbiter { file.append(("substituteArbiter", .text(substitute))) }
        if let reference = terms.paymentReference { file.append(("paymentReference", .text(reference))) }
        file.append(("rulesVersion", .integer(Int64(terms.rulesVersion))))
        return JSONValue.object(file).text() + "\n"
    }

    private static func party(_ party: Party) -> JSONValue {
        var fields: [(key: String, value: JSONValue)] = [
            ("id", .text(party.id)), ("registrationName", .text(party.registrationName)),
            ("addressLine", .text(party.addressLine)), ("city", .text(party.city)),
            ("postalCode", .text(party.postalCode)), ("countryCode", .text(party.countryCode)),
        ]
        if let vatID = party.vatID { fields.append(("vatID", .text(vatID))) }
        return .object(fields)
    }

    /// A local date where the time is its first moment, else ISO 8601 in UTC.
    private static func time(_ milliseconds: Int64, in zone: ZoneRules) -> String {
        if let local = try? zone.local(atMilliseconds: milliseconds),
            (try? zone.milliseconds(of: local.date)) == milliseconds
        {
            return local.date.description
        }
        return instant(milliseconds)
    }

    private static func instant(_ milliseconds: Int64) -> String {
        Telemetry.Timestamp.text(milliseconds).split(separator: " ").joined(separator: "T") + "Z"
    }

    private static func billingPeriod(_ period: Terms.BillingPeriod) -> JSONValue {
        switch period {
        case .calendarMonth: .text("calendarMonth")
        case .calendarWeek: .text("calendarWeek")
        case .day: .text("day")
        case .custom(let from, let to):
            .object([("from", .text(instant(from))), ("to", .text(instant(to)))])
        }
    }

    private static func duration(_ milliseconds: Int64) -> JSONValue {
        let unit = units.first { milliseconds != 0 && milliseconds % $0.milliseconds == 0 } ?? ("ms", 1)
        return .text("\(milliseconds / unit.milliseconds) \(unit.name)")
    }

    private static func tariff(_ tariff: Tariff, _ currency: CurrencyCode) -> JSONValue {
        var fields: [(key: String, value: JSONValue)] = [
            ("lines", .list(tariff.lines.map { line($0, currency) })), ("vat", vat(tariff.vat)),
        ]
        if let cap = tariff.cap { fields.append(("cap", .text(cap.text(in: currency)))) }
        return .object(fields)
    }

    private static func vat(_ vat: VAT) -> JSONValue {
        var fields: [(key: String, value: JSONValue)] = [
            ("category", .text(vat.category.rawValue)), ("rate", .text(vat.rate.percentText)),
        ]
        if let reason = vat.exemptionReason { fields.append(("exemptionReason", .text(reason))) }
        return .object(fields)
    }

    private static func line(_ line: TariffLine, _ currency: CurrencyCode) -> JSONValue {
        var fields: [(key: String, value: JSONValue)] = [("id", .text(line.id)), ("name", .text(line.name))]
        let single = line.prices.tiers.count == 1 ? line.prices.tiers.first : nil
        let price = single.map { JSONValue.text($0.price.text(in: currency)) }
        let isFlat = line.prices == single.map { Prices.flat($0.price) }
        switch line.basis {
        case .baseFee: if let price { fields.append(("baseFee", price)) }
        case .perUnit(let counter): fields.append(("perUnit", .text(counter)))
        case .perHour(let states): fields.append(("perHour", .list(states.map { .text($0.rawValue) })))
        }
        if line.basis != .baseFee {
            if isFlat, let price {
                fields.append(("price", price))
            } else {
                fields.append(("tiers", tiers(line.prices, currency)))
            }
        }
        if let minimum = line.minimum { fields.append(("minimum", .text(minimum.quantity.text))) }
        if let own = line.vat { fields.append(("vat", vat(own))) }
        return .object(fields)
    }

    private static func tiers(_ prices: Prices, _ currency: CurrencyCode) -> JSONValue {
        let tiers = prices.tiers.map { tier in
            JSONValue.object([
                ("from", .text(tier.fromQuantity.text)), ("price", .text(tier.price.text(in: currency))),
            ])
        }
        return .object([("mode", .text(prices.mode.rawValue)), ("prices", .list(tiers))])
    }

    // MARK: Service level

    private static func serviceLevel(_ level: ServiceLevel) -> JSONValue {
        var fields: [(key: String, value: JSONValue)] = [
            ("serviceTime", serviceTime(level.serviceTime)),
            ("excluded", .list(level.excluded.map { .text($0.rawValue) })),
        ]
        switch level.consequence {
        case .table(let steps):
            let rows = steps.map { step in
                JSONValue.object([
                    ("from", .text(step.from.percentText)),
                    ("adjustment", .text(step.adjustment.percentText)),
                ])
            }
            fields.append(("table", .list(rows)))
        case .proportional(let target, let floor, let slope):
            fields.append(
                (
                    "proportional",
                    .object([
                        ("target", .text(target.percentText)), ("floor", .text(floor.percentText)),
                        ("slope", .integer(slope)),
                    ])
                ))
        }
        if let most = level.maximumAdjustment {
            fields.append(("maximumAdjustment", .text(most.percentText)))
        }
        return .object(fields)
    }

    /// Neighbours with the same hours share an entry.
    private static func serviceTime(_ time: ServiceLevel.ServiceTime) -> JSONValue {
        guard case .weekly(let hours) = time else { return .text("always") }
        var entries: [(days: [JSONValue], hours: ServiceLevel.Hours)] = []
        for hour in hours where 1...7 ~= hour.weekday {
            let day = JSONValue.text(weekdays[hour.weekday - 1])
            if let last = entries.last?.hours, last.fromMinutes == hour.fromMinutes,
                last.toMinutes == hour.toMinutes
            {
                entries[entries.count - 1].days.append(day)
            } else {
                entries.append(([day], hour))
            }
        }
        return .list(
            entries.map { entry in
                .object([
                    ("days", .list(entry.days)), ("from", .text(clock(entry.hours.fromMinutes))),
                    ("to", .text(clock(entry.hours.toMinutes))),
                ])
            })
    }

    private static func clock(_ minutes: Int) -> String {
        func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
        return two(minutes / 60) + ":" + two(minutes % 60)
    }
}
