import Codec
import Cryptography
import Foundation
import HTTP
import Ledger
import Node

/// The connection to one other node: its messages as they come, and transactions that are handed to it.
///
/// Two threads. What comes is decoded here, and a peer that sends more than a validator has to say is read
/// more slowly, so that it costs this node little.
final class PeerLink: Sendable {
    struct Events: Sendable {
        let received: @Sendable (ReplicaMessage, MemberID) -> Void
        let log: NodeLog
    }

    private struct State {
        var isConnected = false
        var finalHeight: Height?
        var queue: [[UInt8]] = []
        var queuedBytes = 0
        var isClosed = false
        var failure = ""
    }

    let address: PeerBook.Address
    let client: HTTPClient
    private let events: Events
    private let state = ConditionMutex(State())
    private let cancellation = HTTPCancellation()

    /// Bytes of transactions that wait to be handed over, and that go in one request.
    private static let queueBytes = 4 << 20
    static let requestBytes = 1 << 20
    /// Messages that are read at once within `paceMilliseconds`.
    private static let paceCount = 2_000
    private static let paceMilliseconds = 500

    init(_ address: PeerBook.Address, identity: TLSIdentity, events: Events) throws(HTTPError) {
        (self.address, self.events) = (address, events)
        client = try HTTPClient(address.endpoint, trust: .pins(address.pins), identity: identity)
        start("follow", follow)
        start("hand-over", handOver)
    }

    private func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let thread = Thread(block: body)
        thread.name = "peer-\(name)"
        thread.start()
    }

    var status: PeerStatus {
        state.read {
            PeerStatus(member: address.member, isConnected: $0.isConnected, finalHeight: $0.finalHeight)
        }
    }

    /// What keeps the peer from being connected; empty where it is.
    var failure: String { state.read { $0.isConnected ? "" : $0.failure } }
    var queuedBytes: Int { state.read(\.queuedBytes) }

    func use(_ identity: TLSIdentity) throws(HTTPError) {
        try client.use(trust: .pins(address.pins), identity: identity)
    }

    /// Hands transactions over when it can; those that there is no room for are left out.
    func submit(_ transactions: [[UInt8]]) {
        state.update { state in
            for bytes in transactions where state.queuedBytes + bytes.count <= PeerLink.queueBytes {
                state.queue.append(bytes)
                state.queuedBytes += bytes.count
            }
        }
    }

    /// Ends both threads soon.
    func close() {
        state.update { $0.isClosed = true }
        cancellation.cancel()
        client.close()
    }

    private var isClosed: Bool { state.read(\.isClosed) }

    private func pause(milliseconds: Int) { state.wait(milliseconds: milliseconds, until: \.isClosed) }

    // MARK: Messages

    private func follow() {
        var backoff = Backoff(first: .milliseconds(100), longest: .seconds(5))
        while !isClosed {
            var reason = "ended the stream"
            do { try readMessages(&backoff) } catch { reason = "\(error)" }
            if isClosed { return }
            let (wasConnected, isNews) = state.update { state in
                defer { (state.isConnected, state.failure) = (false, reason) }
                return (state.isConnected, state.failure != reason)
            }
            if wasConnected || isNews {
                events.log.warning(
                    "peer is not connected", ["peer": address.member.text, "reason": reason])
            }
            pause(milliseconds: Int(backoff.failed(chance: .random(in: 0..<1)).nanoseconds / 1_000_000))
        }
    }

    private func readMessages(_ backoff: inout Backoff) throws {
        var count = 0
        var windowEnd = Date()
        try client.frames(
            .get, "/v1/peer/messages", maximumFrameBytes: ReplicaMessage.maximumSize,
            cancellation: cancellation
        ) { bytes in
            let message = try ReplicaMessage(decoding: bytes)
            noteConnected(message)
            backoff.succeeded()
            events.received(message, address.member)
            count += 1
            let now = Date()
            if now >= windowEnd {
                windowEnd = now.addingTimeInterval(Double(PeerLink.paceMilliseconds) / 1_000)
                count = 0
            } else if count >= PeerLink.paceCount {
                pause(milliseconds: Int(windowEnd.timeIntervalSince(now) * 1_000) + 1)
            }
        }
    }

    private func noteConnected(_ message: ReplicaMessage) {
        let isNew = state.update { state in
            if case .status(let status) = message { state.finalHeight = status.finalHeight }
            defer { (state.isConnected, state.failure) = (true, "") }
            return !state.isConnected
        }
        if isNew {
            events.log.info(
                "peer is connected", ["peer": address.member.text, "endpoint": address.endpoint])
        }
    }

    // MARK: Transactions

    private func handOver() {
        while true {
            let part = state.wait(
                milliseconds: 1_000, until: { !$0.queue.isEmpty || $0.isClosed },
                then: { PeerLink.takePart(&$0) })
            guard let part else { return }
            guard !part.isEmpty else { continue }
            do {
                try client.request(
                    .post, "/v1/peer/transactions", body: PeerFrames.body(part), totalMilliseconds: 5_000,
                    cancellation: cancellation
                ).successful()
            } catch {
                // Whoever handed them over does so again.
                events.log.debug(
                    "transactions were not handed over",
                    ["peer": address.member.text, "count": part.count, "reason": error])
                pause(milliseconds: 200)
            }
        }
    }

    /// nil where the link is closed.
    private static func takePart(_ state: inout State) -> [[UInt8]]? {
        guard !state.isClosed else { return nil }
        var (count, size) = (0, 0)
        for bytes in state.queue {
            guard count == 0 || size + bytes.count <= requestBytes else { break }
            (count, size) = (count + 1, size + bytes.count)
        }
        let part = Array(state.queue.prefix(count))
        state.queue.removeFirst(count)
        state.queuedBytes -= size
        return part
    }
}
