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
        /// From the report to the maintainer's start.
        let start: Span
        let report: RepairReport
        let text: String
    }

    private var repairPace: Pace {
        let remedy = story.scenario.remedy
        return Pace(
            bids: (.minutes(6), .minutes(19)), deadline: .hours(1), start: .hours(2),
            report: RepairReport(
                failureMode: .breakdown, mechanism: .mechanical, cause: .operation,
                detection: .continuousConditionMonitoring, activity: .repair, parts: remedy.parts,
                downtimeMilliseconds: 0, amount: .zero),
            text: remedy.text)
    }

    private static let servicePace = Pace(
        bids: (.minutes(2), .minutes(4)), deadline: .minutes(10), start: .minutes(12),
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
        narrator.say("Ticket \(ticket) opens by itself, signed by the device.")
        let end = upAt ?? (cast.clock.now + .hours(6)).milliseconds
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
            DemoCast.fixit, ticket, after: pace.bids.0, price: 184_000, arrival: .hours(5), reported)
        try await bid(
            DemoCast.rotec, ticket, after: pace.bids.1, price: 192_500, arrival: .hours(2), reported)
        try cast.clock.set(reported + pace.deadline + .minutes(1))
        try await cast.tick()
        let record = try cast.ledger(DemoCast.customer).view().existing(TicketRecord.self, ticket)
        guard let award = record.award else {
            throw NegativeAnswer("demo.no_award", "the policy awarded nobody: \(record.state.rawValue)")
        }
        let winner = award.maintainer
        narrator.good("The published policy (price, arrival, record) decides: \(DemoCast.name(winner)).")
        let end = Timestamp(milliseconds: upAt)
        let begin = min(reported + pace.start, Timestamp(milliseconds: upAt - 60_000))
        if begin > cast.clock.now { try cast.clock.set(begin) }
        try await cast.act(winner, MaintenanceContract.self, .startWork(.init(ticket: ticket)))
        try cast.clock.set(max(end, cast.clock.now))
        let downtime = downSince.map { end.milliseconds - $0 } ?? 0
        try await report(ticket, winner, pace, downtime: downtime, amount: award.offer.price.limit)
        return Finished(ticket: ticket, maintainer: winner, client: client, upAt: upAt)
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
        if let sequence = evidence?.sequence {
            let anchors = try view.records(
                AnchorRecord.self, keysBeginWith: ChainPosition.prefix(of: story.scenario.machine))
            guard let anchor = anchors.first(where: { $0.first <= sequence && sequence <= $0.last }) else {
                throw NegativeAnswer("demo.no_evidence", "no anchor holds reading \(sequence)")
            }
            try await cast.act(
                DemoCast.customer, MaintenanceContract.self,
                .verify(
                    .init(
                        ticket: ticket,
                        evidence: .init(
                            anchor: anchor.id.number, sequence: sequence,
                            upSince: evidence?.time ?? finished.upAt))))
            narrator.good("Reading \(sequence) shows the machine up again: the repair is verified.")
        }
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
