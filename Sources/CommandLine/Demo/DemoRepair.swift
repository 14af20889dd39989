import Billing
import Contracts
import Foundation
import Ledger
import Node

/// From the ticket that opened by itself to the repair's payment.
struct DemoRepair: Sendable {
    /// A repair that has been reported and waits to be verified.
    struct Finished: Sendable {
        let ticket: TicketID
        let maintainer: MemberID
        /// Who asked for the work and pays it.
        let client: MemberID
        /// When the machine was up again: milliseconds since 1970 UTC.
        let upAt: Int64
    }

    /// How fast people are.
    private struct Pace {
        /// From the report: the first bid, the second, and the deadline for both.
        let bids: (Span, Span)
        let deadline: Span
        /// From the report to the arrival that each bid offers.
        let arrivals: (Span, Span)
        let report: RepairReport
        let text: String
    }

    /// From a failure to the deadline for bids. Where recorded data shows the machine up again sooner than
    /// people usually come, they hurry: a story cannot change when that was.
    var bidding: Span {
        guard let hurry else { return .hours(1) }
        return Span(nanoseconds: max(Span.minutes(1).nanoseconds, hurry.nanoseconds / 4))
    }

    /// The shortest time out of service in the data, where it is shorter than people usually take.
    private var hurry: Span? {
        let shortest = story.scenario.outages.map { $0.upAt - $0.from }.min().map { Span.milliseconds($0) }
        return shortest.flatMap { $0 < .minutes(125) ? $0 : nil }
    }

    private var repairPace: Pace {
        let remedy = story.scenario.remedy
        func part(_ part: Int64, of span: Span) -> Span { Span(nanoseconds: span.nanoseconds / part) }
        return Pace(
            bids: hurry == nil ? (.minutes(6), .minutes(19)) : (part(10, of: bidding), part(3, of: bidding)),
            deadline: bidding,
            arrivals: hurry.map { (part(2, of: $0), part(3, of: $0)) } ?? (.hours(5), .hours(2)),
            report: RepairReport(
                failureMode: .breakdown, mechanism: .mechanical, cause: .operation,
                detection: .continuousConditionMonitoring, activity: .repair, parts: remedy.parts,
                downtimeMilliseconds: 0, amount: .zero),
            text: remedy.text)
    }

    private static let servicePace = Pace(
        bids: (.minutes(2), .minutes(4)), deadline: .minutes(10), arrivals: (.minutes(12), .minutes(16)),
        report: RepairReport(
            failureMode: .minorInService, mechanism: .miscellaneous, cause: .miscellaneous,
            detection: .inspection, activity: .inspection, downtimeMilliseconds: 0, amount: .zero),
        text: "Inspected, lubricated, no findings.")

    let story: DemoStory
    let cast: DemoCast
    private var narrator: Narrator { story.narrator }

    init(story: DemoStory, cast: DemoCast) { (self.story, self.cast) = (story, cast) }

    /// Bids, award and work on a failure, up to the report.
    /// - Parameter upAt: when the data shows the machine up again; nil where the repair decides it.
    func work(on fault: TelemetryImport.Fault, upAt: Int64?) async throws -> Finished {
        guard let ticket = fault.ticket else {
            throw NegativeAnswer("demo.no_ticket", "the failure opened no ticket")
        }
        narrator.bad("\(Output.time(cast.clock.now)): \(fault.text)")
        let end = upAt ?? (cast.clock.now + .hours(6)).milliseconds
        let record = try cast.ledger(DemoCast.customer).view().existing(TicketRecord.self, ticket)
        if let award = record.award, record.state == .workDone {
            narrator.say("The same fault before ticket \(ticket) is verified: the work is sent back.")
            try await cast.act(
                DemoCast.customer, MaintenanceContract.self,
                .rework(.init(ticket: ticket, reason: "The same fault again.")))
            return try await finish(
                ticket, award, repairPace, for: DemoCast.customer, downSince: fault.time, upAt: end)
        }
        narrator.say("Ticket \(ticket) opens by itself, signed by the device.")
        return try await work(ticket, repairPace, for: DemoCast.customer, downSince: fault.time, upAt: end)
    }

    /// Preventive work on a machine whose data holds no failure.
    func service() async throws -> Finished {
        guard let ticket = TicketID("\(story.scenario.machine)-1") else {
            throw NegativeAnswer("demo.no_ticket", "the machine's name leaves no room for a ticket")
        }
        try await cast.act(
            DemoCast.oem, MaintenanceContract.self,
            .open(
                .init(
                    ticket: ticket, machine: story.scenario.machine, kind: .predetermined, priority: 4,
                    faultCode: "none", description: "Inspection after the first half of the recording",
                    policy: .bestScore(.init(weights: .standard)), biddingSpan: Self.servicePace.deadline,
                    currency: .euro, acceptWithin: .days(366))))
        narrator.say(
            "The data holds no failure. \(DemoCast.name(DemoCast.oem)) opens ticket \(ticket): an inspection."
        )
        let now = cast.clock.now
        return try await work(
            ticket, Self.servicePace, for: DemoCast.oem, downSince: nil,
            upAt: (now + .minutes(17)).milliseconds)
    }

