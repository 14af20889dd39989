import Billing
import Codec
import Contracts
import Cryptography
import Ledger
import Telemetry

/// Brings a machine's readings to the ledger: signs them with its device's key, seals them into the vault,
/// anchors them, and opens a ticket where a failure begins.
///
/// It runs on the customer's node, which holds the device's key as `device-<machine>`. It goes on where the
/// ledger's chain ends: entries that are anchored are passed over, those that were not are signed again, so
/// that a crash neither loses nor repeats one. Memory holds one batch.
package struct TelemetryImport {
    package struct Options: Sendable {
        /// Entries in a batch, 1 to 1 000 000. A failure ends a batch early.
        package var batchEntries = 20_000
        /// Whether a ticket is opened where a failure begins.
        package var reportsFaults = true

        package init() {}
    }

    /// A failure as the entry told it that it began with.
    package struct Fault: Hashable, Sendable {
        package let machine: MachineID
        /// The machine's own text, or `OutOfService`.
        package let text: String
        package let sequence: UInt64
        /// Milliseconds since 1970 UTC, by the device's clock.
        package let time: Int64
        /// The ticket that was opened for it, or that is open for the same fault; nil where none could be.
        package let ticket: TicketID?
    }

    /// What an import came to.
    package struct Summary: Sendable {
        /// Entries that were anchored, and those that already had been.
        package var anchored: UInt64 = 0
        package var passedOver: UInt64 = 0
        package var anchors = 0
        /// The sequence numbers that were anchored; nil where that is nothing.
        package var sequences: ClosedRange<UInt64>?
        package var opened: [TicketID] = []
        /// Tickets that the ledger refused, as `code: sentence`.
        package var refusedTickets: [String] = []
        /// What the data could not tell.
        package var report: ImportReport
    }

    let documents: DocumentService
    let machine: MachineID
    let options: Options
    let device: MessageSigner
    private var node: any LedgerAccess { documents.node }

    /// - Parameter documents: the customer's.
    /// - Throws: `import.not_the_customer`, `import.no_device_key`, `import.unknown_device`,
    ///   `machine.unknown`, `keys.*`.
    package init(
        of machine: MachineID, documents: DocumentService, options: Options = Options()
    ) throws(NodeError) {
        (self.documents, self.machine, self.options) = (documents, machine, options)
        precondition(1...1_000_000 ~= options.batchEntries, "a batch has 1 to 1 000 000 entries")
        let record = try documents.node.view().existing(MachineRecord.self, machine)
        guard record.customer == documents.member.id else {
            throw NodeError(
                "import.not_the_customer", "only \(record.customer) brings \(machine)'s telemetry")
        }
        let name = ActingMember.deviceKeyName(machine)
        guard documents.member.keystore.hasHeldKey(name) else {
            throw NodeError("import.no_device_key", "\(record.customer) holds no key «\(name)»")
        }
        device = try documents.member.keystore.heldKey(name).signer
        guard record.devices.contains(where: { $0.publicKey.array == device.publicKey }) else {
            throw NodeError("import.unknown_device", "the key «\(name)» is not a device of \(machine)")
        }
    }

    /// Imports all that the source has.
    /// - Throws: as the other `run`.
    @discardableResult
    package func run<Source: TelemetrySource>(_ source: inout Source) async throws -> Summary {
        try await run(&source) { _, _ in }
    }

    /// Imports all that the source has, and lets others act where a failure begins before it goes on.
    /// - Parameter onFault: called when the failure's entry is anchored and its ticket is open; it may
    ///   change the source, such as to repair a simulated machine.
    /// - Throws: `import.not_contiguous` where the source lacks the ledger's next entry; `csv.*`, `shdr.*`;
    ///   `telemetry.*`; `metering.*` where what was anchored before cannot be read; what `onFault` throws.
    @discardableResult
    package func run<Source: TelemetrySource>(
        _ source: inout Source, onFault: (Fault, inout Source) async throws -> Void
    ) async throws -> Summary {
        var chain = try ImportChain(of: self)
        var summary = Summary(report: source.report)
        if let fault = chain.unreportedFault {
            try await onFault(try await report(fault, &summary), &source)
        }
        while let entry = try source.next() {
            if entry.sequence < chain.nextSequence {
                summary.passedOver += 1
                continue
            }
            let failureBegins = try chain.append(entry)
            if failureBegins || chain.count >= options.batchEntries {
                try await anchor(&chain, &summary)
            }
            if failureBegins { try await onFault(try await report(entry, &summary), &source) }
        }
        try await anchor(&chain, &summary)
        summary.report = source.report
        return summary
    }

    private func anchor(_ chain: inout ImportChain, _ summary: inout Summary) async throws {
        guard let batch = try chain.finish() else { return }
        try follow(batch.toMilliseconds)
        let readers = try self.readers()
        let stored = try documents.seal(try CBOR.encode(batch.content), for: readers)
        let head = try node.view().get(TelemetryHead.self, machine)
        try await node.enact(
            TelemetryContract.self,
            .anchor(
                .init(
                    machine: machine, first: batch.first, last: batch.last,
                    fromMilliseconds: batch.fromMilliseconds, toMilliseconds: batch.toMilliseconds,
                    count: batch.count, cid: stored.cid.description, cipherDigest: stored.cipherDigest,
                    root: batch.root, device: KeyID(publicKey: device.publicKey, hash: node.rules.hash),
                    previous: head?.digest)), as: documents.member.signer)
        summary.anchored += batch.count
        summary.anchors += 1
        summary.sequences = (summary.sequences?.lowerBound ?? batch.first)...batch.last
    }

    /// A demonstration's clock follows what the machine tells; real time does not.
    func follow(_ milliseconds: Int64) throws(NodeError) {
        let time = Ledger.Timestamp(milliseconds: milliseconds)
        guard node.clock.isSimulated, time > node.clock.now else { return }
        try node.clock.set(time)
    }

    /// Who may read the telemetry: the parties, and who may rule under an agreement in force.
    private func readers() throws(NodeError) -> [MemberID] {
        let view = try node.view()
        let record = try view.existing(MachineRecord.self, machine)
        let agreements = try view.records(AgreementRecord.self, where: "inForce", equals: machine.keyBytes)
        return [record.customer, record.oem] + agreements.flatMap { $0.versions.flatMap(\.arbiters) }
    }
}
