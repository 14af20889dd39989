import Billing
import Contracts
import Ledger
import Node

/// A machine's effectiveness from what is anchored on the ledger.
extension BillingVerbs {
    /// Prints what `oee` prints of a file, from the vault's batches: every message's signature, the numbering
    /// and the Merkle roots are checked before a figure counts. In or out of service makes no difference.
    static func showMachine(_ invocation: Invocation) async throws {
        try requireMeasured(invocation, without: "file", "mapping")
        let machine: MachineID = try invocation.identifier("machine")
        _ = try invocation.required("as")
        try await Session.with(invocation) { session in
            let record = try session.node.view().existing(MachineRecord.self, machine)
            let window = try window(of: machine, session)
            let metering = try MeteringService(try session.documents()).usage(
                of: machine, in: [window],
                reportingIntervalMilliseconds: record.reportingIntervalMilliseconds)
            try show(
                try oee(of: metering.usage, invocation), ISO8601.text(window), invocation,
                notes: metering.usage.notes.map { "\(InvoiceText.name(of: $0.kind)): \($0.count)." })
        }
    }

    /// From `--from` to `--to`; what is not given comes from the anchors.
    private static func window(of machine: MachineID, _ session: Session) throws -> Interval {
        let invocation = session.invocation
        let anchors = try session.node.view().records(
            AnchorRecord.self, keysBeginWith: ChainPosition.prefix(of: machine))
        guard let first = anchors.map(\.fromMilliseconds).min(),
            let last = anchors.map(\.toMilliseconds).max()
        else {
            throw NegativeAnswer("metering.nothing_anchored", "no telemetry of \(machine) is anchored")
        }
        let window = Interval(
            from: try invocation.time("from")?.milliseconds ?? first,
            to: try invocation.time("to")?.milliseconds ?? last)
        guard window.isValid else {
            throw UsageError("cli.bad_value", "the time from --from to --to is empty")
        }
        return window
    }
}
