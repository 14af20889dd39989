import Foundation

/// Measures how long a fleet needs until what is submitted after a fault is final again.
struct Recovery {
    let fleet: Fleet
    let load: Load

    struct Times {
        /// At the first node that was asked, and at the last; nil where it was not final in time.
        var first: Double?
        var last: Double?

        var text: String {
            "first \(Recovery.text(first)), everywhere \(Recovery.text(last))"
        }
    }

    static func text(_ seconds: Double?) -> String {
        seconds.map { String(format: "%.2f s", $0) } ?? "never"
    }

    /// Submits one new transaction at each of the nodes and waits until all are final.
    func probe(_ nodes: [Int], seconds: Double) -> Times {
        let begin = Date()
        let end = begin.addingTimeInterval(seconds)
        let results = Shared<[Double?]>([])
        let load = load
        for index in nodes {
            Thread.detachNewThread {
                let told = load.perform(index) { Date() > end }
                let time = told.map { _ in Date().timeIntervalSince(begin) }
                results.update { $0.append(time) }
            }
        }
        while results.read(\.count) < nodes.count { usleep(5_000) }
        let times = results.read { $0 }
        let known = times.compactMap { $0 }
        return Times(first: known.min(), last: known.count == nodes.count ? known.max() : nil)
    }

    /// Waits until a node is ready and no block behind.
    func caughtUp(_ index: Int, seconds: Double) -> Double? {
        let begin = Date()
        while Date().timeIntervalSince(begin) < seconds {
            let others = fleet.members.indices.compactMap { $0 == index ? nil : try? fleet.report($0) }
            let furthest = others.map(\.finalHeight).max() ?? 0
            // The others go on meanwhile, so the comparison is with what they had before.
            if let report = try? fleet.report(index), report.finalHeight >= furthest, furthest > 0 {
                return Date().timeIntervalSince(begin)
            }
            usleep(50_000)
        }
        return nil
    }
}
