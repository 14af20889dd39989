import Billing
import Contracts
import Foundation
import Ledger
import Node
import Telemetry

/// Figures and invoices from files or numbers, with or without a ledger.
enum BillingVerbs {
    static let all: [Verb] = [oee, compute]

    // MARK: OEE

    static let oee = Verb(
        "oee", "overall equipment effectiveness (ISO 22400-2) of numbers, a file or a machine",
        detail: """
            From numbers: --pbt, --apt, --pq, --gq, and --pru where it is known. From a file: FILE and \
            --mapping. From the ledger: --machine and --as; its batches are read from the vault and \
            checked against what is anchored. Planned busy time is the time with data less \
            --planned-downtime; actual production time is Executing outside setup and maintenance. Without \
            --pru there is no effectiveness and no OEE; a factor whose denominator is zero has no value.
            """,
        options: [
            .positional("file", "CSV or SHDR telemetry", required: false), TelemetryVerbs.mapping,
            .value("machine", "MACHINE", "a machine on the ledger, instead of a file"),
            .value("as", "MEMBER", "with --machine: the member that reads (parties, arbiter)"),
            .value("from", "TIME", "beginning (default: the first entry)"),
            .value("to", "TIME", "end (default: the last entry)"),
            .value("planned-downtime", "TIME", "such as 30min"),
            .value("produced", "COUNTER", "counter of produced units (default: produced)"),
            .value("good", "COUNTER", "counter of good units (default: good)"),
            .value("pru", "TIME", "planned run time per unit, such as 30s"),
            .value("pbt", "TIME", "planned busy time, such as 7h30min"),
            .value("apt", "TIME", "actual production time"),
            .value("pq", "N", "produced quantity"), .value("gq", "N", "good quantity"),
        ],
        examples: [
            "millwright oee --pbt 7h30min --apt 6h --pru 30s --pq 648 --gq 635",
            "millwright oee examples/telemetry/press.csv --mapping examples/mappings/press.json --pru 30s",
            "millwright oee --machine press-7 --as stamper --from 2026-03-01 --to 2026-04-01 --pru 30s",
        ]
    ) { invocation in
        guard !invocation.has("machine") else { return try await showMachine(invocation) }
        guard invocation.has("file") else { return try show(try fromNumbers(invocation), nil, invocation) }
        try showFile(invocation)
    }

    /// - Parameter notes: on the data that was measured; nil for numbers that a person gave.
    static func show(
        _ result: OEE, _ title: String?, _ invocation: Invocation, notes: [String]? = nil
    ) throws {
        if invocation.wantsJSON { return try Output.json(Noted(result, notes)) }
        for note in notes ?? [] { Terminal.note(note) }
        if let title { Terminal.print(title) }
        Terminal.print(table(result))
    }

    private static func fromNumbers(_ invocation: Invocation) throws -> OEE {
        for name in ["mapping", "as", "from", "to", "planned-downtime", "produced", "good"]
        where invocation.has(name) {
            throw UsageError("cli.bad_value", "--\(name) needs a telemetry file or --machine")
        }
        guard ["pbt", "apt", "pru", "pq", "gq"].contains(where: invocation.has) else {
            throw UsageError(
                "cli.missing_option",
                "oee needs FILE and --mapping, or --machine and --as, or --pbt, --apt, --pq and --gq")
        }
        func milliseconds(_ name: String) throws -> Int64 {
            _ = try invocation.required(name)
            return (try invocation.span(name)?.nanoseconds ?? 0) / 1_000_000
        }
        func count(_ name: String) throws -> Int64 {
            _ = try invocation.required(name)
            return try invocation.integer(name, in: 0...Int64.max) ?? 0
        }
        let product = OEE.Product(
            plannedRunTimePerUnitMilliseconds: try invocation.has("pru") ? milliseconds("pru") : nil,
            produced: try count("pq"),
            good: try count("gq"))
        guard product.good <= product.produced else {
            throw UsageError("cli.bad_value", "--gq is at most --pq: good units are among the produced")
        }
        let (busy, production) = (try milliseconds("pbt"), try milliseconds("apt"))
        guard production <= busy else {
            throw UsageError("cli.bad_value", "--apt is at most --pbt: production is within the busy time")
        }
        return try OEE(
            plannedBusyTimeMilliseconds: busy, actualProductionTimeMilliseconds: production,
            products: [product])
    }

