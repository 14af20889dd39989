import Billing
import Contracts
import Telemetry
import Testing

@testable import Node

/// A counter that no sum holds is found in its batch: nobody searches a month for it.
@Suite struct CounterOverflowTests {
    private struct Readings: TelemetrySource {
        let values: [UInt64]
        /// A second counter that rises with the first, and by so much more each time.
        let produced: UInt64?
        let report: ImportReport
        private var read: UInt64 = 0

        init(_ values: [UInt64], produced: UInt64? = nil, report: ImportReport) {
            (self.values, self.produced, self.report) = (values, produced, report)
        }

        mutating func next() -> TelemetryEntry? {
            guard read < values.count else { return nil }
            read += 1
            let value = values[Int(read) - 1]
            let second = produced.map { [TelemetryEntry.Counter(name: "produced", value: value + read * $0)] }
            return TelemetryEntry(
                sequence: read, time: ServicesWorld.weekStart + Int64(read) * 60_000, state: .executing,
                counters: [.init(name: "good", value: value)] + (second ?? []))
        }
    }

    private func anchored(
        _ values: [UInt64], produced: UInt64? = nil, in world: ServicesWorld
    ) async throws {
        var options = TelemetryImport.Options()
        options.batchEntries = 10
        var source = Readings(values, produced: produced, report: world.press().report)
        try await TelemetryImport(
            of: ServicesWorld.machine, documents: world.documents("customer"), options: options
        ).run(&source)
    }

    private func message(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch { return (error as? NodeError).map { "\($0.code): \($0.message)" } }
    }

    @Test func aTotalBeyondSixtyFourBitsNamesItsBatch() async throws {
        try await ServicesWorld.with { world in
            var values = [UInt64](repeating: 0, count: 30)
            (values[12], values[14]) = (UInt64(Int64.max), UInt64(Int64.max))
            try await world.rent()
            try await anchored(values, in: world)
            let expected =
                "billing.overflow: batch 2 of press-7, entries 11 to 20, cannot be counted from entry 15 of "
                + "2026-03-01 23:15:00 UTC on: counter «good» rises beyond 2^63 in all"
            #expect(await message { _ = try await world.weeksInvoice() } == expected)
            // Whose contest is open hides no other, and once it stands the batch is a gap.
            try await world.contest(2)
            await #expect(code { _ = try await world.weeksInvoice() } == "invoice.contest_open")
            try await world.advance(to: world.node.clock.now.milliseconds + 5 * ServicesWorld.day)
            await #expect(code { _ = try await world.weeksInvoice() } == "invoice.telemetry_incomplete")
        }
    }

    @Test func aRiseThatCannotBeBilledNamesItsBatch() async throws {
        try await ServicesWorld.with { world in
            let values = (0..<30).map { UInt64($0) + ($0 < 24 ? 0 : 10_000_000_000_000) }
            try await world.rent()
            try await anchored(values, in: world)
            let expected =
                "billing.overflow: tariff line «parts» comes to more than 64 bits hold; "
                + "counter «good» rose by 10000000000029, most of it "
                + "by 10000000000001 at entry 25 of 2026-03-01 23:25:00 UTC: "
                + "batch 3 of press-7, entries 21 to 30"
            #expect(await message { _ = try await world.weeksInvoice() } == expected)
        }
    }

    /// Not the counter that rose most, but that of the line that is too large.
    @Test func theCounterOfTheLineThatIsTooLargeIsNamed() async throws {
        try await ServicesWorld.with { world in
            var terms = try world.terms()
            let parts = try #require(terms.tariff.lines.firstIndex { $0.id == "parts" })
            var second = terms.tariff.lines[parts]
            second.id = "all"
            second.basis = .perUnit(counter: "produced")
            terms.tariff.lines.insert(second, at: parts)
            terms.tariff.lines[parts + 1].prices = .flat(UnitPrice(millionths: 1_000_000_000_000))
            try await world.register()
            try await AgreementService(world.documents("oem")).propose(ServicesWorld.agreement, terms: terms)
            try await AgreementService(world.documents("customer")).accept(ServicesWorld.agreement)
            try await world.start()
            let values = (0..<30).map { UInt64($0) + ($0 < 24 ? 0 : 1_000_000_000_000) }
            try await anchored(values, produced: 1_000_000, in: world)
            let found = await message { _ = try await world.weeksInvoice() }
            #expect(found?.contains("tariff line «parts»") == true, "\(found ?? "")")
            let rise = "counter «good» rose by 1000000000029, most of it by 1000000000001 at entry 25 "
            #expect(found?.contains(rise) == true, "\(found ?? "")")
        }
    }
}
