import Billing
import Foundation
import Testing

@testable import Node

@Suite struct TermsFileTests {
    private static let party = Party(
        id: "x", registrationName: "X GmbH", addressLine: "", city: "", postalCode: "", countryCode: "DE",
        vatID: "DE1")

    private static func example() throws -> String {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../examples/terms/press.json")
        return String(decoding: try Data(contentsOf: file), as: UTF8.self)
    }

    private static func read(_ text: String) throws(NodeError) -> Terms {
        try TermsFile.read(Array(text.utf8)) { name throws(NodeError) in
            var party = party
            party.id = name
            return name == "nobody" ? nil : party
        }
    }

    @Test func readsTheExample() throws {
        let terms = try Self.read(try Self.example())
        #expect(terms.seller.id == "press-works")
        #expect(terms.currency == .euro)
        #expect(terms.zone.name == "Europe/Berlin")
        // Midnight in Berlin, an hour before UTC's.
        #expect(terms.validity.from == 1_767_225_600_000 - 3_600_000)
        #expect(terms.tariff.lines.map(\.id) == ["base", "parts", "hours"])
        #expect(terms.tariff.lines[1].prices.tiers[1].price == UnitPrice(millionths: 105_000))
        #expect(terms.tariff.lines[2].basis == .perHour(states: [.executing]))
        #expect(terms.tariff.cap == MinorUnits(950_000))
        #expect(terms.tariff.vat.rate == Rate(percent: 19))
        #expect(terms.classificationWindowMilliseconds == 5 * 86_400_000)
        #expect(terms.serviceLevel?.maximumAdjustment == Rate(percent: 15))
    }

    @Test func readsBackWhatItWrites() throws {
        var terms = try Self.read(try Self.example())
        #expect(terms.rulesVersion == InvoiceComputation.rulesVersion)
        #expect(try Self.read(TermsFile.text(terms)) == terms)
        terms.billingPeriod = .custom(from: terms.validity.from, to: terms.validity.from + 90_000_001)
        terms.tariff.lines[1].vat = VAT(.standard, rate: Rate(percent: 7))
        terms.tariff.lines[2].prices = Prices(
            .volume, tiers: [.init(fromQuantity: .zero, price: UnitPrice(millionths: 1))])
        terms.serviceLevel?.serviceTime = .always
        terms.serviceLevel?.consequence = .proportional(
            target: Rate(percent: 98), floor: Rate(percent: 70), slope: 2)
        terms.reportingIntervalMilliseconds = 1500
        terms.rulesVersion = 1
        terms.paymentReference = "a \"quoted\" \\ reference"
        #expect(try Self.read(TermsFile.text(terms)) == terms)
    }

    @Test(arguments: [
        (#""price": "6.40""#, #""price": "6,40""#, "terms.bad_value", "tariff.lines[2].price"),
        (#""price": "6.40""#, #""price": 6.40"#, "terms.bad_json", "decimals are written as texts"),
        (#""price": "6.40""#, #""price": 6"#, "terms.bad_value", "tariff.lines[2].price"),
        (#""price": "6.40""#, #""price": "6.1234567""#, "terms.bad_value", "tariff.lines[2].price"),
        (#""price": "6.40""#, #""prise": "6.40""#, "terms.unknown_key", "tariff.lines[2].prise"),
        (#""cap": "9500.00""#, #""cap": "9500.001""#, "terms.bad_value", "tariff.cap"),
        (#""currency": "EUR","#, "", "terms.missing_key", "currency"),
        (#""EUR""#, #""EURO""#, "terms.bad_value", "currency"),
        (#""category": "S""#, #""category": "Q""#, "terms.bad_value", "tariff.vat.category"),
        (#""94""#, #""ninety""#, "terms.bad_value", "serviceLevel.table[1].from"),
        (#""Mon""#, #""Monday""#, "terms.bad_value", "serviceLevel.serviceTime[0].days[0]"),
        (#""22:00""#, #""24:01""#, "terms.bad_value", "serviceLevel.serviceTime[0].to"),
        (#""2028-01-01""#, #""2026-01-01""#, "terms.bad_value", "validTo"),
        (#""2028-01-01""#, #""2028-01-01T00:00:00""#, "terms.bad_value", "validTo"),
        (#""5 d""#, #""5 days""#, "terms.bad_value", "classificationWindow"),
        (#""2026-01-06""#, #""2026-02-30""#, "terms.bad_value", "holidays[1]"),
        (#""stamper""#, #""nobody""#, "terms.bad_value", "buyer"),
        (#""timeZone""#, #""rulesVersion": 3, "timeZone""#, "terms.bad_value", "rulesVersion"),
        ("Europe/Berlin", "Europe/Nowhere", "timezone.unknown", "Europe/Nowhere"),
        (#""from": "0", "price""#, #""from": "1", "price""#, "terms.tiers", "parts"),
    ])
    func namesThePlaceOfWhatIsWrong(from: String, to: String, code: String, place: String) throws {
        let text = try Self.example()
        let range = try #require(text.range(of: from))
        let error = #expect(throws: NodeError.self) {
            try Self.read(text.replacingCharacters(in: range, with: to))
        }
        #expect(error?.code == code)
        #expect(error?.message.contains(place) == true, "\(error?.message ?? "")")
    }
}
