import Billing
import Contracts
import Ledger

extension TelemetryImport {
    /// Reports a failure, signed by the machine's device, unless a ticket is open for the same fault. What is
    /// asked for is the customer's standing order.
    func report(_ entry: TelemetryEntry, _ summary: inout Summary) async throws -> Fault {
        let text = entry.fault ?? MachineState.outOfService.rawValue
        func fault(_ ticket: TicketID?) -> Fault {
            Fault(machine: machine, text: text, sequence: entry.sequence, time: entry.time, ticket: ticket)
        }
        guard options.reportsFaults else { return fault(nil) }
        try follow(entry.time)
        let view = try documents.node.view()
        let code = Self.faultCode(text)
        let tickets = try view.records(TicketRecord.self, where: "machine", equals: machine.keyBytes)
        if let open = tickets.first(where: { $0.isOpen && $0.request.faultCode.utf8.elementsEqual(code.utf8) }
        ) {
            return fault(open.id)
        }
        let id = try nextTicket(tickets.count, view)
        do {
            try await documents.node.enact(
                MaintenanceContract.self,
                .report(
                    .init(
                        ticket: id, machine: machine, kind: .correctiveImmediate, priority: 1,
                        faultCode: code, description: "Entry \(entry.sequence) of the telemetry: \(text)")),
                as: device)
        } catch {
            guard error.code.hasPrefix("maintenance.") else { throw error }
            // The telemetry stands whatever the ledger thinks of the ticket.
            summary.refusedTickets.append("\(error.code): \(error.message)")
            return fault(nil)
        }
        summary.opened.append(id)
        return fault(id)
    }

    /// `<machine>-<n>`, the first that is free.
    private func nextTicket(_ count: Int, _ view: StateView) throws(NodeError) -> TicketID {
        var number = count + 1
        while true {
            guard let id = TicketID("\(machine)-\(number)") else {
                throw NodeError(
                    "import.ticket_name", "\(machine)'s name leaves no room for a ticket's number")
            }
            if try view.get(TicketRecord.self, id) == nil { return id }
            number += 1
        }
    }

    /// Whether the failure of an anchored entry has had its ticket, open or not.
    func hasTicket(
        for entry: TelemetryEntry, since anchored: Ledger.Timestamp, _ view: StateView
    ) throws(NodeError) -> Bool {
        let code = Self.faultCode(entry.fault ?? MachineState.outOfService.rawValue)
        return try view.records(TicketRecord.self, where: "machine", equals: machine.keyBytes).contains {
            $0.request.faultCode.utf8.elementsEqual(code.utf8) && ($0.isOpen || $0.reported >= anchored)
        }
    }

    /// A fault's text as a ticket's code: at most 64 bytes, no control characters.
    static func faultCode(_ text: String) -> String {
        var code = ""
        for scalar in text.unicodeScalars where scalar.properties.generalCategory != .control {
            guard code.utf8.count + String(scalar).utf8.count <= 64 else { break }
            code.unicodeScalars.append(scalar)
        }
        return code.isEmpty ? MachineState.outOfService.rawValue : code
    }
}

extension TicketRecord {
    /// Whether work on it is still to come or going on.
    package var isOpen: Bool {
        switch state {
        case .closed, .cancelled, .rejected: false
        default: true
        }
    }
}
