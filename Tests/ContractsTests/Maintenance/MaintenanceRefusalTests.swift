import Billing
import Codec
import Contracts
import Ledger
import Testing

@Suite struct MaintenanceRefusalTests {
    typealias Steps = MaintenanceSteps
    typealias Refused = Refusal<MaintenanceContract>
    typealias Before = Steps.Before

    static func opening(
        _ code: String, _ name: String, by signer: String = "customer",
        _ change: (inout MaintenanceContract.Open) -> Void
    ) -> Refused {
        Refused(
            code, name, by: signer, before: Steps.machine,
            Steps.open(.firstComeFirstServed, Steps.id, change))
    }

    @Test(arguments: [
        Refused("machine.unknown", "there is a machine", by: "customer", Steps.open()),
        Refused(
            "maintenance.machine_not_in_use", "the customer has accepted it", by: "customer",
            before: {
                try $0.run(
                    MachineContract.self, .register(ContractHarness.registration("press-7")),
                    as: $0.member("oem"))
            }, Steps.open()),
        Refused(
            "maintenance.exists", "a name is taken once", by: "customer", before: Steps.open, Steps.open()),
        Refused(
            "maintenance.wrong_device", "a device speaks for its machine", signer: .device(of: "press-8"),
            before: Steps.machine, StandingOrderTests.fault()),
        opening("maintenance.not_a_party", "strangers open nothing", by: "oem2") { _ in },
        opening("maintenance.not_preventive", "the OEM only prevents", by: "oem") { _ in },
        opening("maintenance.number_out_of_range", "a priority is 1 to 4") { $0.priority = 5 },
        opening("maintenance.text_too_short", "a fault has a code") { $0.faultCode = "" },
        opening("maintenance.text_too_long", "a description has a bound") {
            $0.description = String(repeating: "x", count: 2001)
        },
        opening("maintenance.number_out_of_range", "bids take a minute") {
            $0.tender.biddingSpan = .seconds(59)
        },
        opening("maintenance.number_out_of_range", "bids take at most 90 days") {
            $0.tender.biddingSpan = .days(91)
        },
        opening("maintenance.number_out_of_range", "a target is positive") {
            $0.tender.respondWithin = .seconds(0)
        },
        opening("maintenance.number_out_of_range", "silence accepts after an hour") {
            $0.tender.acceptWithin = Span(nanoseconds: Span.hours(1).nanoseconds - 1)
        },
        opening("maintenance.number_out_of_range", "silence accepts within a year") {
            $0.tender.acceptWithin = .days(367)
        },
        opening("maintenance.number_out_of_range", "opening takes a minute") {
            $0.revealWindow = .seconds(1)
        },
        opening("maintenance.cid_malformed", "a document is in the vault") {
            $0.documents = [ContractHarness.document("x")]
            $0.documents[0].cid = "x"
        },
        opening("maintenance.sealed_needs_deadline", "first come and sealed do not go together") {
            $0.revealWindow = .hours(1)
        },
        opening("maintenance.sealed_needs_deadline", "nor do a minimum and sealed") {
            ($0.tender.policy, $0.revealWindow) = (Steps.best(minimum: 2), .hours(1))
        },
        opening("maintenance.weights_invalid", "weights add up") {
            $0.tender.policy = Steps.best(.init(price: .whole, arrival: Rate(ppm: 1), record: .zero))
        },
        opening("maintenance.weights_invalid", "weights are not negative") {
            $0.tender.policy = Steps.best(
                .init(price: Rate(ppm: 1_000_001), arrival: Rate(ppm: -1), record: .zero))
        },
        opening("maintenance.weights_invalid", "weights do not overflow") {
            $0.tender.policy = Steps.best(
                .init(price: Rate(ppm: .max), arrival: Rate(ppm: .max), record: Rate(ppm: 1_000_002)))
        },
        opening("maintenance.number_out_of_range", "a minimum is one bid") {
            $0.tender.policy = Steps.best(minimum: 0)
        },
    ])
    func refusesToOpen(_ refused: Refused) throws { try refused.checkWithDeadlines() }

    static func bidding(
        _ code: String, _ name: String, _ change: (inout Offer) -> Void
    ) -> Refused {
        Refused(code, name, by: "m1", before: Steps.open, Steps.bid(50_000, change))
    }

