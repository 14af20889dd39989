import Billing
import Contracts
import Foundation
import Ledger
import Node
import Telemetry

/// The machine that a demonstration is about, and where its readings come from.
struct DemoScenario: Sendable {
    enum Source: Sendable {
        /// A seeded simulation of two months, failing once.
        case simulated(SimulatedMachine.Plan)
        /// A machine's own data.
        case file(URL, mapping: URL)
    }

    /// A time at which the machine fails, and when it is up again.
    struct Outage: Sendable {
        let from: Int64
        let upAt: Int64
    }

    let machine: MachineID
    let machineClass: MachineClass
    let nameplate: Nameplate
    let source: Source
    /// Milliseconds since 1970 UTC; one invoice each.
    let periods: [Interval]
    let reportingIntervalMilliseconds: Int64
    /// The failures that the data is known to hold; a simulated machine's are repaired when somebody does it.
    let outages: [Outage]
    let zone: String
    let tariff: Tariff
    let serviceLevel: ServiceLevel?
    /// What the demonstration says about the machine.
    let about: [String]

    var from: Int64 { periods[0].from }

    /// Whether the telemetry holds a failure.
    var fails: Bool {
        if case .simulated(let plan) = source { return !plan.failures.isEmpty }
        return !outages.isEmpty
    }

    /// From a period's end to its invoice: the office opens at eight; a recording goes on at once.
    var untilInvoice: Span {
        if case .simulated = source { .hours(8) } else { .seconds(30) }
    }

    /// What the maintainer did about a failure.
    var remedy: (text: String, parts: [RepairReport.Part]) {
        if case .simulated = source {
            return (
                "Main bearing replaced and aligned, test run without findings.",
                [.init(number: "BRG-22220", quantity: 1)]
            )
        }
        return ("Cause found and repaired, test run without findings.", [])
    }

    /// The machine in a line.
    var title: String {
        switch source {
        case .simulated: about[0]
        case .file(let data, _):
            "\(data.lastPathComponent), \(ISO8601.text(milliseconds: from)) to "
                + "\(ISO8601.text(milliseconds: periods[1].to)): billed in two halves."
        }
    }

    /// A press in Ulm, in March and April 2026, from a seed.
    static func simulated() throws -> DemoScenario {
        func at(_ text: String) throws -> Int64 {
            guard let milliseconds = ISO8601.milliseconds(text) else {
                throw UsageError("cli.bad_value", text)
            }
            return milliseconds
        }
        // Local midnights in Germany; clocks went forward on 29 March.
        let (march, april, may) = (
            try at("2026-02-28T23:00:00Z"), try at("2026-03-31T22:00:00Z"), try at("2026-04-30T22:00:00Z")
        )
        let failure = SimulatedMachine.Failure(
            time: try at("2026-03-17T09:42:00Z"), code: "BRG-07: main bearing, temperature and vibration")
        return DemoScenario(
            machine: MachineID(unchecked: "press-7"), machineClass: MachineClass(unchecked: "press"),
            nameplate: .init(
                manufacturer: "Ulmer Pressenbau", model: "UP-250", serialNumber: "250-0417",
                yearOfConstruction: 2024),
            source: .simulated(.init(seed: 7, from: march, to: may, failures: [failure])),
            periods: [Interval(from: march, to: april), Interval(from: april, to: may)],
            reportingIntervalMilliseconds: 60_000, outages: [], zone: "Europe/Berlin", tariff: pressTariff,
            serviceLevel: pressServiceLevel,
            about: ["A simulated press (seed 7): two shifts, scrap, short stops, one bearing failure."])
    }

    private static let pressTariff = Tariff(
        lines: [
            TariffLine(
                id: "1", name: "Base fee", basis: .baseFee,
                prices: .flat(UnitPrice(millionths: 1_200_000_000))),
            TariffLine(
                id: "2", name: "Good parts", basis: .perUnit(counter: "good"),
                prices: Prices(
                    .graduated,
                    tiers: [
                        .init(fromQuantity: .zero, price: UnitPrice(millionths: 85_000)),
                        .init(
                            fromQuantity: Quantity(millionths: 20_000_000_000),
                            price: UnitPrice(millionths: 72_500)),
                        .init(
                            fromQuantity: Quantity(millionths: 35_000_000_000),
                            price: UnitPrice(millionths: 61_000)),
                    ]),
                minimum: .init(quantity: Quantity(millionths: 15_000_000_000))),
        ], cap: MinorUnits(600_000), vat: VAT(.standard, rate: Rate(percent: 19)))

