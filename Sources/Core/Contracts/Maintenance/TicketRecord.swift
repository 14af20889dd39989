import Billing
import Codec
import Ledger

/// A maintenance ticket, such as `press-7-2026-03`.
package struct TicketID: TextIdentifier {
    package let text: String
    package init(unchecked text: String) { self.text = text }
}

/// One piece of maintenance from its report to its payment.
///
/// State: open for bids → awarded → in progress ↔ on hold → work done → verified → closed; rework reopens
/// it, the customer's silence closes it; it may be cancelled or rejected before work starts, and cancelled
/// when the work is long overdue. Every wait for another company has an end. Reported is a
/// moment, not a state: a ticket is published with its report.
package struct TicketRecord: Record {
    package enum State: String, Codable, Hashable, Sendable, CaseIterable {
        case openForBids, awarded, inProgress, onHold, workDone, verified, closed, cancelled, rejected
        /// The customer asks for rework.
        case reopened
    }

    /// EN 13306.
    package enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
        case correctiveImmediate, correctiveDeferred
        /// Preventive, by the calendar or by use.
        case predetermined
        /// Preventive, by the machine's condition.
        case conditionBased

        package var isPreventive: Bool { self == .predetermined || self == .conditionBased }
    }

    /// When bids are taken and when they are compared.
    package struct Bidding: Codable, Hashable, Sendable {
        /// As announced; a bid that the order has delayed is still taken until `closes`.
        package var deadline: Timestamp
        /// The deadline and the grace window.
        package var closes: Timestamp
        /// The first moment at which a sealed bid can no longer be opened; nil where bids are not sealed.
        package var revealUntil: Timestamp?
        /// When the bids will be compared; nil once they have been and the choice is the client's.
        package var decides: Timestamp?
        /// From opening to the deadline: an extension is as long.
        package var span: Span
        package var extensions: Int64
        /// Bids that stand.
        package var bids: Int64

        package init(
            opened: Timestamp, span: Span, grace: Span, revealWindow: Span?, extensions: Int64 = 0
        ) {
            deadline = opened + span
            closes = deadline + grace
            revealUntil = revealWindow.map { [closes] in closes + $0 }
            decides = revealUntil ?? closes
            (self.span, self.extensions, bids) = (span, extensions, 0)
        }
    }

    package struct Award: Codable, Hashable, Sendable {
        package var maintainer: MemberID
        package var offer: Offer
        package var time: Timestamp
        /// How many valid bids it was chosen from.
        package var candidates: Int64

        /// Whether nobody has come a day after the promised arrival, pauses since the award apart.
        func isForgotten(at now: Timestamp, in ticket: TicketRecord) -> Bool {
            let state = ticket.state == .onHold ? ticket.holds.last?.state : ticket.state
            let due = ticket.pauses(until: now).reduce(max(offer.earliestArrival, time) + .days(1)) {
                time < $1.to ? $0 + ($1.to - max($1.from, time)) : $0
            }
            return state == .awarded && due < now
        }
    }

    package struct Hold: Codable, Hashable, Sendable {
        package var reason: HoldReason
        package var note: String
        package var by: MemberID
        package var from: Timestamp
        package var to: Timestamp?
        /// The state to go back to.
        package var state: State
    }

    /// How long one maintainer's force majeure stops the clocks of a ticket in all: two weeks, longer than
    /// most floods and strikes keep anybody from a machine. What takes longer is for the customer to approve.
    package static let longestPause = Span.days(14)

    /// Where telemetry shows the machine in an up state again.
    package struct Evidence: Codable, Hashable, Sendable {
        /// The anchor's number in the machine's chain, and the entry's in it.
        package var anchor: UInt64
        package var sequence: UInt64
        /// Milliseconds since 1970 UTC.
        package var upSince: Int64

        package init(anchor: UInt64, sequence: UInt64, upSince: Int64) {
            (self.anchor, self.sequence, self.upSince) = (anchor, sequence, upSince)
        }
    }

    /// A reference to the real payment of the repair.
    package struct Payment: Codable, Hashable, Sendable {
        package var reference: String
        package var amount: MinorUnits
        package var date: CivilDate
        package var marked: Timestamp
        package var confirmed: Timestamp?
    }

    package static let table = "ticket"
    package static let indexes = [Index<TicketRecord>("machine") { $0.machine.keyBytes }]

    package var id: TicketID
    package var machine: MachineID
    package var oem: MemberID
    package var customer: MemberID
    /// Who orders the work and pays for it: the customer, or the OEM where it opened the ticket.
    package var client: MemberID
    package var openedBy: KeyID
    /// Whether it was reported: the policy awards only what the machine's standing order covers, and all
    /// else waits for the customer's consent.
    package var isReported: Bool
    package var request: MaintenanceContract.Open
    package var reported: Timestamp
    package var state: State
    package var bidding: Bidding
    package var award: Award?
    /// Who has given an award back: it bids no more on this ticket. At most four.
    package var withdrawn: [MemberID]?
    /// At most 64; only the last may be open.
    package var holds: [Hold]
    /// On site or remote, the first and the latest time.
    package var firstStarted: Timestamp?
    package var lastStarted: Timestamp?
    package var visits: Int64
    /// While work is awaited that has begun: when the client may cancel it, pauses not counted.
    package var workDue: Timestamp?
    package var report: RepairReport?
    package var evidence: Evidence?
    package var reworks: Int64
    /// Why it was cancelled, rejected or last reopened.
    package var reason: String?
    /// While a completed repair waits for the customer: when silence accepts it.
    package var acceptanceDue: Timestamp?
    /// When silence took the place of what the customer had not said: that the repair is verified, or that
    /// the ticket is closed.
    package var deemedAccepted: Timestamp?
    package var closed: Timestamp?
    /// Solved on the first visit, and no same fault within 30 days so far; nil until it is closed.
    package var firstTimeFix: Bool?
    package var payment: Payment?

    init(
        _ request: MaintenanceContract.Open, machine: MachineRecord, client: MemberID, openedBy: KeyID,
        isReported: Bool = false, reported: Timestamp, bidding: Bidding
    ) {
        (id, self.machine, oem, customer) = (request.ticket, machine.id, machine.oem, machine.customer)
        (self.client, self.openedBy, self.request) = (client, openedBy, request)
        self.isReported = isReported
        (self.reported, self.bidding, state) = (reported, bidding, .openForBids)
        (holds, visits, reworks) = ([], 0, 0)
    }
}

