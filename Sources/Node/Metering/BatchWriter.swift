import Billing
import Codec
import Contracts
import Cryptography
import Ledger
import Merkle

/// Signs entries into messages and messages into a batch, as the machine's device does.
struct BatchWriter {
    /// A batch that is ready to be sealed.
    struct Batch {
        let content: TelemetryBatch
        let first, last: UInt64
        let fromMilliseconds, toMilliseconds: Int64
        let root: Digest

        var count: UInt64 { last - first + 1 }
    }

    /// Entries in one message.
    static let messageEntries = 64

    private let machine: MachineID
    private let device: MessageSigner
    /// The SHA-256 of the last message; zeros where there is none.
    private var previous: Digest
    private var entries: [TelemetryEntry] = []
    private var messages: [Bytes] = []
    private var log = LogFrontier()
    private var sequences: (first: UInt64, last: UInt64)?
    private var times: (from: Int64, to: Int64) = (.max, .min)

    init(machine: MachineID, device: MessageSigner, previous: Digest) {
        (self.machine, self.device, self.previous) = (machine, device, previous)
    }

    var count: Int { Int(log.size) + entries.count }

    mutating func append(_ entry: TelemetryEntry) throws(CodecError) {
        entries.append(entry)
        sequences = (sequences?.first ?? entry.sequence, entry.sequence)
        times = (min(times.from, entry.time), max(times.to, entry.time))
        if entries.count == BatchWriter.messageEntries { try sign() }
    }

    private mutating func sign() throws(CodecError) {
        let message = TelemetryMessage(machine: machine.text, previous: previous, entries: entries)
        let bytes = try message.signed(by: device, hash: SHA256.hash)
        try TelemetryBatch.append(entries, to: &log, hash: SHA256.hash)
        messages.append(Bytes(bytes))
        previous = SHA256.digest(bytes)
        entries = []
    }

    /// What was appended since the last call; nil where that is nothing.
    mutating func finish() throws(CodecError) -> Batch? {
        if !entries.isEmpty { try sign() }
        guard let sequences else { return nil }
        let batch = Batch(
            content: TelemetryBatch(machine: machine.text, messages: messages), first: sequences.first,
            last: sequences.last, fromMilliseconds: times.from, toMilliseconds: times.to,
            root: log.root(hash: SHA256.hash))
        (messages, log, self.sequences, times) = ([], LogFrontier(), nil, (.max, .min))
        return batch
    }
}

/// What a machine's entries say together: each leaves out what is unchanged since the one before.
struct StandingState {
    private(set) var state: MachineState?
    private var mode: MachineMode?
    private var counters: [TelemetryEntry.Counter] = []
    /// The last state that was not Unknown: a failure that is out of sight for a while is still one.
    private var lastKnown: MachineState?

    /// Takes the next entry in.
    /// - Returns: whether a failure begins with it.
    mutating func take(_ entry: TelemetryEntry) -> Bool {
        let begins =
            entry.fault != nil || (entry.state == .outOfService && lastKnown != .outOfService)
        if let new = entry.state { state = new }
        if let state, state != .unknown { lastKnown = state }
        mode = entry.mode ?? mode
        for counter in entry.counters {
            let index = counters.firstIndex { !$0.name.utf8.lexicographicallyPrecedes(counter.name.utf8) }
            if let index, counters[index].name.utf8.elementsEqual(counter.name.utf8) {
                counters[index] = counter
            } else {
                counters.insert(counter, at: index ?? counters.count)
            }
        }
        return begins
    }

    /// An entry that was taken in last, with all that is unchanged told again: a batch begins with one, so
    /// that it can be read without those before.
    func full(_ entry: TelemetryEntry) -> TelemetryEntry {
        var full = entry
        (full.state, full.mode, full.counters) = (state, mode, counters)
        return full
    }
}