    private func work(
        _ ticket: TicketID, _ pace: Pace, for client: MemberID, downSince: Int64?, upAt: Int64
    ) async throws -> Finished {
        let reported = cast.clock.now
        try await bid(
            DemoCast.fixit, ticket, after: pace.bids.0, price: 184_000, arrival: pace.arrivals.0, reported)
        try await bid(
            DemoCast.rotec, ticket, after: pace.bids.1, price: 192_500, arrival: pace.arrivals.1, reported)
        try cast.clock.set(reported + pace.deadline + .minutes(1))
        try await cast.tick()
        let record = try cast.ledger(DemoCast.customer).view().existing(TicketRecord.self, ticket)
        guard let award = record.award else {
            throw NegativeAnswer("demo.no_award", "the policy awarded nobody: \(record.state.rawValue)")
        }
        let winner = DemoCast.name(award.maintainer)
        narrator.good("The published policy (price, arrival, record) decides: \(winner).")
        return try await finish(ticket, award, pace, for: client, downSince: downSince, upAt: upAt)
    }

    /// The awarded maintainer comes when it said, works until the machine is up, and reports.
    private func finish(
        _ ticket: TicketID, _ award: TicketRecord.Award, _ pace: Pace, for client: MemberID,
        downSince: Int64?, upAt: Int64
    ) async throws -> Finished {
        let winner = award.maintainer
        let end = Timestamp(milliseconds: upAt)
        let begin = min(award.offer.earliestArrival, Timestamp(milliseconds: upAt - 60_000))
        if begin > cast.clock.now { try cast.clock.set(begin) }
        let begun = cast.clock.now
        try await cast.act(winner, MaintenanceContract.self, .startWork(.init(ticket: ticket)))
        try cast.clock.set(max(end, cast.clock.now))
        let downtime = downSince.map { end.milliseconds - $0 } ?? 0
        try await report(ticket, winner, pace, downtime: downtime, amount: award.offer.price.limit)
        return Finished(
            ticket: ticket, maintainer: winner, client: client,
            upAt: max(end, begun + .seconds(1)).milliseconds)
    }

    private func bid(
        _ maintainer: MemberID, _ ticket: TicketID, after: Span, price: Int64, arrival: Span,
        _ reported: Timestamp
    ) async throws {
        try cast.clock.set(reported + after)
        let offer = Offer(
            price: .fixed(MinorUnits(price)), currency: .euro, earliestArrival: reported + arrival,
            durationMinutes: 240, warrantyDays: 180, expires: reported + .days(2))
        try await cast.act(
            maintainer, MaintenanceContract.self, .bid(.init(ticket: ticket, content: .offer(offer))))
        let (amount, wait) = (
            Output.amount(MinorUnits(price), .euro),
            Output.duration(milliseconds: arrival.nanoseconds / 1_000_000)
        )
        narrator.say(
            "\(DemoCast.name(maintainer)) bids \(amount), there in \(wait)."
        )
    }

    private func report(
        _ ticket: TicketID, _ maintainer: MemberID, _ pace: Pace, downtime: Int64, amount: MinorUnits
    ) async throws {
        var report = pace.report
        report.downtimeMilliseconds = downtime
        report.amount = amount
        report.documents = [
            try cast.documents(maintainer).store(
                bytes: Array((pace.text + "\n").utf8), name: "Report on \(ticket)", mediaType: "text/plain",
                for: [DemoCast.customer, DemoCast.oem, maintainer])
        ]
        try await cast.act(
            maintainer, MaintenanceContract.self, .complete(.init(ticket: ticket, report: report)))
        let down = downtime > 0 ? " Down for \(Output.duration(milliseconds: downtime))." : ""
        narrator.say("\(DemoCast.name(maintainer)) reports: \(pace.text)\(down)")
    }

    /// Verification from telemetry, closing and payment.
    func settle(_ finished: Finished, evidence: DemoSource.Up?) async throws {
        let view = try cast.ledger(DemoCast.customer).view()
        let ticket = finished.ticket
        guard let evidence else {
            return narrator.say(
                "No reading shows the machine up after that: ticket \(ticket) waits to be verified.")
        }
        let anchors = try view.records(
            AnchorRecord.self, keysBeginWith: ChainPosition.prefix(of: story.scenario.machine))
        guard
            let anchor = anchors.first(where: {
                $0.first <= evidence.sequence && evidence.sequence <= $0.last
            })
        else { throw NegativeAnswer("demo.no_evidence", "no anchor holds reading \(evidence.sequence)") }
        try await cast.act(
            DemoCast.customer, MaintenanceContract.self,
            .verify(
                .init(
                    ticket: ticket,
                    evidence: .init(
                        anchor: anchor.id.number, sequence: evidence.sequence, upSince: evidence.time))))
        narrator.good("Reading \(evidence.sequence) shows the machine up again: the repair is verified.")
        try await cast.act(DemoCast.customer, MaintenanceContract.self, .close(.init(ticket: ticket)))
        guard let date = CivilDate(daysSinceEpoch: cast.clock.now.milliseconds / 86_400_000) else {
            throw NegativeAnswer("demo.date", "the demonstration's clock is past the calendar")
        }
        try await cast.act(
            finished.client, MaintenanceContract.self,
            .markPaid(.init(ticket: ticket, reference: "SEPA-\(ticket)", date: date)))
        try await cast.act(
            finished.maintainer, MaintenanceContract.self, .confirmPayment(.init(ticket: ticket)))
        narrator.good("Ticket \(ticket) is closed and \(DemoCast.name(finished.maintainer)) is paid.")
    }
}
