import Billing
import Codec
import Contracts
import Cryptography
import Ledger
import Node

/// Maintenance tickets: asking for work, bidding, awarding. Work and payment are in the other part.
enum MaintenanceVerbs {
    static let all: [Verb] = [
        open, report, bid, reveal, withdrawBid, award, startWork, hold, resume, complete, verify, close,
        rework,
        reject, cancel, markPaid, confirmPayment,
    ]

    static let ticket = Option.positional("ticket", "the ticket's short name")

    static func names<T: CaseIterable & RawRepresentable>(_ type: T.Type) -> String
    where T.RawValue == String {
        T.allCases.map(\.rawValue).joined(separator: ", ")
    }

    /// A verb that needs no more than the ticket.
    static func simple(
        _ word: String, _ summary: String, detail: String = "", by member: String, saying: String,
        _ action: @escaping @Sendable (MaintenanceContract.TicketOnly) -> MaintenanceContract.Action
    ) -> Verb {
        Verb(
            "ticket \(word)", summary, detail: detail, options: [ticket] + Option.signing,
            examples: ["millwright ticket \(word) t-1 --as \(member)"]
        ) { invocation in
            let ticket: TicketID = try invocation.identifier("ticket")
            try await Session.with(invocation) { session in
                try await session.perform(
                    MaintenanceContract.self, action(.init(ticket: ticket)), saying: "\(ticket): \(saying)")
            }
        }
    }

    /// A verb that needs the ticket and a reason.
    static func reasoned(
        _ word: String, _ summary: String, by member: String, reason: String, saying: String,
        _ action: @escaping @Sendable (MaintenanceContract.TicketReason) -> MaintenanceContract.Action
    ) -> Verb {
        Verb(
            "ticket \(word)", summary,
            options: [ticket, .value("reason", "TEXT", "why", required: true)] + Option.signing,
            examples: ["millwright ticket \(word) t-1 --as \(member) --reason \"\(reason)\""]
        ) { invocation in
            let ticket: TicketID = try invocation.identifier("ticket")
            let reason = try invocation.required("reason")
            try await Session.with(invocation) { session in
                try await session.perform(
                    MaintenanceContract.self, action(.init(ticket: ticket, reason: reason)),
                    saying: "\(ticket): \(saying)")
            }
        }
    }

    // MARK: Opening

    static let open = Verb(
        "ticket open", "ask for maintenance (customer; OEM for preventive work)",
        detail: """
            The policy says how the work will be awarded. firstComeFirstServed: the first valid bid. \
            bestScore: by price, arrival and record, weighted by --weights, at the deadline or after --bids \
            bids. customersChoice: you choose with ticket award. With --sealed nobody sees a bid before the \
            deadline; each bidder then opens its own with ticket reveal. Each --document (a picture of the \
            damage) is sealed for the machine's OEM and customer and for the maintainers accredited for it.
            """,
        options: [
            ticket, .value("machine", "MACHINE", "the machine", required: true),
            .value("fault", "CODE", "the machine's own fault code, such as E42", required: true),
            .value("currency", "CODE", "in which bids are made, such as EUR", required: true),
            .value("kind", "KIND", names(TicketRecord.Kind.self) + " (default: the first)"),
            .value("priority", "N", "1 (machine is down, the default) to 4 (when convenient)"),
            .value("failure-mode", "MODE", "as it looks (ISO 14224): " + names(FailureMode.self)),
            .value("description", "TEXT", "what is wrong"),
            .value("policy", "POLICY", "firstComeFirstServed (the default), bestScore, customersChoice"),
            .value("weights", "P/A/R", "bestScore: percent for price, arrival, record (default 50/30/20)"),
            .value("bids", "N", "bestScore: decide after so many bids, before the deadline"),
            .value("bidding", "TIME", "how long bids are taken (default 4h)"),
            .value("sealed", "TIME", "bids are sealed, and opened within TIME after the deadline"),
            .value("respond-within", "TIME", "target: from the report to the start of work"),
            .value("resolve-within", "TIME", "target: from the report to the machine's return"),
            .value("accept-within", "TIME", "after it the customer's silence accepts the work (default 14d)"),
            .document,
        ] + Option.signing,
        examples: [
            "millwright ticket open t-1 --as stamper --machine press-7 --fault E42 "
                + "--currency EUR --policy bestScore --bidding 4h --description \"Oil too hot\""
        ]
    ) { invocation in
        let opening = try opening(invocation)
        try await Session.with(invocation) { session in
            var body = opening
            if invocation.has("document") {
                body.documents = try session.attach(for: try readers(of: body.machine, session))
            }
            try await session.perform(
                MaintenanceContract.self, .open(body), naming: body.documents,
                saying: "\(body.ticket) is open for bids")
        }
    }

