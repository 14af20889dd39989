import Billing
import Contracts
import Ledger
import Node

/// The work itself, its proof, and its payment.
extension MaintenanceVerbs {
    static let startWork = simple(
        "start-work", "begin the work, on site or remotely (the awarded maintainer)", by: "fixit",
        saying: "work has started"
    ) { .startWork($0) }

    static let hold = Verb(
        "ticket hold", "let the work rest (maintainer, customer)",
        detail: """
            customerAccess, customerApprovedDelay (only the customer can say so) and forceMajeure stop the \
            clocks for response and resolution; spareParts, personnel and tools do not.
            """,
        options: [
            ticket, .value("reason", "REASON", names(HoldReason.self), required: true),
            .value("note", "TEXT", "for the record"),
        ] + Option.signing,
        examples: ["millwright ticket hold t-1 --as fixit --reason spareParts --note \"pump ordered\""]
    ) { invocation in
        let body = MaintenanceContract.PutOnHold(
            ticket: try invocation.identifier("ticket"),
            reason: try Invocation.choice(try invocation.required("reason"), "reason"),
            note: invocation.string("note") ?? "")
        try await Session.with(invocation) { session in
            try await session.perform(
                MaintenanceContract.self, .hold(body), saying: "\(body.ticket) rests: \(body.reason.rawValue)"
            )
        }
    }

    static let resume = simple(
        "resume", "go on with the work (maintainer, customer)", by: "fixit", saying: "work goes on"
    ) { .resume($0) }

    static let complete = Verb(
        "ticket complete", "report the work as done (maintainer)",
        detail: """
            Codes are those of ISO 14224. The customer then verifies the report against telemetry, and \
            closes the ticket or asks for rework; its silence accepts the work in the end. Each \
            --document (the service report) is sealed for the machine's OEM and customer.
            """,
        options: [
            ticket, .value("failure-mode", "MODE", names(FailureMode.self), required: true),
            .value("mechanism", "NAME", names(RepairReport.Mechanism.self), required: true),
            .value("cause", "NAME", names(RepairReport.Cause.self), required: true),
            .value("detection", "NAME", names(RepairReport.Detection.self), required: true),
            .value("activity", "NAME", names(RepairReport.Activity.self), required: true),
            .value("part", "NUMBER[=N]", "a part that was used, and how many", repeated: true),
            .value("downtime", "TIME", "how long the machine was down, such as 3h20min", required: true),
            .value("amount", "AMOUNT", "what it costs (default: the fixed price)"), .currency,
            .document,
        ] + Option.signing,
        examples: [
            "millwright ticket complete t-1 --as fixit --failure-mode OHE --mechanism mechanical "
                + "--cause operation --detection productionInterference --activity replace "
                + "--part PUMP-40=1 --downtime 3h20min"
        ]
    ) { invocation in
        let ticket: TicketID = try invocation.identifier("ticket")
        try await Session.with(invocation) { session in
            let record = try session.node.view().existing(TicketRecord.self, ticket)
            var report = try report(invocation, on: record)
            report.documents = try session.attach(for: [record.oem, record.customer])
            try await session.perform(
                MaintenanceContract.self, .complete(.init(ticket: ticket, report: report)),
                naming: report.documents, saying: "\(ticket): work is done")
        }
    }

    private static func report(_ invocation: Invocation, on ticket: TicketRecord) throws -> RepairReport {
        func choice<T: RawRepresentable & CaseIterable>(_ name: String) throws -> T
        where T.RawValue == String {
            try Invocation.choice(try invocation.required(name), name)
        }
        let currency = try invocation.currency(ticket.request.tender.currency)
        var amount = try invocation.amount("amount", in: currency)
        if case .fixed(let price)? = ticket.award?.offer.price, amount == nil { amount = price }
        guard let amount else {
            throw UsageError("cli.missing_option", "ticket complete needs --amount here")
        }
        let parts = try invocation.strings("part").map { text -> RepairReport.Part in
            guard let mark = text.lastIndex(of: "=") else { return .init(number: text, quantity: 1) }
            guard let quantity = Int64(text[text.index(after: mark)...]) else {
                throw UsageError("cli.bad_value", "--part takes a number and how many, as in PUMP-40=2")
            }
            return .init(number: String(text[..<mark]), quantity: quantity)
        }
        let downtime = try invocation.span("downtime") ?? .hours(0)
        return RepairReport(
            failureMode: try choice("failure-mode"), mechanism: try choice("mechanism"),
            cause: try choice("cause"), detection: try choice("detection"),
            activity: try choice("activity"), parts: parts,
            downtimeMilliseconds: downtime.nanoseconds / 1_000_000, amount: amount)
    }

