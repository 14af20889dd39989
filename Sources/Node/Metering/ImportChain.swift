import Billing
import Codec
import Contracts
import Cryptography
import Ledger

/// The machine's chain of entries as an import goes on with it.
struct ImportChain {
    private(set) var nextSequence: UInt64
    private var standing = StandingState()
    private var writer: BatchWriter
    /// A failure that was anchored, and for which a crash may have kept the ticket from being opened.
    private(set) var unreportedFault: TelemetryEntry?

    /// Takes up the chain where the ledger has it.
    /// - Throws: `metering.*` where the last batch cannot be read.
    init(of source: TelemetryImport) throws(NodeError) {
        let node = source.documents.node
        let view = try node.view()
        let head = try view.get(TelemetryHead.self, source.machine) ?? TelemetryHead(id: source.machine)
        nextSequence = head.nextSequence
        var previous = Digest.zero
        let anchors = try view.records(
            AnchorRecord.self, keysBeginWith: ChainPosition.prefix(of: source.machine))
        // The last batch tells all that stands; whether a failure begins in it, the one before must tell.
        var standing = StandingState()
        var fault: TelemetryEntry?
        let now = try node.ledgerTime()
        let contested = try view.contests(of: source.machine).filter { $0.stands <= now }.map(\.id)
        for anchor in anchors.suffix(2) {
            do {
                previous = try AnchoredBatch(anchor, documents: source.documents, view: view)
                    .read(after: nil) { entry throws(NodeError) in
                        fault = standing.take(entry) ? entry : nil
                    }
            } catch {
                // A batch that counts as a gap and that the customer cannot read either: what follows begins
                // anew. One that it can read still tells how the machine stood, and is its proof.
                guard contested.contains(anchor.id), error.isOfTelemetry else { throw error }
                (previous, standing, fault) = (.zero, StandingState(), nil)
            }
        }
        self.standing = standing
        // A batch ends with a failure that begins, so only the last entry can be one that nobody acted on.
        if let fault, let last = anchors.last, source.options.reportsFaults, last.id.number == head.number,
            try !source.hasTicket(for: fault, since: last.anchored, view)
        {
            unreportedFault = fault
        }
        writer = BatchWriter(machine: source.machine, device: source.device, previous: previous)
    }

    var count: Int { writer.count }

    /// - Returns: whether a failure begins with the entry.
    /// - Throws: `import.not_contiguous`, `cbor.*`.
    mutating func append(_ entry: TelemetryEntry) throws -> Bool {
        guard entry.sequence == nextSequence else {
            throw NodeError(
                "import.not_contiguous",
                "the source goes on with entry \(entry.sequence), the ledger expects \(nextSequence)")
        }
        let begins = standing.take(entry)
        try writer.append(writer.count == 0 ? standing.full(entry) : entry)
        nextSequence += 1
        return begins
    }

    mutating func finish() throws -> BatchWriter.Batch? { try writer.finish() }
}
