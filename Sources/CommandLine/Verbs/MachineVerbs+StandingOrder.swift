import Billing
import Contracts
import Ledger
import Node

extension MachineVerbs {
    static let setStandingOrder = Verb(
        "machine set-standing-order", "say what a machine may order by itself when it fails (customer)",
        detail: """
            A device reports a fault and nothing else. Bids are taken as you say here, and the policy awards \
            one of at most --price-limit, until --ceiling has been awarded in all. Anything dearer waits for \
            your ticket award, as does everything where there is no order. A new order takes the place of \
            the old one and its ceiling counts from zero.
            """,
        options: [
            machine, .value("price-limit", "AMOUNT", "the most that one repair may cost, such as 2500.00"),
            .value("ceiling", "AMOUNT", "the most that all of them may cost until you say more"),
            .value("currency", "CODE", "of both, and of the bids, such as EUR"),
            .value("policy", "POLICY", "bestScore (the default), firstComeFirstServed, customersChoice"),
            .value("weights", "P/A/R", "bestScore: percent for price, arrival, record (default 50/30/20)"),
            .value("bids", "N", "bestScore: decide after so many bids, before the deadline"),
            .value("bidding", "TIME", "how long bids are taken (default 1h)"),
            .value("respond-within", "TIME", "target: from the report to the start of work (default 4h)"),
            .value("resolve-within", "TIME", "target: from the report to the machine's return (default 24h)"),
            .value("accept-within", "TIME", "after it your silence accepts the work (default 14d)"),
            .flag("none", "takes the order back: every award waits for you"),
        ] + Option.signing,
        examples: [
            "millwright machine set-standing-order press-7 --as stamper --price-limit 2500.00 "
                + "--ceiling 10000.00 --currency EUR"
        ]
    ) { invocation in
        let machine: MachineID = try invocation.identifier("machine")
        let order = try order(invocation)
        let saying =
            order.map {
                "\(machine) may order repairs up to \(Output.amount($0.priceLimit, $0.tender.currency))"
            }
            ?? "\(machine) orders nothing without you"
        try await Session.with(invocation) { session in
            try await session.perform(
                MachineContract.self, .setStandingOrder(.init(machine: machine, order: order)), saying: saying
            )
        }
    }

    private static func order(_ invocation: Invocation) throws -> StandingOrder? {
        if invocation.has("none") {
            guard !invocation.has("price-limit"), !invocation.has("ceiling") else {
                throw UsageError("cli.bad_value", "--none takes the order back: it has no limits")
            }
            return nil
        }
        guard let currency = try invocation.currency(),
            let limit = try invocation.amount("price-limit", in: currency),
            let ceiling = try invocation.amount("ceiling", in: currency)
        else {
            throw UsageError(
                "cli.missing_option",
                "machine set-standing-order needs --price-limit, --ceiling and --currency, or --none")
        }
        return StandingOrder(
            policy: try MaintenanceVerbs.policy(invocation, default: "bestScore"),
            biddingSpan: try invocation.span("bidding") ?? .hours(1), currency: currency, priceLimit: limit,
            ceiling: ceiling, respondWithin: try invocation.span("respond-within") ?? .hours(4),
            resolveWithin: try invocation.span("resolve-within") ?? .hours(24),
            acceptWithin: try invocation.span("accept-within"))
    }
}
