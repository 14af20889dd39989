import Foundation
import Ledger
import Node
import Synchronization

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
