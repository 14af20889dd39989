import Billing
import Codec
import Contracts
import Ledger

/// Reads a machine's telemetry from the vault, checks it against the ledger, and totals it.
package struct MeteringService: Sendable {
    private let documents: DocumentService
    private var node: any LedgerAccess { documents.node }

    package init(_ documents: DocumentService) { self.documents = documents }

    /// What the machine did in a period while it was in service, by its own reporting interval.
    /// - Throws: as `usage(of:in:reportingIntervalMilliseconds:asOf:)`.
    package func usage(of machine: MachineID, in period: Interval) throws(NodeError) -> Metering {
        let record = try node.view().existing(MachineRecord.self, machine)
        let spells = try node.timeInService(machine).compactMap { $0.intersection(period) }
        return try usage(
            of: machine, in: spells,
            reportingIntervalMilliseconds: record.reportingIntervalMilliseconds)
    }

    /// What the machine did in stretches of time.
    ///
    /// Entries are read from the last batch before the first stretch, whose first entry says all that is
    /// unchanged, to the first entry at or after the end of the last.
    /// - Parameters:
    ///   - windows: sorted and disjoint, in ms since 1970 UTC.
    ///   - moment: only what was anchored by then counts, and what contests stood; nil for everything on the
    ///     ledger now. Then a batch whose contest is open and that cannot be read is passed over as a gap, so
    ///     that what else is wrong shows at once: `Metering.openContests` says that nothing can rest on it.
    ///   - countsContested: also reads batches whose contests stand; else they are gaps that nobody looks
    ///     into, so that all who compute get the same.
    /// - Throws: `metering.*` where anything differs from the ledger; `billing.*`; `vault.io`.
    package func usage(
        of machine: MachineID, in windows: [Interval], reportingIntervalMilliseconds: Int64,
        asOf moment: Timestamp? = nil, countsContested: Bool = false
    ) throws(NodeError) -> Metering {
        let view = try node.view()
        var reading = try Reading(windows: windows, interval: reportingIntervalMilliseconds)
        var previous: Digest?
        if let first = windows.first {
            let contests = try view.contests(of: machine)
            // An invoice is issued no earlier than this, so that a contest that stands now stands then.
            let now: Timestamp
            if let moment { now = moment } else { now = try node.ledgerTime() }
            let chain = try links(
                of: machine, asOf: moment,
                without: countsContested ? [] : contests.filter { $0.stands <= now }, view)
            for link in links(chain, from: first.from) {
                guard case .anchor(let anchor) = link else {
                    // Messages are lost with the entries, so the next one follows an unknown one.
                    previous = nil
                    if case .contested(let anchor) = link { reading.contested.append(anchor) }
                    continue
                }
                if let last = reading.anchors.last, last.device != anchor.device { previous = nil }
                if anchor.id.number == 1 { previous = .zero }
                let contest = contests.first { $0.id == anchor.id }
                let isOpen = contest.map { $0.stands > now } ?? false
                let before = reading
                do {
                    let batch = try AnchoredBatch(anchor, documents: documents, view: view)
                    previous = try batch.read(after: previous) { entry throws(NodeError) in
                        do throws(BillingError) { try reading.take(entry) } catch {
                            throw batch.failure(error, at: entry)
                        }
                    }
                    reading.anchors.append(anchor)
                } catch {
                    guard moment == nil, isOpen, error.isOfTelemetry else { throw error }
                    reading = before
                    reading.contested.append(anchor)
                    previous = nil
                }
                if let contest, isOpen { reading.openContests.append(contest) }
                // Who could not read it began anew behind it.
                if contest != nil, !isOpen { previous = nil }
                if reading.isComplete { break }
            }
        }
        return try reading.metering(rules: node.rules)
    }

    /// The batches that whoever computes a stretch of time may have to read, by the ledger alone: from the
    /// last before it to the first that reaches its end, contested ones too.
    /// - Parameter moment: only what was anchored by then.
    /// - Throws: `metering.broken_chain`.
    func batches(
        of machine: MachineID, tellingOf interval: Interval, asOf moment: Timestamp
    ) throws(NodeError) -> [AnchorRecord] {
        let view = try node.view()
        let standing = try view.contests(of: machine).filter { $0.stands <= moment }
        var batches: [AnchorRecord] = []
        for link in links(
            try links(of: machine, asOf: moment, without: standing, view), from: interval.from)
        {
            switch link {
            case .gap: continue
            case .contested(let anchor): batches.append(anchor)
            case .anchor(let anchor):
                batches.append(anchor)
                if anchor.toMilliseconds >= interval.to { return batches }
            }
        }
        return batches
    }

    /// Where a counter rose most: what to look at where its rise is too large to be billed.
    /// - Parameters:
    ///   - metering: what the counter was read with; its batches are there.
    ///   - windows: the time that counts.
    /// - Returns: the batch and the entry; nil where it never rose.
    /// - Throws: as `usage(of:in:reportingIntervalMilliseconds:asOf:)`.
    func steepestRise(
        of counter: String, of machine: MachineID, in windows: [Interval], _ metering: Metering
    ) throws(NodeError) -> (batch: AnchorRecord, entry: TelemetryEntry, rise: UInt64)? {
        let view = try node.view()
        var steepest: (batch: AnchorRecord, entry: TelemetryEntry, rise: UInt64)?
        var before: UInt64?
        for number in metering.anchors.map(Array.init) ?? [] where !metering.contested.contains(number) {
            let position = ChainPosition(machine: machine, number: number)
            guard let anchor = try view.get(AnchorRecord.self, position) else { continue }
            let batch = try AnchoredBatch(anchor, documents: documents, view: view)
            _ = try batch.read(after: nil) { entry in
                guard
                    let value = entry.counters.first(where: { $0.name.utf8.elementsEqual(counter.utf8) })?
                        .value
                else { return }
                let rise = before.map { value < $0 ? value : value - $0 } ?? 0
                before = value
                guard rise > steepest?.rise ?? 0, windows.contains(where: { $0.contains(entry.time) }) else {
                    return
                }
                steepest = (anchor, entry, rise)
            }
        }
        return steepest
    }

    /// An anchor or a gap.
    private enum Link {
        case anchor(AnchorRecord)
        case gap(GapRecord)
        /// An anchor that counts as a gap.
        case contested(AnchorRecord)

        var number: UInt64 {
            switch self {
            case .anchor(let anchor), .contested(let anchor): anchor.id.number
            case .gap(let gap): gap.id.number
            }
        }

        var sequences: ClosedRange<UInt64> {
            switch self {
            case .anchor(let anchor), .contested(let anchor): anchor.first...anchor.last
            case .gap(let gap): gap.first...gap.last
            }
        }
    }

    /// A machine's chain, in order.
    /// - Parameter contests: those that stand.
    /// - Throws: `metering.broken_chain` where the ledger's own records do not follow one another.
    private func links(
        of machine: MachineID, asOf moment: Timestamp?, without contests: [ContestRecord], _ view: StateView
    ) throws(NodeError) -> [Link] {
        let chain = ChainPosition.prefix(of: machine)
        let moment = moment ?? .maximum
        let anchors = try view.records(AnchorRecord.self, keysBeginWith: chain)
            .filter { $0.anchored <= moment }
        let gaps = try view.records(GapRecord.self, keysBeginWith: chain)
            .filter { $0.declared <= moment }
        let contested = Set(contests.map(\.id))
        let all =
            (anchors.map { contested.contains($0.id) ? Link.contested($0) : .anchor($0) }
            + gaps.map { Link.gap($0) }).sorted { $0.number < $1.number }
        for (before, after) in zip(all, all.dropFirst())
        where after.number != before.number + 1
            || after.sequences.lowerBound != before.sequences.upperBound + 1
        {
            throw NodeError("metering.broken_chain", "\(machine)'s anchors do not follow one another")
        }
        return all
    }

    /// The part of a chain from the last anchor that ends before a time.
    private func links(_ all: [Link], from time: Int64) -> [Link] {
        let reaching = all.firstIndex { link in
            guard case .anchor(let anchor) = link else { return false }
            return anchor.toMilliseconds >= time
        }
        let start = all[..<(reaching ?? all.count)].lastIndex { link in
            if case .anchor = link { true } else { false }
        }
        return Array(all[(start ?? 0)...])
    }
}