    static let report = Verb(
        "ticket report", "report a machine's fault (customer or device)",
        detail: """
            The ticket is awarded as the machine's standing order says (machine set-standing-order); what \
            that does not cover waits for ticket award. With --key device-MACHINE the machine's device signs.
            """,
        options: [
            ticket, .value("machine", "MACHINE", "the machine", required: true),
            .value("fault", "CODE", "the machine's own fault code, such as E42", required: true),
            .value("kind", "KIND", names(TicketRecord.Kind.self) + " (default: the first)"),
            .value("priority", "N", "1 (machine is down, the default) to 4 (when convenient)"),
            .value("failure-mode", "MODE", "as it looks (ISO 14224): " + names(FailureMode.self)),
            .value("description", "TEXT", "what is wrong"),
        ] + Option.signing,
        examples: ["millwright ticket report t-1 --as stamper --machine press-7 --fault E42"]
    ) { invocation in
        let body = MaintenanceContract.Report(
            ticket: try invocation.identifier("ticket"), machine: try invocation.identifier("machine"),
            kind: try invocation.choice("kind") ?? .correctiveImmediate,
            priority: try invocation.integer("priority", in: 1...4) ?? 1,
            faultCode: try invocation.required("fault"), failureMode: try invocation.choice("failure-mode"),
            description: invocation.string("description") ?? "")
        try await Session.with(invocation) { session in
            try await session.perform(
                MaintenanceContract.self, .report(body), saying: "\(body.ticket) is open for bids")
        }
    }

    /// Who may see what a ticket is about: the machine's parties, and those who may bid.
    private static func readers(of id: MachineID, _ session: Session) throws -> [MemberID] {
        let view = try session.node.view()
        let machine = try view.existing(MachineRecord.self, id)
        let now = session.node.clock.now
        let accredited = try view.records(
            AccreditationRecord.self, where: "oem", equals: machine.oem.keyBytes
        ).filter { $0.covers(machine.machineClass, in: machine.site.region, at: now) }
        return [machine.oem, machine.customer] + accredited.map(\.id.maintainer)
    }

    private static func opening(_ invocation: Invocation) throws -> MaintenanceContract.Open {
        guard let currency = try invocation.currency() else {
            throw UsageError("cli.missing_option", "ticket open needs --currency")
        }
        return .init(
            ticket: try invocation.identifier("ticket"), machine: try invocation.identifier("machine"),
            kind: try invocation.choice("kind") ?? .correctiveImmediate,
            priority: try invocation.integer("priority", in: 1...4) ?? 1,
            faultCode: try invocation.required("fault"), failureMode: try invocation.choice("failure-mode"),
            description: invocation.string("description") ?? "",
            policy: try policy(invocation, default: "firstComeFirstServed"),
            biddingSpan: try invocation.span("bidding") ?? .hours(4),
            revealWindow: try invocation.span("sealed"), currency: currency,
            respondWithin: try invocation.span("respond-within"),
            resolveWithin: try invocation.span("resolve-within"),
            acceptWithin: try invocation.span("accept-within"))
    }

    static func policy(_ invocation: Invocation, default standard: String) throws -> SelectionPolicy {
        let name = invocation.string("policy") ?? standard
        guard name == "bestScore" || !(invocation.has("weights") || invocation.has("bids")) else {
            throw UsageError("cli.bad_value", "--weights and --bids belong to --policy bestScore")
        }
        switch name {
        case "firstComeFirstServed": return .firstComeFirstServed
        case "customersChoice": return .customersChoice
        case "bestScore":
            return .bestScore(
                .init(
                    weights: try weights(invocation.string("weights")),
                    minimumBids: try invocation.integer("bids", in: 1...64)))
        default:
            throw UsageError(
                "cli.bad_value",
                "«\(name)» is no policy: firstComeFirstServed, bestScore, customersChoice")
        }
    }

