import Billing
import Codec
import Contracts
import Ledger
import Testing

@Suite struct RepairRefusalTests {
    typealias Steps = MaintenanceSteps
    typealias Refused = Refusal<MaintenanceContract>

    static func completing(
        _ code: String, _ name: String, _ change: (inout RepairReport) -> Void
    ) -> Refused {
        Refused(code, name, by: "m1", before: Steps.inProgress, Steps.report(50_000, change))
    }

    @Test(arguments: [
        Refused(
            "maintenance.not_a_party", "the awarded one starts", by: "m2", before: Steps.awarded,
            .startWork(Steps.only)),
        Refused(
            "maintenance.wrong_state", "work starts after the award", by: "m1", before: Steps.open,
            .startWork(Steps.only)),
        Refused(
            "maintenance.not_accredited", "an accreditation still holds", by: "m1",
            before: {
                try Steps.awarded($0)
                try $0.run(
                    ConsortiumContract.self, .revokeAccreditation(.init(maintainer: MemberID("m1")!)),
                    as: $0.member("oem"))
            }, .startWork(Steps.only)),
        Refused(
            "maintenance.wrong_state", "a ticket without a maintainer does not rest", by: "customer",
            before: Steps.open, Steps.hold(.customerAccess)),
        Refused(
            "maintenance.not_a_party", "strangers hold nothing", by: "m2", before: Steps.inProgress,
            Steps.hold(.customerAccess)),
        Refused(
            "maintenance.hold_reason", "only the customer approves a delay", by: "m1",
            before: Steps.inProgress, Steps.hold(.customerApprovedDelay)),
        Refused(
            "maintenance.hold_reason", "only the maintainer waits for parts", by: "customer",
            before: Steps.inProgress, Steps.hold(.spareParts)),
        Refused(
            "maintenance.too_many_holds", "holds have a bound", by: "m1",
            before: { harness in
                try Steps.inProgress(harness)
                for _ in 0..<64 {
                    try harness.maintenance(Steps.hold(.tools), by: "m1")
                    try harness.maintenance(.resume(Steps.only), by: "m1")
                }
            }, Steps.hold(.tools)),
        Refused(
            "maintenance.text_too_long", "a note has a bound", by: "m1", before: Steps.inProgress,
            .hold(.init(ticket: Steps.id, reason: .tools, note: String(repeating: "x", count: 501)))),
        Refused(
            "maintenance.wrong_state", "only a hold ends", by: "m1", before: Steps.inProgress,
            .resume(Steps.only)),
        Refused(
            "maintenance.not_a_party", "strangers resume nothing", by: "m2",
            before: {
                try Steps.inProgress($0)
                try $0.maintenance(Steps.hold(.tools), by: "m1")
            }, .resume(Steps.only)),
        Refused(
            "maintenance.wrong_state", "what has not begun is not done", by: "m1", before: Steps.awarded,
            Steps.report()),
        Refused(
            "maintenance.not_a_party", "the maintainer reports", by: "customer", before: Steps.inProgress,
            Steps.report()),
        completing("maintenance.amount_not_offered", "a fixed price is fixed") {
            $0.amount = MinorUnits(49_999)
        },
        completing("maintenance.list_too_long", "parts have a bound") {
            $0.parts = Array(repeating: $0.parts[0], count: 65)
        },
        completing("maintenance.text_too_short", "a part has a number") { $0.parts[0].number = "" },
        completing("maintenance.number_out_of_range", "a part is at least one") { $0.parts[0].quantity = 0 },
        completing("maintenance.number_out_of_range", "downtime is not negative") {
            $0.downtimeMilliseconds = -1
        },
        completing("maintenance.cid_malformed", "a report's document is in the vault") {
            $0.documents[0].cid = ""
        },
    ])
    func refusesToWork(_ refused: Refused) throws { try refused.checkWithDeadlines() }