    private static func showFile(_ invocation: Invocation) throws {
        try requireMeasured(invocation, without: "as")
        let measured = try MeasuredFile(
            invocation, file: try invocation.required("file"),
            from: try invocation.time("from")?.milliseconds,
            to: try invocation.time("to")?.milliseconds)
        try show(
            try oee(of: measured.usage, invocation), ISO8601.text(measured.window), invocation,
            notes: measured.notes)
    }

    /// What is measured is not given, and what belongs to another source neither.
    static func requireMeasured(_ invocation: Invocation, without foreign: String...) throws {
        for name in ["pbt", "apt", "pq", "gq"] where invocation.has(name) {
            throw UsageError("cli.bad_value", "--\(name) comes from the telemetry: leave one of them out")
        }
        for name in foreign where invocation.has(name) {
            throw UsageError("cli.bad_value", "a file needs no --as, a machine on the ledger no file")
        }
    }

    /// The factors of what was measured, as the options ask for them.
    static func oee(of usage: Usage, _ invocation: Invocation) throws -> OEE {
        try oee(
            of: usage,
            plannedDowntime: (try invocation.span("planned-downtime")?.nanoseconds ?? 0) / 1_000_000,
            unit: try invocation.span("pru"), produced: invocation.string("produced") ?? "produced",
            good: invocation.string("good") ?? "good")
    }

    /// The factors of what was measured, by the definitions that invoices use (`Invoice.Performance`);
    /// those give quality only where the terms plan a run time.
    static func oee(
        of usage: Usage, plannedDowntime: Int64, unit: Span?, produced: String, good: String
    ) throws -> OEE {
        let operation = try usage.milliseconds(in: [.notAvailable, .outOfService, .notExecuting, .executing])
        guard plannedDowntime <= operation else {
            throw UsageError("cli.bad_value", "--planned-downtime is longer than the time with data")
        }
        let product = OEE.Product(
            plannedRunTimePerUnitMilliseconds: unit.map { $0.nanoseconds / 1_000_000 },
            produced: usage.rise(of: produced), good: usage.rise(of: good))
        return try OEE(
            plannedBusyTimeMilliseconds: operation - plannedDowntime,
            actualProductionTimeMilliseconds: try usage.milliseconds(
                in: [.executing], modes: [.none, .processing]),
            products: [product],
            failures: Failures(
                count: usage.failures,
                timeBetweenMilliseconds: try usage.milliseconds(in: [.executing, .notExecuting]),
                timeToRepairMilliseconds: try usage.milliseconds(in: [.outOfService])))
    }

    static func table(_ oee: OEE) -> String {
        func rate(_ rate: Rate?) -> String { rate.map { "\($0.percentTextWithDecimals) %" } ?? "no value" }
        func time(_ milliseconds: Int64?) -> String {
            milliseconds.map { Output.duration(milliseconds: $0) } ?? "no value"
        }
        return Terminal.table(
            ["FIGURE", "VALUE", "DEFINITION"],
            [
                ["planned busy time", time(oee.plannedBusyTimeMilliseconds), "PBT"],
                ["actual production time", time(oee.actualProductionTimeMilliseconds), "APT"],
                ["availability", rate(oee.availability), "APT / PBT"],
                ["effectiveness", rate(oee.effectiveness), "PRU * PQ / APT"],
                ["quality", rate(oee.quality), "GQ / PQ"],
                ["OEE", rate(oee.oee), "PRU * GQ / PBT"],
                [
                    "mean time between failures", time(oee.meanTimeBetweenFailuresMilliseconds),
                    "up / failures",
                ],
                ["mean time to repair", time(oee.meanTimeToRepairMilliseconds), "down / failures"],
            ])
    }
}
