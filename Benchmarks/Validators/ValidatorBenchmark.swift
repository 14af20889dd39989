import Foundation
import Ledger
import Node
import Synchronization
import TestSupport

/// What several validators on one machine reach: commits a second and finality next to what the processor can
/// verify for so many, and finality across distance next to what the distance allows.
struct ValidatorBenchmark {
    let options: Options
    let folder: URL

    func run() async throws {
        Report.write("millwright-bench --validators: nodes in one process over HTTPS, \(Machine.cores) cores")
        if options.isQuick { Report.write("--quick: tiny input, so the figures mean nothing") }
        for count in options.isQuick ? [4] : [4, 7] { try await measure(count) }
        try await measureDistance()
        try await measureServersAtADistance()
    }

    // MARK: One machine

    private func measure(_ count: Int) async throws {
        Report.heading("\(count) validators, quorum \(2 * count / 3 + 1), embedded engine of one of them")
        let before = Machine.verificationLimit(seconds: options.isQuick ? 0.05 : 2)
        let ring = try ValidatorRing(count, in: folder)
        defer { ring.stop() }
        try await ring.warmUp()
        let total = options.transactions ?? (options.isQuick ? 200 : 20_000)
        let seconds = try await saturate(ring, total)
        let latencies = try await trickle(ring, options.isQuick ? 20 : 400)
        let after = Machine.verificationLimit(seconds: options.isQuick ? 0.05 : 2)
        let limit = (before.rate + after.rate) / 2 / Double(count)
        let rate = Double(total) / seconds
        Report.line("final transactions", Report.rate(rate), "\(total) from all members at once")
        Report.line("verification limit", Report.rate(limit), "each of \(count) nodes verifies every one")
        Report.line("ratio", Report.ratio(rate / limit))
        Report.line("finality, median", Report.time(latencies.median), "one transaction at a time")
        Report.line("finality, 99 %", Report.time(latencies.high))
    }

