import Billing
import Contracts
import Foundation
import Ledger
import Node
import Telemetry

/// Bringing telemetry to the ledger, and reading it back.
extension TelemetryVerbs {
    private struct ImportSummary: Encodable {
        let machine: MachineID
        let anchored: UInt64
        let passedOver: UInt64
        let anchors: Int
        let first: UInt64?
        let last: UInt64?
        let tickets: [TicketID]
        let refusedTickets: [String]
        let report: ImportReportJSON
    }

    static let importFile = Verb(
        "telemetry import", "sign, seal and anchor a machine's telemetry from a file (customer)",
        detail: """
            Goes on where the ledger's chain ends: entries that are anchored already are passed over, so the \
            same file can be imported again after a crash or when it has grown. Each batch is signed with \
            the held key device-MACHINE, sealed for the parties, and anchored. Where a failure begins, the \
            device opens a ticket, as the machine's standing order says (machine set-standing-order). A \
            demonstration's clock follows the file's times.
            """,
        options: [
            .positional("file", "CSV or SHDR"),
            .value("machine", "MACHINE", "the machine", required: true),
            .value("mapping", "FILE", "JSON file that says what columns or items mean", required: true),
            .flag("no-tickets", "open no tickets for failures"),
            .value("batch", "N", "entries in a batch, 1 to 1000000 (default 20000)"),
        ] + Option.signing,
        examples: [
            "millwright telemetry import examples/telemetry/press.csv --as stamper "
                + "--machine press-7 --mapping examples/mappings/press.json"
        ]
    ) { invocation in
        let machine: MachineID = try invocation.identifier("machine")
        try await Session.with(invocation) { session in
            var source = try TelemetryInput(invocation, file: try invocation.required("file"))
            var options = TelemetryImport.Options()
            if invocation.has("no-tickets") { options.reportsFaults = false }
            if let batch = try invocation.integer("batch", in: 1...1_000_000) {
                options.batchEntries = Int(batch)
            }
            let work = try TelemetryImport(of: machine, documents: try session.documents(), options: options)
            let summary: TelemetryImport.Summary
            do { summary = try await work.run(&source) } catch let error as TelemetryError {
                source.end()
                throw UsageError(error)
            }
            source.end()
            try show(summary, of: machine, session)
        }
    }

    private static func show(
        _ summary: TelemetryImport.Summary, of machine: MachineID, _ session: Session
    ) throws {
        if session.invocation.wantsJSON {
            return try session.json(
                ImportSummary(
                    machine: machine, anchored: summary.anchored, passedOver: summary.passedOver,
                    anchors: summary.anchors, first: summary.sequences?.lowerBound,
                    last: summary.sequences?.upperBound, tickets: summary.opened,
                    refusedTickets: summary.refusedTickets, report: ImportReportJSON(summary.report)))
        }
        let anchors = Output.count(summary.anchors, "anchor")
        Terminal.print(
            "\(Terminal.green("final")) \(summary.anchored) entries of \(machine) in \(anchors)"
                + (summary.passedOver > 0 ? ", \(summary.passedOver) were anchored already" : ""))
        for ticket in summary.opened { Terminal.print("      ticket \(ticket) is open for bids") }
        for refusal in summary.refusedTickets {
            Terminal.print(Help.wrap("      no ticket: \(refusal)", indent: "        "))
        }
        Terminal.print(summary.report.text)
    }

    private struct UsageReport: Encodable {
        let machine: MachineID
        let entries: UInt64
        let complete: Bool
        let root: String
        let usage: Usage
    }

    static let usage = Verb(
        "telemetry usage", "what a machine did in a period while in service, from anchored telemetry",
        detail: """
            Reads the batches from the vault and checks signatures, numbering and Merkle roots against the \
            ledger. Only readers can: both parties, and the arbiter of an agreement.
            """,
        options: [
            .value("machine", "MACHINE", "the machine", required: true), .from, .to,
            .value("as", "MEMBER", "the member that reads", required: true),
        ],
        examples: [
            "millwright telemetry usage --as stamper --machine press-7 "
                + "--from 2026-03-01 --to 2026-04-01"
        ]
    ) { invocation in
        let machine: MachineID = try invocation.identifier("machine")
        let period = try invocation.interval()
        try await Session.with(invocation) { session in
            let metering = try MeteringService(try session.documents()).usage(of: machine, in: period)
            if invocation.wantsJSON {
                return try session.json(
                    UsageReport(
                        machine: machine, entries: metering.entries, complete: metering.isComplete,
                        root: metering.root.description, usage: metering.usage))
            }
            show(metering)
        }
    }

    private static func show(_ metering: Metering) {
        let usage = metering.usage
        let measured = usage.measured.reduce(0) { $0 + $1.milliseconds }
        Terminal.print(
            "in service \(Output.duration(milliseconds: measured)), \(metering.entries) entries verified"
                + (metering.isComplete ? "" : ", telemetry ends before the period does"))
        let durations = usage.durations.map {
            [$0.state.rawValue, $0.mode.rawValue, Output.duration(milliseconds: $0.milliseconds)]
        }
        if !durations.isEmpty { Terminal.print(Terminal.table(["STATE", "MODE", "TIME"], durations)) }
        let counters = usage.counters.map { [$0.name, "\($0.rise)", "\($0.resets)"] }
        if !counters.isEmpty { Terminal.print(Terminal.table(["COUNTER", "RISE", "RESETS"], counters)) }
        let stoppages = usage.stoppages.prefix(20).map { stoppage in
            [
                ISO8601.text(milliseconds: stoppage.interval.from),
                Output.duration(milliseconds: stoppage.interval.milliseconds), stoppage.state.rawValue,
                String((stoppage.fault ?? "").prefix(20)),
            ]
        }
        if !stoppages.isEmpty {
            Terminal.print(Terminal.table(["STOPPED FROM", "FOR", "STATE", "FAULT"], stoppages))
        }
        if usage.stoppages.count > 20 { Terminal.print("and \(usage.stoppages.count - 20) more") }
        for note in usage.notes { Terminal.print("\(note.kind.rawValue): \(note.count)") }
    }
}
