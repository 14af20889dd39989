import Billing
import Codec
import Ledger

extension MaintenanceContract {
    /// What members sign. The CBOR form is `{ name: body }`.
    package enum Action: Codable, Hashable, Sendable {
        /// Customer; OEM for preventive work.
        case open(Open)
        /// Customer or the machine's device: a fault, to be repaired as the machine's standing order says.
        case report(Report)
        /// Maintainer that the machine's OEM has accredited.
        case bid(Bid)
        /// The maintainer opens its sealed bid.
        case reveal(Reveal)
        /// The maintainer, while bids are taken; the awarded one, before it starts.
        case withdrawBid(WithdrawBid)
        /// The client, where the choice is its own or its consent is wanted.
        case award(AwardBid)
        /// Maintainer, as are the next four; a hold and its end may be the customer's too.
        case startWork(StartWork)
        case hold(PutOnHold)
        case resume(Resume)
        case complete(Complete)
        /// Customer, with the telemetry that shows the machine up again.
        case verify(Verify)
        /// Customer.
        case close(Close)
        /// Customer, three times at most and before its silence accepts: the work is not done yet.
        case rework(Rework)
        /// Customer, before work starts: there is nothing to maintain.
        case reject(Reject)
        /// The client, before work starts or when it is long overdue.
        case cancel(Cancel)
        /// The client, once the ticket is closed.
        case markPaid(MarkPaid)
        /// Maintainer.
        case confirmPayment(ConfirmPayment)
    }

    /// What is asked for. The record keeps it as it was signed, or as the standing order has it.
    package struct Open: Codable, Hashable, Sendable {
        package var ticket: TicketID
        package var machine: MachineID
        package var kind: TicketRecord.Kind
        /// 1 (the machine is down) to 4 (when convenient).
        package var priority: Int64
        /// The machine's own code, 1 to 64 bytes.
        package var faultCode: String
        /// As it looks to whoever opens the ticket.
        package var failureMode: FailureMode?
        /// At most 2000 bytes.
        package var description: String
        /// At most 32, such as pictures of the damage.
        package var documents: [DocumentReference]
        package var tender: Tender
        /// Bids are sealed, and opened within this after the deadline: one minute to 7 days.
        package var revealWindow: Span?

        package init(
            ticket: TicketID, machine: MachineID, kind: TicketRecord.Kind, priority: Int64, faultCode: String,
            failureMode: FailureMode? = nil, description: String = "", documents: [DocumentReference] = [],
            tender: Tender, revealWindow: Span? = nil
        ) {
            (self.ticket, self.machine, self.kind, self.priority) = (ticket, machine, kind, priority)
            (self.faultCode, self.failureMode, self.description) = (faultCode, failureMode, description)
            (self.documents, self.tender, self.revealWindow) = (documents, tender, revealWindow)
        }

        package init(
            ticket: TicketID, machine: MachineID, kind: TicketRecord.Kind, priority: Int64, faultCode: String,
            failureMode: FailureMode? = nil, description: String = "", documents: [DocumentReference] = [],
            policy: SelectionPolicy, biddingSpan: Span, revealWindow: Span? = nil, currency: CurrencyCode,
            respondWithin: Span? = nil, resolveWithin: Span? = nil, acceptWithin: Span? = nil
        ) {
            self.init(
                ticket: ticket, machine: machine, kind: kind, priority: priority, faultCode: faultCode,
                failureMode: failureMode, description: description, documents: documents,
                tender: Tender(
                    policy: policy, biddingSpan: biddingSpan, currency: currency,
                    respondWithin: respondWithin, resolveWithin: resolveWithin, acceptWithin: acceptWithin),
                revealWindow: revealWindow)
        }
    }