/// A timeline that is being fed, and what it was fed from.
private struct Reading {
    private var timeline: Timeline
    private let end: Int64?
    private var latest = Int64.min
    private var entries: UInt64 = 0
    var anchors: [AnchorRecord] = []
    var contested: [AnchorRecord] = []
    var openContests: [ContestRecord] = []
    private let windows: [Interval]

    init(windows: [Interval], interval: Int64) throws(NodeError) {
        do { timeline = try Timeline(windows: windows, reportingIntervalMilliseconds: interval) } catch {
            throw NodeError(error)
        }
        (self.windows, end) = (windows, windows.last?.to)
    }

    var isComplete: Bool { end.map { latest >= $0 } ?? true }

    mutating func take(_ entry: TelemetryEntry) throws(BillingError) {
        entries += 1
        // What follows the end is verified with its batch but no longer counts.
        guard !isComplete else { return }
        try timeline.feed(entry)
        latest = max(latest, entry.time)
    }

    func metering(rules: Rules) throws(NodeError) -> Metering {
        do {
            var usage = try Usage.combined(timeline.usage())
            // Of what nobody has read, only the ledger's word on its times is there.
            for anchor in contested where anchor.touches(windows) {
                usage.note(
                    .contested,
                    .init(
                        sequence: anchor.first, time: anchor.fromMilliseconds,
                        amount: Int64(clamping: anchor.count)))
            }
            let numbers = anchors.first.flatMap { first in anchors.last.map { first.id.number...$0.id.number }
            }
            return Metering(
                usage: usage, anchors: numbers, contested: contested.map(\.id.number),
                openContests: openContests,
                root: Metering.root(over: anchors.map(\.root), hash: rules.hash), entries: entries,
                isComplete: isComplete)
        } catch {
            guard let first = anchors.first, let last = anchors.last else { throw NodeError(error) }
            throw NodeError(
                error.code.rawValue,
                "batches \(first.id.number) to \(last.id.number) of \(first.id.machine): \(error.detail)")
        }
    }
}

extension StateView {
    /// Contests of a machine's batches, by the anchors' numbers.
    func contests(of machine: MachineID) throws(NodeError) -> [ContestRecord] {
        try records(ContestRecord.self, keysBeginWith: ChainPosition.prefix(of: machine))
    }
}

extension LedgerAccess {
    /// A time that no later block falls behind: consensus time, or a demonstration's clock, which is ahead
    /// of it.
    func ledgerTime() throws(NodeError) -> Timestamp { clock.isSimulated ? clock.now : try head().time }
}

extension NodeError {
    /// Whether a batch cannot be had, opened, believed, or counted.
    var isOfTelemetry: Bool { code.hasPrefix("metering.") || code.hasPrefix("billing.") }

    /// Billing's own code and words.
    init(_ error: BillingError) {
        self.init(error.code.rawValue, error.detail.isEmpty ? "it cannot be computed" : error.detail)
    }
}