    @Test(arguments: [
        Refused("ticket.unknown", "there is a ticket", by: "m1", before: Steps.machine, Steps.bid()),
        Refused(
            "maintenance.role_required", "maintainers bid", by: "customer", before: Steps.open, Steps.bid()),
        Refused(
            "maintenance.not_accredited", "a maintainer is accredited", by: "m1",
            before: {
                try $0.acceptedMachine("press-7")
                try $0.maintenance(Steps.open(), by: "customer")
            }, Steps.bid()),
        Refused("maintenance.wrong_state", "bids are wanted", by: "m2", before: Steps.awarded, Steps.bid()),
        Refused(
            "maintenance.bidding_closed", "bidding closes", by: "m2",
            before: {
                try Steps.choice($0)
                try $0.maintenance(Steps.bid(), by: "m1")
                $0.advance(to: Steps.start + .hours(1) + Steps.grace)
            }, Steps.bid()),
        Refused(
            "maintenance.already_bid", "a maintainer bids once", by: "m1",
            before: {
                try Steps.open($0)
                try $0.maintenance(Steps.bid(), by: "m1")
            }, Steps.bid(40_000)),
        Refused(
            "maintenance.too_many_bids", "bids have a bound", by: "m1",
            before: {
                try Steps.open($0)
                try $0.change(TicketRecord.self, Steps.id) { $0.bidding.bids = 64 }
            }, Steps.bid()),
        Refused(
            "maintenance.sealed_bids_only", "sealed means sealed", by: "m1", before: Steps.sealed, Steps.bid()
        ),
        Refused(
            "maintenance.open_bids_only", "open means open", by: "m1", before: Steps.open,
            .bid(.init(ticket: Steps.id, content: .sealed(.zero)))),
        bidding("maintenance.other_currency", "bids compare in one currency") {
            $0.currency = CurrencyCode(rawValue: "CHF")!
        },
        bidding("maintenance.number_out_of_range", "a price is not negative") {
            $0.price = .fixed(MinorUnits(-1))
        },
        bidding("maintenance.number_out_of_range", "a price has a bound") {
            $0.price = .fixed(MinorUnits(1_000_000_000_000_001))
        },
        bidding("maintenance.number_out_of_range", "a rate is not negative") {
            $0.price = .rate(.init(perHour: MinorUnits(-1), notToExceed: MinorUnits(1)))
        },
        bidding("maintenance.number_out_of_range", "work takes time") { $0.durationMinutes = 0 },
        bidding("maintenance.number_out_of_range", "a warranty has a bound") { $0.warrantyDays = 3651 },
        bidding("maintenance.arrival_out_of_range", "nobody arrives before the report") {
            $0.earliestArrival = Timestamp(nanoseconds: Steps.start.nanoseconds - 1)
        },
        bidding("maintenance.arrival_out_of_range", "nobody arrives after a year") {
            $0.earliestArrival = Steps.start + .days(367)
        },
        bidding("maintenance.bid_expired", "a bid holds for a while") { $0.expires = Steps.start },
        Refused(
            "bid.unknown", "only a bid is withdrawn", by: "m1", before: Steps.open, .withdrawBid(Steps.only)),
        Refused(
            "maintenance.wrong_state", "an award is its holder's", by: "m2",
            before: {
                try Steps.open($0)
                try $0.maintenance(Steps.bid(90_000), by: "m2")
                try $0.maintenance(Steps.bid(50_000), by: "m1")
                $0.advance(by: Steps.grace)
            }, .withdrawBid(Steps.only)),
        Refused(
            "maintenance.bidding_closed", "a bid is binding once bidding has closed", by: "m1",
            before: {
                try Steps.choice($0)
                try $0.maintenance(Steps.bid(), by: "m1")
                $0.advance(by: .hours(2))
            }, .withdrawBid(Steps.only)),
        Refused(
            "maintenance.wrong_state", "work that has begun is not given back", by: "m1",
            before: Steps.inProgress, .withdrawBid(Steps.only)),
    ])
    func refusesToBid(_ refused: Refused) throws { try refused.checkWithDeadlines() }