    @Test(arguments: [
        Refused(
            "maintenance.not_a_party", "the customer verifies", by: "m1", before: Steps.workDone,
            Steps.verify()),
        Refused(
            "maintenance.wrong_state", "what is done is verified", by: "customer", before: Steps.inProgress,
            Steps.verify()),
        Refused(
            "anchor.unknown", "evidence is anchored", by: "customer", before: Steps.workDone,
            Steps.verify(anchor: 2)),
        Refused(
            "maintenance.evidence_not_anchored", "the anchor holds the entry", by: "customer",
            before: Steps.workDone, Steps.verify(sequence: 101)),
        Refused(
            "maintenance.evidence_not_anchored", "the anchor holds the time", by: "customer",
            before: Steps.workDone, Steps.verify(upAfter: .hours(7))),
        Refused(
            "maintenance.evidence_out_of_time", "the machine is up after work began", by: "customer",
            before: Steps.workDone, Steps.verify(upAfter: .hours(2))),
        Refused(
            "maintenance.evidence_out_of_time", "and not in the future", by: "customer",
            before: {
                try Steps.workDone($0)
                try $0.change(
                    AnchorRecord.self, .init(machine: MachineID("press-7")!, number: 1)
                ) { $0.toMilliseconds += 7_200_000 }
            }, Steps.verify(upAfter: .hours(7))),
        Refused(
            "maintenance.wrong_state", "what is verified is closed", by: "customer", before: Steps.workDone,
            .close(Steps.only)),
        Refused(
            "maintenance.not_a_party", "the customer closes", by: "m1", before: Steps.verified,
            .close(Steps.only)),
        Refused(
            "maintenance.not_a_party", "the customer asks for rework", by: "oem", before: Steps.verified,
            .rework(Steps.reason)),
        Refused(
            "maintenance.wrong_state", "what is closed stays", by: "customer", before: Steps.closed,
            .rework(Steps.reason)),
        Refused(
            "maintenance.text_too_short", "rework has a reason", by: "customer", before: Steps.verified,
            .rework(.init(ticket: Steps.id, reason: ""))),
    ])
    func refusesToVerifyOrClose(_ refused: Refused) throws { try refused.checkWithDeadlines() }

    @Test(arguments: [
        Refused(
            "maintenance.not_a_party", "a party rejects", by: "m1", before: Steps.open,
            .reject(Steps.reason)),
        Refused(
            "maintenance.not_a_party", "the client cancels", by: "oem", before: Steps.open,
            .cancel(Steps.reason)),
        Refused(
            "maintenance.text_too_short", "an end has a reason", by: "customer", before: Steps.open,
            .cancel(.init(ticket: Steps.id, reason: ""))),
        Refused(
            "maintenance.not_overdue", "work that has begun is not cancelled", by: "customer",
            before: Steps.inProgress, .cancel(Steps.reason)),
        Refused(
            "maintenance.not_overdue", "nor while it rests", by: "customer",
            before: {
                try Steps.inProgress($0)
                try $0.maintenance(Steps.hold(.tools), by: "m1")
            }, .cancel(Steps.reason)),
        Refused(
            "maintenance.wrong_state", "what is closed is paid", by: "customer", before: Steps.verified,
            Steps.pay),
        Refused("maintenance.not_a_party", "the client pays", by: "oem", before: Steps.closed, Steps.pay),
        Refused(
            "maintenance.text_too_short", "a payment has a reference", by: "customer", before: Steps.closed,
            .markPaid(.init(ticket: Steps.id, reference: "", date: CivilDate(daysSinceEpoch: 20_000)!))),
        Refused(
            "maintenance.nothing_due", "a repair for nothing is not paid", by: "customer",
            before: {
                try Steps.closed($0)
                try $0.change(TicketRecord.self, Steps.id) { $0.report?.amount = .zero }
            }, Steps.pay),
        Refused(
            "maintenance.no_payment", "a payment was marked", by: "m1", before: Steps.closed, Steps.confirm),
        Refused(
            "maintenance.not_a_party", "the maintainer confirms", by: "customer",
            before: {
                try Steps.closed($0)
                try $0.maintenance(Steps.pay, by: "customer")
            }, Steps.confirm),
        Refused(
            "maintenance.already_paid", "a confirmed payment stays", by: "customer",
            before: {
                try Steps.closed($0)
                try $0.maintenance(Steps.pay, by: "customer")
                try $0.maintenance(Steps.confirm, by: "m1")
            }, Steps.pay),
    ])
    func refusesToEndOrPay(_ refused: Refused) throws { try refused.checkWithDeadlines() }
}
