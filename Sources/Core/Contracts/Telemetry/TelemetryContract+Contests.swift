import Codec
import Ledger

/// The OEM's word that an anchored batch is of no use to it: it cannot have or open it, or it is not what the
/// anchor says.
///
/// Metering reads a batch whose contest stands as a gap, for everybody and without looking at it: what it
/// does with a batch follows from the ledger, not from whose vault lacks what.
package struct ContestRecord: Record, Hashable {
    package static let table = "contest"

    /// The anchor's.
    package var id: ChainPosition
    /// 1 to 500 bytes.
    package var reason: String
    package var contested: Timestamp
    /// From when the batch is a gap. Before, the OEM can take the contest back; afterwards nobody can.
    package var stands: Timestamp

    package init(id: ChainPosition, reason: String, contested: Timestamp, stands: Timestamp) {
        (self.id, self.reason, self.contested, self.stands) = (id, reason, contested, stands)
    }
}

extension TelemetryContract {
    /// How long the customer has to hand over what is contested: a long weekend and a working day. It is
    /// within what terms usually leave for classification, so that it seldom holds an invoice up.
    package static let contestWindow = Span.days(5)

    private static let contestStands = "contestStands"

    package struct Contest: Codable, Hashable, Sendable {
        package var machine: MachineID
        /// The anchor's, in the machine's chain.
        package var number: UInt64
        /// What is wrong, 1 to 500 bytes.
        package var reason: String

        package init(machine: MachineID, number: UInt64, reason: String) {
            (self.machine, self.number, self.reason) = (machine, number, reason)
        }
    }

    package struct WithdrawContest: Codable, Hashable, Sendable {
        package var machine: MachineID
        package var number: UInt64

        package init(machine: MachineID, number: UInt64) {
            (self.machine, self.number) = (machine, number)
        }
    }

    /// Also after the rent: its last invoice is still to come.
    static func contest(_ body: Contest, _ context: Context) throws(Rejection) {
        let machine = try context.existing(MachineRecord.self, body.machine)
        try context.requireParty(machine.oem)
        let anchor = try context.existing(
            AnchorRecord.self, ChainPosition(machine: machine.id, number: body.number))
        try context.requireProse(body.reason, "reason", bytes: 1...500)
        try context.require(
            try context.get(ContestRecord.self, anchor.id) == nil, else: "telemetry.already_contested",
            "the batch is contested")
        let contest = ContestRecord(
            id: anchor.id, reason: body.reason, contested: context.time, stands: context.time + contestWindow)
        try context.put(contest)
        // Nothing is done then, but consensus time gets there even where nobody sends anything.
        try context.schedule(contestStands, at: contest.stands, subject: contest.id.keyBytes)
        context.emit("contested", machine.id)
    }

    static func withdrawContest(_ body: WithdrawContest, _ context: Context) throws(Rejection) {
        let machine = try context.existing(MachineRecord.self, body.machine)
        try context.requireParty(machine.oem)
        let contest = try context.existing(
            ContestRecord.self, ChainPosition(machine: machine.id, number: body.number))
        // Invoices may have been computed without the batch: they have to come out the same for ever.
        try context.require(
            context.time < contest.stands, else: "telemetry.contest_stands",
            "the time for it is over: the batch is a gap")
        try context.cancel(contestStands, at: contest.stands, subject: contest.id.keyBytes)
        try context.delete(ContestRecord.self, contest.id)
        context.emit("contestWithdrawn", machine.id)
    }
}
