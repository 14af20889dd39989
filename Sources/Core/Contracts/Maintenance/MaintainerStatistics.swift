import Billing
import Codec
import Ledger

/// How a maintainer has worked so far.
package struct MaintainerStatistics: Record {
    package static let table = "reputation"

    /// The maintainer.
    package var id: MemberID
    /// Tickets closed.
    package var completed: Int64
    /// Of these, solved on the first visit and without the same fault within 30 days.
    package var firstTimeFixes: Int64
    /// Of these, begun when promised.
    package var onTime: Int64
    package var reworks: Int64
    /// Awards given back before work started, and those cancelled because the work was long overdue.
    package var withdrawn: Int64

    package init(
        id: MemberID, completed: Int64 = 0, firstTimeFixes: Int64 = 0, onTime: Int64 = 0, reworks: Int64 = 0,
        withdrawn: Int64 = 0
    ) {
        (self.id, self.completed, self.firstTimeFixes) = (id, completed, firstTimeFixes)
        (self.onTime, self.reworks, self.withdrawn) = (onTime, reworks, withdrawn)
    }

    /// `(firstTimeFixes + onTime + 2) / (2 · (completed + withdrawn) + 4)` in ppm: the mean of both shares,
    /// begun at one half (Laplace's rule of succession with two made-up tickets), so that a newcomer is
    /// neither first nor last.
    package var reputation: Rate {
        let good = Int128(firstTimeFixes) + Int128(onTime) + 2
        let all = 2 * (Int128(completed) + Int128(withdrawn)) + 4
        return Rate(ppm: Int64((good * 1_000_000 + all / 2) / all))
    }
}

/// The latest closed repair of one fault of one machine: what a fault that comes again is held against.
package struct LatestRepairRecord: Record {
    package struct ID: RecordKey, Hashable, Codable {
        package var machine: MachineID
        package var faultCode: String

        package init(machine: MachineID, faultCode: String) {
            (self.machine, self.faultCode) = (machine, faultCode)
        }

        package var keyBytes: [UInt8] { machine.keyBytes + [0] + Array(faultCode.utf8) }
    }

    package static let table = "latestRepair"

    package var id: ID
    package var ticket: TicketID

    /// How long the same fault counts against a repair.
    static let window = Span.days(30)
}