    private static func weights(_ text: String?) throws -> ScoreWeights {
        guard let text else { return .standard }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).compactMap {
            Invocation.decimal(String($0), digits: 4)
        }
        guard parts.count == 3, parts.allSatisfy({ 0...1_000_000 ~= $0 }), parts.reduce(0, +) == 1_000_000
        else {
            throw UsageError(
                "cli.bad_value", "--weights are three percentages that add up to 100, as in 50/30/20")
        }
        return ScoreWeights(
            price: Rate(ppm: parts[0]), arrival: Rate(ppm: parts[1]), record: Rate(ppm: parts[2]))
    }

    // MARK: Bidding

    static let bid = Verb(
        "ticket bid", "offer to do the work (an accredited maintainer)",
        detail: """
            Give a fixed --price, or --per-hour with --not-to-exceed. Where the ticket asks for sealed bids, \
            only a commitment goes to the ledger and the offer is kept here until ticket reveal.
            """,
        options: [
            ticket, .value("price", "AMOUNT", "fixed price, such as 1250.00"),
            .value("per-hour", "AMOUNT", "hourly rate instead of a fixed price"),
            .value("not-to-exceed", "AMOUNT", "with --per-hour: the most it will cost"), .currency,
            .value("arrival", "TIME", "earliest arrival on site, or remote start", required: true),
            .value("duration", "TIME", "how long the work takes, such as 3h", required: true),
            .value("warranty-days", "N", "warranty on the work (default 0)"),
            .value("expires", "TIME", "when the offer lapses", required: true),
        ] + Option.signing,
        examples: [
            "millwright ticket bid t-1 --as fixit --price 1250.00 --currency EUR "
                + "--arrival 2026-03-10T12:00:00Z --duration 3h --warranty-days 90 "
                + "--expires 2026-03-20"
        ]
    ) { invocation in
        let ticket: TicketID = try invocation.identifier("ticket")
        try await Session.with(invocation) { session in
            let request = try session.node.view().existing(TicketRecord.self, ticket).request
            let offer = try offer(invocation, in: try invocation.currency(request.tender.currency))
            guard request.revealWindow != nil else {
                try await session.perform(
                    MaintenanceContract.self, .bid(.init(ticket: ticket, content: .offer(offer))),
                    saying: "bid on \(ticket)")
                return
            }
            let commitment = try SealedBids(session).keep(offer, for: ticket)
            try await session.perform(
                MaintenanceContract.self, .bid(.init(ticket: ticket, content: .sealed(commitment))),
                saying: "sealed bid on \(ticket); open it with ticket reveal")
        }
    }

    private static func offer(_ invocation: Invocation, in currency: CurrencyCode) throws -> Offer {
        let price: Offer.Price
        switch (try invocation.amount("price", in: currency), try invocation.amount("per-hour", in: currency))
        {
        case (let amount?, nil): price = .fixed(amount)
        case (nil, let perHour?):
            price = .rate(
                .init(
                    perHour: perHour,
                    notToExceed: try invocation.requiredAmount("not-to-exceed", in: currency)))
        default:
            throw UsageError(
                "cli.missing_option", "ticket bid needs --price, or --per-hour with --not-to-exceed")
        }
        let duration = try invocation.span("duration") ?? .hours(0)
        guard duration.nanoseconds % Span.minutes(1).nanoseconds == 0 else {
            throw UsageError("cli.bad_value", "--duration is in whole minutes")
        }
        return Offer(
            price: price, currency: currency, earliestArrival: try invocation.requiredTime("arrival"),
            durationMinutes: duration.nanoseconds / Span.minutes(1).nanoseconds,
            warrantyDays: try invocation.integer("warranty-days") ?? 0,
            expires: try invocation.requiredTime("expires"))
    }

    static let reveal = Verb(
        "ticket reveal", "open your sealed bid once bidding has closed (maintainer)",
        options: [ticket] + Option.signing, examples: ["millwright ticket reveal t-1 --as fixit"]
    ) { invocation in
        let ticket: TicketID = try invocation.identifier("ticket")
        try await Session.with(invocation) { session in
            let id = BidRecord.ID(ticket: ticket, maintainer: try session.member())
            guard let bid = try session.node.view().get(BidRecord.self, id), let commitment = bid.commitment
            else {
                throw NegativeAnswer("bid.unknown", "you have no sealed bid on \(ticket)")
            }
            let kept = try SealedBids(session).kept(commitment)
            try await session.perform(
                MaintenanceContract.self,
                .reveal(.init(ticket: ticket, offer: kept.offer, salt: kept.salt)),
                saying: "your bid on \(ticket) is open")
        }
    }

    static let withdrawBid = simple(
        "withdraw-bid", "take your bid back (maintainer)",
        detail: "While bids are taken; the awarded maintainer also before it starts.", by: "fixit",
        saying: "your bid is withdrawn"
    ) { .withdrawBid($0) }

    static let award = Verb(
        "ticket award", "choose a bid, where the choice is yours (client)",
        options: [ticket, .value("maintainer", "MEMBER", "whose bid", required: true)] + Option.signing,
        examples: ["millwright ticket award t-1 --as stamper --maintainer fixit"]
    ) { invocation in
        let body = MaintenanceContract.AwardBid(
            ticket: try invocation.identifier("ticket"), maintainer: try invocation.identifier("maintainer"))
        try await Session.with(invocation) { session in
            try await session.perform(
                MaintenanceContract.self, .award(body), saying: "\(body.ticket) goes to \(body.maintainer)")
        }
    }
}
