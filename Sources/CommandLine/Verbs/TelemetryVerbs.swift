import Billing
import Contracts
import Ledger
import Node
import Telemetry

/// A machine's readings: looking at a file, bringing it to the ledger, and what it came to.
enum TelemetryVerbs {
    static let all: [Verb] = [inspect, importFile, declareGap, contest, withdrawContest, usage]

    static let mapping = Option.value("mapping", "FILE", "JSON file that says what columns or items mean")

    static let inspect = Verb(
        "telemetry inspect", "read a telemetry file and report what it tells (no ledger needed)",
        detail: """
            Reads CSV tables and MTConnect SHDR logs as the mapping explains them. The report names the \
            times covered, time in each state, clock steps, silences, counters that fell or never \
            moved, and bad rows. Nothing is written.
            """,
        options: [
            .positional("file", "CSV or SHDR"),
            .value("mapping", "FILE", "JSON file that says what columns or items mean", required: true),
        ],
        examples: [
            "millwright telemetry inspect examples/telemetry/press.csv "
                + "--mapping examples/mappings/press.json"
        ], isOffline: true
    ) { invocation in
        var source = try TelemetryInput(invocation, file: try invocation.required("file"))
        do throws(TelemetryError) { while try source.next() != nil {} } catch { throw UsageError(error) }
        source.end()
        if invocation.wantsJSON { return try Output.json(ImportReportJSON(source.report)) }
        Terminal.print(source.report.text)
    }

    static let declareGap = Verb(
        "telemetry declare-gap", "declare entries as lost, so that nobody takes them for hidden (customer)",
        detail: "The gap begins with the chain's next sequence number. Those numbers are never used again.",
        options: [
            .value("machine", "MACHINE", "the machine", required: true),
            .value("last", "N", "the last sequence number that is lost (default: only the next one)"),
            .from, .to, .value("reason", "TEXT", "how they were lost", required: true),
        ] + Option.signing,
        examples: [
            "millwright telemetry declare-gap --as stamper --machine press-7 "
                + "--from 2026-03-10T08:00:00Z --to 2026-03-10T09:00:00Z --reason \"box had no power\""
        ]
    ) { invocation in
        let machine: MachineID = try invocation.identifier("machine")
        let lost = try invocation.interval()
        let last = try invocation.integer("last", in: 1...Int64.max)
        try await Session.with(invocation) { session in
            let head = try session.node.view().get(TelemetryHead.self, machine) ?? TelemetryHead(id: machine)
            try await session.perform(
                TelemetryContract.self,
                .declareGap(
                    .init(
                        machine: machine, first: head.nextSequence,
                        last: last.map { UInt64($0) } ?? head.nextSequence, fromMilliseconds: lost.from,
                        toMilliseconds: lost.to, reason: try invocation.required("reason"),
                        previous: head.digest)),
                saying: "the gap is declared")
        }
    }

    static let contest = Verb(
        "telemetry contest", "say that an anchored batch cannot be read or is not what it says (OEM)",
        detail: """
            The customer has five days to hand the batch over; take the contest back when it has. A contest \
            that then stands makes the batch a gap for everybody who computes an invoice, and the terms' \
            default for gaps holds. A customer that knows better says so when it disputes \
            the invoice. millwright list contests shows them.
            """,
        options: [
            .value("machine", "MACHINE", "the machine", required: true),
            .value("batch", "N", "the anchor's number in the machine's chain", required: true),
            .value("reason", "TEXT", "what is wrong with it", required: true),
        ] + Option.signing,
        examples: [
            "millwright telemetry contest --as press-works --machine press-7 --batch 3 "
                + "--reason \"not in any vault\""
        ]
    ) { invocation in
        let machine: MachineID = try invocation.identifier("machine")
        let number = try invocation.batch()
        try await Session.with(invocation) { session in
            try await session.perform(
                TelemetryContract.self,
                .contest(
                    .init(machine: machine, number: number, reason: try invocation.required("reason"))),
                saying: "batch \(number) of \(machine) is contested")
        }
    }

    static let withdrawContest = Verb(
        "telemetry withdraw-contest", "take a contest back before it stands (OEM)",
        options: [
            .value("machine", "MACHINE", "the machine", required: true),
            .value("batch", "N", "the anchor's number in the machine's chain", required: true),
        ] + Option.signing,
        examples: ["millwright telemetry withdraw-contest --as press-works --machine press-7 --batch 3"]
    ) { invocation in
        let machine: MachineID = try invocation.identifier("machine")
        let number = try invocation.batch()
        try await Session.with(invocation) { session in
            try await session.perform(
                TelemetryContract.self, .withdrawContest(.init(machine: machine, number: number)),
                saying: "the contest of batch \(number) of \(machine) is taken back")
        }
    }
}

extension Invocation {
    /// The anchor's number that `--batch` names.
    fileprivate func batch() throws -> UInt64 {
        _ = try required("batch")
        return UInt64(try integer("batch", in: 1...Int64.max) ?? 1)
    }
}