    static let verify = Verb(
        "ticket verify", "confirm from telemetry that the machine is up again (customer)",
        detail: "Names the entry that shows it, by its anchor in the machine's chain: see list anchors.",
        options: [
            ticket, .value("anchor", "N", "the anchor's number in the machine's chain", required: true),
            .value("sequence", "N", "the entry's sequence number", required: true),
            .value("up-since", "TIME", "the entry's time", required: true),
        ] + Option.signing,
        examples: [
            "millwright ticket verify t-1 --as stamper --anchor 3 --sequence 4711 "
                + "--up-since 2026-03-10T15:20:00Z"
        ]
    ) { invocation in
        let ticket: TicketID = try invocation.identifier("ticket")
        guard let anchor = try invocation.integer("anchor", in: 1...Int64.max),
            let sequence = try invocation.integer("sequence", in: 1...Int64.max)
        else { throw UsageError("cli.missing_option", "ticket verify needs --anchor and --sequence") }
        let evidence = TicketRecord.Evidence(
            anchor: UInt64(anchor), sequence: UInt64(sequence),
            upSince: try invocation.requiredTime("up-since").milliseconds)
        try await Session.with(invocation) { session in
            try await session.perform(
                MaintenanceContract.self, .verify(.init(ticket: ticket, evidence: evidence)),
                saying: "\(ticket): the machine is up again")
        }
    }

    static let close = simple(
        "close", "accept the verified work (customer)", by: "stamper", saying: "closed"
    ) { .close($0) }

    static let rework = reasoned(
        "rework", "send the work back, at most three times: it is not done yet (customer)", by: "stamper",
        reason: "still too hot", saying: "reopened"
    ) { .rework($0) }

    static let reject = reasoned(
        "reject", "there is nothing to maintain (customer, before work starts)", by: "stamper",
        reason: "sensor fault", saying: "rejected"
    ) { .reject($0) }

    static let cancel = reasoned(
        "cancel", "take the ticket back before work starts, or when it is overdue (client)", by: "stamper",
        reason: "fixed itself", saying: "cancelled"
    ) { .cancel($0) }

    // MARK: Payment

    static let markPaid = Verb(
        "ticket mark-paid", "say that a closed ticket's work has been paid (client)",
        options: [
            ticket, .value("reference", "TEXT", "the real payment's reference", required: true),
            .value("date", "DAY", "when it was paid, such as 2026-03-31", required: true),
        ] + Option.signing,
        examples: [
            "millwright ticket mark-paid t-1 --as stamper --reference SEPA-77 --date 2026-03-31"
        ]
    ) { invocation in
        let body = MaintenanceContract.MarkPaid(
            ticket: try invocation.identifier("ticket"), reference: try invocation.required("reference"),
            date: try invocation.requiredDay("date"))
        try await Session.with(invocation) { session in
            try await session.perform(
                MaintenanceContract.self, .markPaid(body), saying: "\(body.ticket) is marked as paid")
        }
    }

    static let confirmPayment = Verb(
        "ticket confirm-payment", "confirm that the payment has arrived (maintainer)",
        options: [ticket, .flag("nothing-arrived", "say that nothing arrived")] + Option.signing,
        examples: ["millwright ticket confirm-payment t-1 --as fixit"]
    ) { invocation in
        let body = MaintenanceContract.ConfirmPayment(
            ticket: try invocation.identifier("ticket"), received: !invocation.has("nothing-arrived"))
        try await Session.with(invocation) { session in
            try await session.perform(
                MaintenanceContract.self, .confirmPayment(body),
                saying: body.received ? "\(body.ticket) is paid" : "\(body.ticket): nothing arrived")
        }
    }
}
