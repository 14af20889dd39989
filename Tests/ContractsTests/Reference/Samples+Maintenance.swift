import Billing
import Codec
import Ledger

@testable import Contracts

extension Samples {
    private static let ticketID = TicketID(unchecked: "press-7-1")
    private static let report = RepairReport(
        failureMode: .failsToStart, mechanism: .electrical, cause: .operation, detection: .inspection,
        activity: .replace, parts: [.init(number: "F-10", quantity: 1)], downtimeMilliseconds: 3_600_000,
        amount: amount, documents: [document])
    private static let evidence = TicketRecord.Evidence(anchor: 1, sequence: 2, upSince: 3)

    private static func offer(_ price: Offer.Price) -> Offer {
        Offer(
            price: price, currency: .euro, earliestArrival: time, durationMinutes: 60, warrantyDays: 30,
            expires: time)
    }

    private static let offers = [
        offer(.fixed(amount)), offer(.rate(.init(perHour: amount, notToExceed: amount))),
    ]

    private static func request(_ policy: SelectionPolicy) -> MaintenanceContract.Open {
        MaintenanceContract.Open(
            ticket: ticketID, machine: machineID, kind: .correctiveImmediate, priority: 1, faultCode: "E17",
            failureMode: .failsToStart, description: "no start", documents: [document], policy: policy,
            biddingSpan: .hours(1), revealWindow: .hours(1), currency: .euro, respondWithin: .hours(4),
            resolveWithin: .hours(24), acceptWithin: .days(7))
    }

    private static let requests = [
        request(.firstComeFirstServed), request(.bestScore(.init(weights: .standard, minimumBids: 3))),
        request(.customersChoice),
    ]

    static func maintenance() throws -> [Sample] {
        let ticket = MaintenanceContract.TicketOnly(ticket: ticketID)
        let reason = MaintenanceContract.TicketReason(ticket: ticketID, reason: "noise")
        let actions: [MaintenanceContract.Action] =
            requests.map { .open($0) }
            + [
                .report(
                    .init(
                        ticket: ticketID, machine: machineID, kind: .correctiveImmediate, priority: 1,
                        faultCode: "E17", failureMode: .failsToStart, description: "no start",
                        documents: [document]))
            ]
            + offers.map { .bid(.init(ticket: ticketID, content: .offer($0))) } + [
                .bid(.init(ticket: ticketID, content: .sealed(digest))),
                .reveal(
                    .init(ticket: ticketID, offer: offers[0], salt: Bytes(Array(repeating: 1, count: 16)))),
                .withdrawBid(ticket), .award(.init(ticket: ticketID, maintainer: member)), .startWork(ticket),
                .hold(.init(ticket: ticketID, reason: .spareParts, note: "fuse")), .resume(ticket),
                .complete(.init(ticket: ticketID, report: report)),
                .verify(.init(ticket: ticketID, evidence: evidence)), .close(ticket), .rework(reason),
                .reject(reason), .cancel(reason),
                .markPaid(.init(ticket: ticketID, reference: "E2E-2", date: date)),
                .confirmPayment(.init(ticket: ticketID)),
            ]
        return try actions.map { try .action(MaintenanceContract.self, $0) }
    }

    static func maintenanceRecords() throws -> [Sample] {
        let machine = MachineRecord(
            id: machineID, oem: member, customer: member, machineClass: MachineClass(unchecked: "press"),
            site: .init(region: Region(unchecked: "de-by"), name: "Hall 2"),
            devices: [], reportingIntervalMilliseconds: 1_000, registered: time)
        var ticket = TicketRecord(
            requests[0], machine: machine, client: member, openedBy: key, reported: time,
            bidding: .init(opened: time, span: .hours(1), grace: .seconds(5), revealWindow: .hours(1)))
        ticket.award = .init(maintainer: member, offer: offers[0], time: time, candidates: 1)
        ticket.holds = [
            .init(reason: .tools, note: "", by: member, from: time, to: time, state: .inProgress)
        ]
        (ticket.firstStarted, ticket.lastStarted, ticket.closed) = (time, time, time)
        (ticket.report, ticket.evidence, ticket.reason) = (report, evidence, "noise")
        (ticket.firstTimeFix, ticket.withdrawn, ticket.workDue) = (true, [member], time)
        (ticket.acceptanceDue, ticket.deemedAccepted) = (time, time)
        ticket.payment = .init(
            reference: "E2E-2", amount: amount, date: date, marked: time, confirmed: time)
        return [
            try .record(ticket),
            try .record(
                BidRecord(
                    id: .init(ticket: ticketID, maintainer: member), placed: time, commitment: digest,
                    offer: offers[1])),
            try .record(MaintainerStatistics(id: member, completed: 1)),
            try .record(
                LatestRepairRecord(id: .init(machine: machineID, faultCode: "E17"), ticket: ticketID)),
        ]
    }
}
