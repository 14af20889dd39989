import Ledger

/// Deadlines after a change of epoch. Nobody could bid while the order stood still, and whoever brought it
/// back chose the moment: so what ends soon gets time again.
extension MaintenanceContract {
    /// What is still open after the last block before the epoch ends no sooner than this after the epoch
    /// block.
    static let respite = Span.minutes(10)
    /// Auctions looked at in one epoch block, by the time of their decision.
    static let auctionsPerEpoch = 4096
    /// Auctions moved in one epoch block, and of these one client's: its own must not crowd out the others'.
    static let movesPerEpoch = 256
    static let movesPerClient = 32

    package static func epochBegan(after last: Timestamp, in context: Context) throws(Rejection) {
        let earliest = context.time + respite
        // Sealed bids close before the decision that a deadline waits for: by as much as they may be opened.
        let timers = try context.timers(
            decision, before: earliest + longestRevealWindow, limit: auctionsPerEpoch)
        var moves: [MemberID: Int] = [:]
        var left = movesPerEpoch
        for timer in timers where left > 0 {
            guard let id = TicketID(String(decoding: timer.subject, as: UTF8.self)),
                var ticket = try context.get(TicketRecord.self, id), ticket.state == .openForBids
            else { continue }
            var moved = ticket.bidding
            moved.put(off: earliest, openSince: last)
            guard moved != ticket.bidding, moves[ticket.client, default: 0] < movesPerClient else { continue }
            moves[ticket.client, default: 0] += 1
            left -= 1
            try cancelDecision(of: &ticket, context)
            ticket.bidding = moved
            try scheduleDecision(of: ticket, context)
            try context.put(ticket)
            context.emit("deadlineMoved", ticket.id)
        }
    }
}

extension TicketRecord.Bidding {
    /// Moves what has not ended by one time, and would before another, to the latter. Sealed bids that could
    /// already be opened stay closed: only their opening gets time.
    mutating func put(off earliest: Timestamp, openSince last: Timestamp) {
        guard let decides, last < decides else { return }
        if last < closes && closes < earliest {
            let delay = earliest - closes
            deadline = deadline + delay
            closes = earliest
            revealUntil = revealUntil.map { $0 + delay }
        } else if let until = revealUntil, last < until {
            revealUntil = max(until, earliest)
        }
        // Open bids may be decided before they close, once there are enough of them.
        self.decides = revealUntil ?? max(decides, earliest)
    }
}
