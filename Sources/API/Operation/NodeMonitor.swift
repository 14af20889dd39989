import Codec
import Foundation
import HTTP
import Ledger
import Node
import Ordering
import Synchronization

/// How a running node is, for machines and for people.
package final class NodeMonitor: Sendable {
    private struct State {
        var height: Height = 0
        var heightSince = Date()
        /// In seconds since 1970-01-01 UTC.
        var ends: [Ending: Int64] = [:]
        var warnings = ExpiryWarnings()
    }

    let node: LedgerNode
    let peers: HTTPPeers
    private let home: Home
    private let server: @Sendable () -> HTTPServerMetrics?
    private let log: NodeLog
    private let state = Mutex(State())
    private let started = Date()

    /// A node that is further behind than this many blocks is catching up.
    private static let behind: Height = 20

    package init(
        node: LedgerNode, peers: HTTPPeers, home: Home, log: NodeLog,
        server: @escaping @Sendable () -> HTTPServerMetrics?
    ) {
        (self.node, self.peers, self.home, self.log, self.server) = (node, peers, home, log, server)
    }

    /// Looks at the height, so that it is known for how long it has stood still. Called often.
    package func look() {
        let height = node.status.finalHeight
        state.withLock { state in
            guard height != state.height else { return }
            (state.height, state.heightSince) = (height, Date())
        }
    }

    /// What ends at a time that is known.
    enum Ending: Hashable {
        case certificate(String)
        /// One that the member has delegated to its node.
        case key(String)
    }

    /// Notes when this node's keys end, in the place of those that were noted before.
    func note(keys: [(name: String, seconds: Int64)], now: Int64) {
        state.withLock { state in
            state.ends = state.ends.filter {
                if case .key = $0.key { false } else { true }
            }
        }
        for key in keys { note(.key(key.name), at: key.seconds, now: now) }
    }

    /// Notes when something of this node's ends, for reports and metrics, and warns before.
    /// - Parameters:
    ///   - seconds: since 1970-01-01 UTC.
    ///   - now: of the same clock.
    func note(_ ending: Ending, at seconds: Int64, now: Int64) {
        state.withLock { $0.ends[ending] = seconds }
        warn(ending, at: seconds, now: now)
    }

    /// Warns 30, 7 and 1 days before something ends, and when it has, once for each.
    func warn(_ ending: Ending, at seconds: Int64, now: Int64) {
        let days = state.withLock {
            $0.warnings.due("\(ending)", notAfterSeconds: seconds, nowSeconds: now)
        }
        guard let days else { return }
        switch ending {
        case .certificate(let name) where days < 0:
            log.warning("a certificate has expired; its key still counts", ["certificate": name])
        case .certificate(let name):
            log.warning("a certificate ends soon", ["certificate": name, "days": days])
        case .key(let name) where days < 0:
            log.warning("a key of this node has ended; delegate another", ["key": name])
        case .key(let name):
            log.warning("a key of this node ends soon", ["key": name, "days": days])
        }
    }

    /// How long something has waited to become final; 0 where nothing waits.
    func lagSeconds(_ status: NodeStatus) -> Double {
        guard status.pending > 0 || status.outbox > 0 else { return 0 }
        let since = state.withLock { $0.height == status.finalHeight ? $0.heightSince : Date() }
        return max(0, Date().timeIntervalSince(since))
    }

    // MARK: Readiness

    /// Why the node is not ready to serve; empty where it is.
    package var reasons: [String] { NodeMonitor.reasons(node.status) }

    static func reasons(_ status: NodeStatus) -> [String] {
        var reasons: [String] = []
        if let halted = status.halted { reasons.append("halted: \(halted.code)") }
        if status.engineHealth?.state != .following {
            reasons.append("engine: \(status.engineHealth?.summary ?? "is being made")")
        }
        if !status.isOrdering { reasons.append("epoch: is being changed") }
        let highest = height(of: status.peers, validators: status.validators.count)
        if highest > status.finalHeight, highest - status.finalHeight > behind {
            reasons.append("behind: \(highest - status.finalHeight) blocks")
        }
        return reasons
    }

    /// The final height that at least one honest peer has told: fewer than a third of the validators lie, so
    /// as many of the highest are left out.
    static func height(of peers: [PeerStatus], validators count: Int) -> Height {
        let quorum = 2 * count / 3 + 1
        let told = peers.compactMap(\.finalHeight).sorted(by: >)
        return told.dropFirst(max(0, count - quorum)).first ?? 0
    }

    // MARK: Routes

    /// | | for | |
    /// |---|---|---|
    /// | `GET /healthz` | anyone | 200 while the process answers |
    /// | `GET /readyz` | anyone | 200, or 503 with a reason a line |
    /// | `GET /metrics` | anyone | Prometheus' text format |
    /// | `GET /v1/node/status` | the node's own member | `NodeReport` as JSON |
    package var routes: [Route] {
        [
            Route(.get, "/healthz", for: .anyone) { _ in HTTPResponse(text: "ok\n") },
            Route(.get, "/readyz", for: .anyone) { _ in
                let reasons = self.reasons
                return reasons.isEmpty
                    ? HTTPResponse(text: "ready\n")
                    : HTTPResponse(.unavailable, text: reasons.map { $0 + "\n" }.joined())
            },
            Route(.get, "/metrics", for: .anyone) { _ in
                HTTPResponse(type: "text/plain; version=0.0.4; charset=utf-8", text: self.metrics)
            },
            Route(.get, "/v1/node/status", for: .own) { _ in try HTTPResponse(json: self.report) },
        ]
    }

    /// Everything at once.
    package var report: NodeReport {
        let status = node.status
        return NodeReport(
            status, reasons: NodeMonitor.reasons(status), member: peers.book.own, chain: node.rules.chain,
            pins: peers.book.ledgerPins, ownPin: peers.identity.pin, firstHeight: node.firstBlock,
            failures: peers.failures, certificates: daysLeft.certificates, keys: daysLeft.keys,
            startedMilliseconds: Int64(started.timeIntervalSince1970 * 1_000))
    }

    /// By name; negative where it has ended.
    private var daysLeft: (certificates: [String: Int64], keys: [String: Int64]) {
        let now = Int64(Date().timeIntervalSince1970)
        var (certificates, keys) = ([String: Int64](), [String: Int64]())
        for (ending, end) in state.withLock(\.ends) {
            let days = Int64((Double(end - now) / 86_400).rounded(.down))
            switch ending {
            case .certificate(let name): certificates[name] = days
            case .key(let name): keys[name] = days
            }
        }
        return (certificates, keys)
    }

    package var metrics: String {
        var text = MetricsText()
        let (status, counts) = (node.status, node.metrics)
        text.add(status, lagSeconds: lagSeconds(status), reasons: NodeMonitor.reasons(status))
        text.add(counts)
        text.gauge(
            "millwright_peer_streams", "Streams of messages that other nodes have open.",
            Double(peers.openStreams))
        text.gauge(
            "millwright_peer_queue_bytes", "Bytes of transactions that wait to be handed over.",
            Double(peers.queuedBytes))
        let (certificates, keys) = daysLeft
        for (kind, what, days) in [("certificate", "a certificate", certificates), ("key", "a key", keys)] {
            let family = "millwright_\(kind)_days_left"
            text.family(family, "Days until \(what) ends.", "gauge")
            for (name, count) in days.sorted(by: { $0.key < $1.key }) {
                text.sample(family, [kind: name], Double(count))
            }
        }
        text.family("millwright_log_lines_total", "Lines of this node's own log.", "counter")
        for level in NodeLog.Level.allCases {
            text.sample(
                "millwright_log_lines_total", ["level": level.rawValue], Double(log.count(level)))
        }
        if let server = server() { text.add(server) }
        text.gauge(
            "millwright_ledger_bytes", "Bytes of the ledger's files.",
            Double(ProcessFigures.bytes(under: home.ledgerFolder)))
        text.gauge(
            "process_resident_memory_bytes", "Resident memory.", Double(ProcessFigures.residentBytes))
        text.gauge(
            "process_start_time_seconds", "Start of the process since 1970-01-01 UTC.",
            started.timeIntervalSince1970.rounded())
        return text.text
    }
}

/// What the system knows of this process.
enum ProcessFigures {
    /// 0 where the system does not say.
    static var residentBytes: Int {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// What the files below a folder take on disk.
    static func bytes(under folder: URL) -> Int {
        let keys: Set<URLResourceKey> = [.totalFileAllocatedSizeKey]
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: Array(keys))
        var sum = 0
        while let file = files?.nextObject() as? URL {
            sum += (try? file.resourceValues(forKeys: keys).totalFileAllocatedSize) ?? 0
        }
        return sum
    }
}