    /// Submits everything at once and waits for the last.
    private func saturate(_ ring: ValidatorRing, _ total: Int) async throws -> Double {
        var transactions: [(node: Int, bytes: [UInt8])] = []
        for number in 0..<total {
            let index = number % ring.nodes.count
            transactions.append((index, try ring.transaction(of: index, number)))
        }
        let start = ContinuousClock.now
        let problem = Mutex<String?>(nil)
        let waiting = Mutex(total)
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            for (index, bytes) in transactions {
                ring.nodes[index].node.submit(bytes) { result in
                    if case .final(let final) = result, final.outcome == .accepted {
                    } else {
                        problem.withLock { $0 = "\(result)" }
                    }
                    let isLast = waiting.withLock { count in
                        count -= 1
                        return count == 0
                    }
                    if isLast { done.resume() }
                }
            }
        }
        if let problem = problem.withLock({ $0 }) { throw Load.NotAccepted(description: problem) }
        return seconds(since: start)
    }

    // MARK: Distance

    private func measureDistance() async throws {
        Report.heading("4 validators, everything between two of them delayed, embedded engine")
        Report.row(["one way", "host median", "host least", "other median", "other least", "of the least"])
        for delay in options.isQuick ? [5.0] : [40.0, 80.0, 160.0] {
            let ring = try ValidatorRing(4, in: folder, delayMilliseconds: delay)
            defer { ring.stop() }
            try await ring.warmUp()
            let count = options.isQuick ? 4 : 24
            let host = try await trickle(ring, count, from: 0)
            let other = try await trickle(ring, count, from: 1)
            // The batch, the votes and the commits cross once each; whoever is not the host asks it first.
            let least = 3 * delay / 1000
            let leastElsewhere = 4 * delay / 1000
            Report.row([
                Report.time(delay / 1000), Report.time(host.median), Report.time(least),
                Report.time(other.median), Report.time(leastElsewhere),
                "\(Report.ratio(host.median / least)) \(Report.ratio(other.median / leastElsewhere))",
            ])
        }
    }

    /// Three NATS servers at the places of three of the four validators.
    ///
    /// With `d` for the way between two places, `t` for when a batch has reached the stream's leader, and
    /// nothing for what happens at one place, a transaction cannot be final sooner than this:
    ///
    /// 1. Its node publishes the batch: `t` = 0 where the leader is at its own place, else `d`.
    /// 2. The leader sends it to the other two servers and one of them says that it has it on its disk, which
    ///    makes two of three: `t` + 2d.
    /// 3. The leader's own place has it then, every other one `d` later: `t` + 3d. Servers that are told that
    ///    it is settled and tell their clients are no sooner.
    /// 4. Votes cross. A third signature, of a place without the leader, comes from `t` + 3d and is there at
    ///    `t` + 4d: three of four votes are a lock.
    /// 5. Commits cross in the same way: `t` + 5d.
    ///
    /// So it is 5d for the company at the leader's place and 6d for any other. JetStream puts each node's
    /// reader on a server by lot; where that is neither the leader nor the node's own, delivery takes `d`
    /// more than step 3 says. With luck for the three who have servers, 1/3 · 2/3 · 2/3, it is 5d at the
    /// leader's place, otherwise mostly 6d.
    private func measureServersAtADistance() async throws {
        guard NATSTestCluster.isPresent else { return Report.write("\n\(NATSTestCluster.absence)") }
        Report.heading("the same with three NATS servers, at three of the four places")
        Report.write("  least: the leader asks a majority 2d, delivers d, votes d, commits d;")
        Report.write("  and from another place d to the leader first")
        Report.row(["one way", "at leader", "least", "elsewhere", "least", "of the least"])
        for delay in options.isQuick ? [5.0] : [40.0, 80.0, 160.0] {
            var attempts = 3
            while try await !measureServers(delay) {
                attempts -= 1
                guard attempts > 0 else {
                    throw Load.NotAccepted(description: "the servers do not keep the order")
                }
            }
        }
    }

    /// - Returns: false where the order, or the stream's lead, went to another meanwhile.
    private func measureServers(_ delay: Double) async throws -> Bool {
        let ring = try ValidatorRing(4, in: folder, delayMilliseconds: delay, servers: 3)
        defer { ring.stop() }
        try await ring.warmUp()
        let count = options.isQuick ? 4 : 24
        guard let leader = ring.servers?.streamLeader else {
            Report.write("  \(Report.time(delay / 1000)): \(ring.order), again")
            return false
        }
        let near = try await trickle(ring, count, from: leader)
        let far = try await trickle(ring, count, from: (leader + 1) % 3)
        guard ring.servers?.streamLeader == leader, ring.isOrderedByServers else {
            Report.write("  \(Report.time(delay / 1000)): \(ring.order), again")
            return false
        }
        let (least, leastElsewhere) = (5 * delay / 1000, 6 * delay / 1000)
        Report.row([
            Report.time(delay / 1000), Report.time(near.median), Report.time(least),
            Report.time(far.median), Report.time(leastElsewhere),
            "\(Report.ratio(near.median / least)) \(Report.ratio(far.median / leastElsewhere))",
        ])
        return true
    }

    /// Final latencies of transactions that go alone.
    private struct Latencies {
        let sorted: [Double]
        var median: Double { sorted[sorted.count / 2] }
        var high: Double { sorted[min(sorted.count - 1, sorted.count * 99 / 100)] }
    }

    private func trickle(
        _ ring: ValidatorRing, _ count: Int, from fixed: Int? = nil
    ) async throws -> Latencies {
        var latencies: [Double] = []
        for number in 0..<count {
            let index = fixed ?? number % ring.nodes.count
            let bytes = try ring.transaction(of: index, number)
            let start = ContinuousClock.now
            _ = try await ring.nodes[index].node.submit(bytes, until: .final)
            latencies.append(seconds(since: start))
        }
        return Latencies(sorted: latencies.sorted())
    }

    private func seconds(since start: ContinuousClock.Instant) -> Double {
        let duration = ContinuousClock.now - start
        return Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }
}