extension TicketRecord {
    /// When work that begins or is asked for again now may be cancelled where nothing is reported: after
    /// twice the time that was promised for it, and a day at least.
    func workDue(from now: Timestamp) -> Timestamp? {
        award.map { now + max(.days(1), .minutes(2 * $0.offer.durationMinutes)) }
    }

    /// Whether the client may cancel work that has begun. A hold that stops the clocks stops this one too.
    func isOverdue(at now: Timestamp) -> Bool {
        guard let workDue else { return false }
        return (state == .onHold ? workDue + lastPause(until: now) : workDue) <= now
    }

    /// How long the last hold has stopped the clocks.
    func lastPause(until now: Timestamp) -> Span {
        guard let pause = pauses(until: now).last, pause.hold == holds.count - 1 else { return .seconds(0) }
        return pause.to - pause.from
    }

    /// The times in which the clocks stand, in order, each with the index of its hold. A maintainer's word
    /// of force majeure stops them for `longestPause` in all, so that nobody rests on it for ever. The
    /// customer's word has no bound, nor has the maintainer's that the customer does not let it in: the
    /// customer ends that itself, and must not gain by keeping its gate shut.
    func pauses(until end: Timestamp) -> [(hold: Int, from: Timestamp, to: Timestamp)] {
        var pauses: [(hold: Int, from: Timestamp, to: Timestamp)] = []
        for (index, hold) in holds.enumerated() where hold.reason.pausesClocks {
            var to = min(hold.to ?? end, end)
            if hold.by != customer, hold.reason == .forceMajeure {
                let left = pauses.reduce(TicketRecord.longestPause.nanoseconds) { left, pause in
                    let other = holds[pause.hold]
                    return other.by == hold.by && other.reason == .forceMajeure
                        ? left - (pause.to - pause.from).nanoseconds : left
                }
                to = min(to, hold.from + Span(nanoseconds: left))
            }
            if hold.from < to { pauses.append((index, hold.from, to)) }
        }
        return pauses
    }

    /// How long a completed repair waits for the customer where the ticket does not say.
    package static let standardAcceptance = Span.days(14)

    /// Response: from the report to the start on site or remote, without pauses; nil before the start.
    package var responseTime: Span? { firstStarted.map(elapsed(until:)) }

    /// Resolution: from the report to the machine's return to an up state, without pauses; nil before it is
    /// shown.
    package var resolutionTime: Span? {
        evidence.map { elapsed(until: Timestamp(milliseconds: $0.upSince)) }
    }

    /// Whether the agreed time was kept; nil where there is none or the clock still runs.
    package var isResponseInTime: Bool? { TicketRecord.isKept(responseTime, request.tender.respondWithin) }
    package var isResolutionInTime: Bool? {
        TicketRecord.isKept(resolutionTime, request.tender.resolveWithin)
    }

    private static func isKept(_ time: Span?, _ limit: Span?) -> Bool? {
        guard let time, let limit else { return nil }
        return time <= limit
    }

    /// Time since the report, less the holds that stop the clocks.
    package func elapsed(until end: Timestamp) -> Span {
        var elapsed = (max(end, reported) - reported).nanoseconds
        // Holds follow one another within the elapsed time, so this stays at or above zero.
        for pause in pauses(until: end) {
            let from = max(pause.from, reported)
            if from < pause.to { elapsed -= (pause.to - from).nanoseconds }
        }
        return Span(nanoseconds: elapsed)
    }

    /// Whether the maintainer arrived when it had promised, pauses before that allowed.
    package var isOnTime: Bool {
        guard let award, let responseTime else { return false }
        return responseTime <= max(award.offer.earliestArrival, reported) - reported
    }
}
