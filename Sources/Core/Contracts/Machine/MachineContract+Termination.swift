import Codec
import Ledger

extension MachineContract {
    /// Only a machine that is not in service: the customer stops it first, so that nobody ends the billing
    /// of a running machine by proposing. One that the customer has never accepted binds nobody and ends at
    /// once.
    static func proposeTermination(_ body: ProposeTermination, _ context: Context) throws(Rejection) {
        var machine = try context.existing(MachineRecord.self, body.machine)
        let member = try context.requireParty(oneOf: [machine.oem, machine.customer])
        try requireState(machine, [.registered, .accepted, .stopped], context)
        try context.requireProse(body.reason, "reason", bytes: 1...500)
        machine.termination = MachineRecord.Termination(
            proposedBy: member.id, reason: body.reason, proposed: context.time, from: machine.state)
        if machine.state == .registered {
            return try terminate(&machine, context)
        }
        machine.state = .terminating
        try context.put(machine)
        context.emit("terminationProposed", machine.id)
    }

    static func acceptTermination(_ id: MachineID, _ context: Context) throws(Rejection) {
        var machine = try context.existing(MachineRecord.self, id)
        let member = try context.requireParty(oneOf: [machine.oem, machine.customer])
        try requireState(machine, [.terminating], context)
        try context.require(
            machine.termination?.proposedBy != member.id || machine.oem == machine.customer,
            else: "machine.own_proposal", "the other party has to accept")
        try terminate(&machine, context)
    }

    static func declineTermination(_ id: MachineID, _ context: Context) throws(Rejection) {
        var machine = try context.existing(MachineRecord.self, id)
        try context.requireParty(oneOf: [machine.oem, machine.customer])
        try requireState(machine, [.terminating], context)
        machine.state = machine.termination?.from ?? .stopped
        machine.termination = nil
        try context.put(machine)
        context.emit("terminationDeclined", id)
    }

    /// The end: all is paid, no agreement goes on, no device signs for it any more.
    /// - Throws: `machine.not_settled` before the final invoice is paid.
    private static func terminate(_ machine: inout MachineRecord, _ context: Context) throws(Rejection) {
        try context.require(
            try AgreementContract.isSettled(machine.id, in: context), else: "machine.not_settled",
            "an agreement of \(machine.id) has no final invoice, or an invoice is not paid")
        try AgreementContract.endAgreements(of: machine.id, in: context)
        for device in machine.devices {
            if machine.accepted != nil {
                try context.revokeKey(device.key)
            } else {
                try release(device, of: machine, context)
            }
        }
        if let brought = machine.replacement { try release(brought.device, of: machine, context) }
        machine.state = .terminated
        machine.terminated = context.time
        machine.replacement = nil
        try context.put(machine)
        context.emit("terminated", machine.id)
    }
}