    /// A fault as a device tells it, each part as in `Open`. How it is repaired, and what that may cost, is
    /// not a device's to say.
    package struct Report: Codable, Hashable, Sendable {
        package var ticket: TicketID
        package var machine: MachineID
        package var kind: TicketRecord.Kind
        package var priority: Int64
        package var faultCode: String
        package var failureMode: FailureMode?
        package var description: String
        package var documents: [DocumentReference]

        package init(
            ticket: TicketID, machine: MachineID, kind: TicketRecord.Kind, priority: Int64, faultCode: String,
            failureMode: FailureMode? = nil, description: String = "", documents: [DocumentReference] = []
        ) {
            (self.ticket, self.machine, self.kind, self.priority) = (ticket, machine, kind, priority)
            (self.faultCode, self.failureMode, self.description) = (faultCode, failureMode, description)
            self.documents = documents
        }
    }

    package struct Bid: Codable, Hashable, Sendable {
        package enum Content: Codable, Hashable, Sendable {
            case offer(Offer)
            /// `MaintenanceContract.commitment`.
            case sealed(Digest)
        }

        package var ticket: TicketID
        package var content: Content

        package init(ticket: TicketID, content: Content) { (self.ticket, self.content) = (ticket, content) }
    }

    package struct Reveal: Codable, Hashable, Sendable {
        package var ticket: TicketID
        package var offer: Offer
        /// 16 to 64 bytes that nobody can guess.
        package var salt: Bytes

        package init(ticket: TicketID, offer: Offer, salt: Bytes) {
            (self.ticket, self.offer, self.salt) = (ticket, offer, salt)
        }
    }

    package struct AwardBid: Codable, Hashable, Sendable {
        package var ticket: TicketID
        package var maintainer: MemberID

        package init(ticket: TicketID, maintainer: MemberID) {
            (self.ticket, self.maintainer) = (ticket, maintainer)
        }
    }

    package struct PutOnHold: Codable, Hashable, Sendable {
        package var ticket: TicketID
        package var reason: HoldReason
        /// At most 500 bytes.
        package var note: String

        package init(ticket: TicketID, reason: HoldReason, note: String = "") {
            (self.ticket, self.reason, self.note) = (ticket, reason, note)
        }
    }

    package struct Complete: Codable, Hashable, Sendable {
        package var ticket: TicketID
        package var report: RepairReport

        package init(ticket: TicketID, report: RepairReport) { (self.ticket, self.report) = (ticket, report) }
    }

    package struct Verify: Codable, Hashable, Sendable {
        package var ticket: TicketID
        package var evidence: TicketRecord.Evidence

        package init(ticket: TicketID, evidence: TicketRecord.Evidence) {
            (self.ticket, self.evidence) = (ticket, evidence)
        }
    }

    package struct MarkPaid: Codable, Hashable, Sendable {
        package var ticket: TicketID
        /// The real payment's reference, 1 to 140 bytes.
        package var reference: String
        package var date: CivilDate

        package init(ticket: TicketID, reference: String, date: CivilDate) {
            (self.ticket, self.reference, self.date) = (ticket, reference, date)
        }
    }

    package struct ConfirmPayment: Codable, Hashable, Sendable {
        package var ticket: TicketID
        /// False says that nothing arrived.
        package var received: Bool

        package init(ticket: TicketID, received: Bool = true) {
            (self.ticket, self.received) = (ticket, received)
        }
    }

    /// An action that needs no more than its ticket.
    package struct TicketOnly: Codable, Hashable, Sendable {
        package var ticket: TicketID

        package init(ticket: TicketID) { self.ticket = ticket }
    }

    /// An action with a reason, 1 to 500 bytes.
    package struct TicketReason: Codable, Hashable, Sendable {
        package var ticket: TicketID
        package var reason: String

        package init(ticket: TicketID, reason: String) { (self.ticket, self.reason) = (ticket, reason) }
    }

    package typealias WithdrawBid = TicketOnly
    package typealias StartWork = TicketOnly
    package typealias Resume = TicketOnly
    package typealias Close = TicketOnly
    package typealias Rework = TicketReason
    package typealias Reject = TicketReason
    package typealias Cancel = TicketReason
}