    /// After a sealed bid of `m1`, and some time.
    static func committed(_ span: Span) -> Before {
        { harness in
            try Steps.sealed(harness)
            try harness.maintenance(try Steps.seal(50_000, by: "m1"), by: "m1")
            harness.advance(by: span)
        }
    }

    static func choosing(_ change: @escaping Before = { _ in }) -> Before {
        { harness in
            try Steps.choice(harness)
            try harness.maintenance(Steps.bid(), by: "m1")
            try change(harness)
        }
    }

    @Test(arguments: [
        Refused(
            "maintenance.open_bids_only", "an open bid is open", by: "m1", before: Steps.open,
            Steps.reveal(50_000)),
        Refused(
            "maintenance.reveal_too_early", "nobody learns a bid while others bid", by: "m1",
            before: committed(.minutes(60)), Steps.reveal(50_000)),
        Refused(
            "maintenance.commitment_mismatch", "what was sealed is opened", by: "m1",
            before: committed(.minutes(61)), Steps.reveal(49_999)),
        Refused(
            "maintenance.commitment_mismatch", "with its salt", by: "m1", before: committed(.minutes(61)),
            Steps.reveal(50_000, salt: Bytes(Array(repeating: 8, count: 16)))),
        Refused(
            "maintenance.salt_length", "a salt is long enough", by: "m1", before: committed(.minutes(61)),
            Steps.reveal(50_000, salt: Bytes([1]))),
        Refused(
            "bid.unknown", "only a bid is opened", by: "m2", before: committed(.minutes(61)),
            Steps.reveal(1)),
        Refused(
            "maintenance.already_revealed", "a bid is opened once", by: "m1",
            before: {
                try committed(.minutes(61))($0)
                try $0.maintenance(Steps.reveal(50_000), by: "m1")
            }, Steps.reveal(50_000)),
        Refused(
            "maintenance.reveal_too_late", "opening has an end", by: "m1",
            before: {
                try committed(.minutes(61))($0)
                try $0.change(TicketRecord.self, Steps.id) {
                    $0.bidding.revealUntil = Steps.start + .minutes(61)
                }
            }, Steps.reveal(50_000)),
        Refused("maintenance.not_a_party", "the client awards", by: "oem", before: choosing(), Steps.award()),
        Refused(
            "maintenance.not_your_choice", "the policy awards", by: "customer",
            before: {
                try Steps.open($0)
                try $0.maintenance(Steps.bid(), by: "m1")
            }, Steps.award()),
        Refused("bid.unknown", "a bidder is awarded", by: "customer", before: choosing(), Steps.award("m2")),
        Refused(
            "maintenance.bid_expired", "a bid still holds", by: "customer",
            before: choosing { $0.advance(by: .days(2)) }, Steps.award()),
        Refused(
            "maintenance.not_accredited", "an accreditation still holds", by: "customer",
            before: choosing {
                try $0.run(
                    ConsortiumContract.self, .revokeAccreditation(.init(maintainer: MemberID("m1")!)),
                    as: $0.member("oem"))
            }, Steps.award()),
        Refused(
            "maintenance.wrong_state", "a ticket is awarded once", by: "customer",
            before: choosing { try $0.maintenance(Steps.award(), by: "customer") }, Steps.award()),
        Refused(
            "maintenance.still_sealed", "sealed bids are opened first", by: "customer",
            before: {
                try Steps.opened(.customersChoice) { $0.revealWindow = .hours(1) }($0)
                try $0.maintenance(try Steps.seal(50_000, by: "m1"), by: "m1")
            }, Steps.award()),
        Refused(
            "maintenance.still_sealed", "an unopened bid is none", by: "customer",
            before: {
                try Steps.opened(.customersChoice) { $0.revealWindow = .hours(1) }($0)
                for name in ["m1", "m2"] { try $0.maintenance(try Steps.seal(50_000, by: name), by: name) }
                $0.advance(by: .minutes(61))
                try $0.maintenance(Steps.reveal(50_000), by: "m2")
                $0.advance(by: .hours(1))
            }, Steps.award()),
    ])
    func refusesToRevealOrAward(_ refused: Refused) throws { try refused.checkWithDeadlines() }
}
