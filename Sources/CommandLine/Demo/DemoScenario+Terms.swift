import Billing
import Contracts
import Foundation
import Node

extension DemoScenario {
    /// The terms: one document for calendar months; for a data file one for each half, since a custom period
    /// is one invoice.
    func terms() throws -> [Terms] {
        let all = Interval(from: periods[0].from, to: periods[periods.count - 1].to)
        if case .simulated = source { return [try terms(.calendarMonth, validity: all)] }
        return try periods.map { try terms(.custom(from: $0.from, to: $0.to), validity: $0) }
    }

    private func terms(_ period: Terms.BillingPeriod, validity: Interval) throws -> Terms {
        let day: Int64 = 86_400_000
        return Terms(
            seller: Self.party(DemoCast.members[1]), buyer: Self.party(DemoCast.members[2]),
            machine: machine.text, currency: .euro, zone: try AgreementService.zone(zone, for: validity),
            validity: validity, billingPeriod: period, tariff: tariff, serviceLevel: serviceLevel,
            defaultAttribution: .oem, classificationWindowMilliseconds: 2 * day,
            disputeWindowBusinessDays: 5, paymentDays: 14,
            holidays: ["2026-04-03", "2026-04-06", "2026-05-01"].compactMap { CivilDate(rawValue: $0) },
            reportingIntervalMilliseconds: reportingIntervalMilliseconds,
            plannedRunTimePerUnitMilliseconds: plannedRunTimePerUnitMilliseconds,
            arbiter: DemoCast.arbiter.text,
            paymentReference: "Rent of \(machine)")
    }

    private var plannedRunTimePerUnitMilliseconds: Int64? {
        if case .simulated(let plan) = source { plan.cycleMilliseconds } else { nil }
    }

    private static func party(_ member: Founding.Member) -> Party {
        Party(
            id: member.id.text, registrationName: member.profile.registrationName,
            addressLine: member.profile.addressLine, city: member.profile.city,
            postalCode: member.profile.postalCode, countryCode: member.profile.country,
            vatID: member.profile.vatID)
    }

    /// The tariff in words.
    var tariffLines: [String] {
        switch source {
        case .simulated:
            [
                "base fee 1200 EUR a month; good parts 0.085, from 20 000 on 0.0725,",
                "from 35 000 on 0.061 EUR, at least 15 000 parts; at most 6000 EUR;",
                "availability on working days, 7 to 22 h: 98 % +1 %, 96 % 0, 94 % -4 %, below -10 %",
            ]
        case .file: ["42.50 EUR for each hour of executing time, 19 % VAT"]
        }
    }
}