    private static let pressServiceLevel = ServiceLevel(
        serviceTime: .weekly(
            hours: (1...5).map { .init(weekday: $0, fromMinutes: 420, toMinutes: 1320) }),
        consequence: .table(steps: [
            .init(from: .zero, adjustment: Rate(percent: -10)),
            .init(from: Rate(percent: 94), adjustment: Rate(percent: -4)),
            .init(from: Rate(percent: 96), adjustment: .zero),
            .init(from: Rate(percent: 98), adjustment: Rate(percent: 1)),
        ]), maximumAdjustment: Rate(percent: 15))

    /// A real machine, billed by executing time over the period that its data covers, cut in two halves so
    /// that there is a second invoice to quarrel about.
    static func file(_ data: URL, mapping: URL) throws -> DemoScenario {
        var survey = try FileSurvey(data, mapping: mapping)
        try survey.run()
        guard let from = survey.earliest, let latest = survey.latest, latest - from >= 60_000 else {
            throw UsageError("demo.no_data", "\(data.lastPathComponent) covers less than a minute")
        }
        // Whole seconds, as people write them; the last reading is in.
        let to = (latest / 1000 + 1) * 1000
        let middle = (from + (to - from) / 2) / 1000 * 1000
        let name = mapping.deletingPathExtension().lastPathComponent.replacingOccurrences(of: "_", with: "-")
        return DemoScenario(
            machine: MachineID(name.lowercased()) ?? MachineID(unchecked: "machine-1"),
            machineClass: MachineClass(unchecked: "machine-tool"),
            nameplate: .init(
                manufacturer: "as recorded", model: String(name.prefix(60)), serialNumber: "unknown",
                yearOfConstruction: 2010),
            source: .file(data, mapping: mapping),
            periods: [Interval(from: from, to: middle), Interval(from: middle, to: to)],
            reportingIntervalMilliseconds: survey.report.reportingIntervalMilliseconds,
            outages: survey.outages, zone: "UTC",
            tariff: Tariff(
                lines: [
                    TariffLine(
                        id: "1", name: "Executing time", basis: .perHour(states: [.executing]),
                        prices: .flat(UnitPrice(millionths: 42_500_000)))
                ], vat: VAT(.standard, rate: Rate(percent: 19))),
            serviceLevel: nil, about: survey.report.about)
    }

    /// The mapping for a data file: the one in `examples/mappings` whose name the file's name begins with.
    static func mapping(for data: URL) throws -> URL {
        let folder = URL(fileURLWithPath: "examples/mappings")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        let match = names.filter { $0.hasSuffix(".json") }
            .filter { data.lastPathComponent.hasPrefix($0.dropLast(5)) }.max { $0.count < $1.count }
        guard let match else {
            throw UsageError(
                "demo.no_mapping",
                "no mapping in examples/mappings fits \(data.lastPathComponent); use --mapping")
        }
        return folder.appendingPathComponent(match)
    }
}

/// One pass over a data file before the story begins: when it starts and ends, and when the machine fails.
private struct FileSurvey {
    private var source: any TelemetrySource
    private(set) var outages: [DemoScenario.Outage] = []
    private(set) var earliest: Int64?
    private(set) var latest: Int64?
    private var failedAt: Int64?

    var report: ImportReport { source.report }

    init(_ data: URL, mapping: URL) throws { source = try TelemetryFile.open(data, mapping: mapping) }

    mutating func run() throws {
        while let entry = try source.next() {
            earliest = min(earliest ?? entry.time, entry.time)
            latest = max(latest ?? entry.time, entry.time)
            guard let state = entry.state else { continue }
            if state == .outOfService {
                failedAt = failedAt ?? entry.time
            } else if let failed = failedAt, state == .executing || state == .notExecuting {
                outages.append(.init(from: failed, upAt: entry.time))
                failedAt = nil
            }
        }
    }
}
