import Cryptography
import Synchronization

/// How patient a client is, and how much it takes.
package struct HTTPClientConfiguration: Sendable {
    package var connectMilliseconds = 5_000
    /// For a whole call, connecting included.
    package var totalMilliseconds = 30_000
    /// How long a stream may send nothing; its server sends heartbeats more often than that.
    package var silenceMilliseconds = 10_000
    /// The largest body of an answer that is not a stream.
    package var maximumBodyBytes = 16 << 20
    /// For how long an unused connection is taken again; less than the server keeps it.
    package var keepAliveSeconds = 30
    /// How many unused connections are kept.
    package var maximumIdleConnections = 4

    package init() {}
}

/// A client of one endpoint, on libcurl. Calls block; any number of threads may call, each with a connection
/// of its own, which is kept for the next call.
///
/// A call on a kept connection that the server has just closed is sent again by curl, so a server may see a
/// request twice; what must not be done twice needs an id, as transactions have.
package final class HTTPClient: Sendable {
    /// By what an endpoint is known. Certificates' dates and names play no part where keys are pinned.
    package enum Trust: Sendable, Hashable {
        /// The server's key is one of these; at least one.
        case pins([TLSPin])
        /// The system's authorities vouch for the name, for a service that is no member.
        case systemTrust
        /// Nothing: plain HTTP, whose endpoint begins with `http://`.
        case plainText
    }

    /// What can be changed while the client is used.
    struct Peer: Sendable {
        let endpoint: String
        let isSecure: Bool
        var trust: Trust
        var identity: TLSIdentity?
        var generation = 0
    }

    private struct State {
        var peer: Peer
        var idle: [CurlLane] = []
    }

    private let configuration: HTTPClientConfiguration
    private let state: Mutex<State>
    private let closing = HTTPCancellation()
    /// As it was given, without a slash at its end.
    package let endpoint: String

    /// - Parameters:
    ///   - endpoint: `https://host:port`, with a path before all targets where one is given.
    ///   - identity: what is shown to a server that asks who calls.
    /// - Throws: `http.bad_endpoint` where it is no such URL, or its scheme and the trust do not go together:
    ///   https wants pins or the system's trust, http wants `plainText`.
    package init(
        _ endpoint: String, trust: Trust, identity: TLSIdentity? = nil,
        configuration: HTTPClientConfiguration = HTTPClientConfiguration()
    ) throws(HTTPError) {
        var text = endpoint[...]
        while text.hasSuffix("/") { text = text.dropLast() }
        let isSecure = text.hasPrefix("https://")
        let rest = text.dropFirst(isSecure ? 8 : 7)
        let isPlain = rest.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"@?#\\\"<>".utf8.contains($0) }
        guard isSecure || text.hasPrefix("http://"), !rest.isEmpty, isPlain, !rest.hasPrefix("/"),
            !rest.hasPrefix(":")
        else { throw HTTPError(.badEndpoint, "\(endpoint) is not http(s)://host[:port][/path]") }
        self.endpoint = String(text)
        try HTTPClient.check(trust, isSecure)
        self.configuration = configuration
        state = Mutex(
            State(
                peer: Peer(endpoint: self.endpoint, isSecure: isSecure, trust: trust, identity: identity)))
    }

    /// Changes by what the server is known and what it is shown. Calls that are under way go on as they were.
    ///
    /// - Throws: as `init`.
    package func use(trust: Trust, identity: TLSIdentity?) throws(HTTPError) {
        try HTTPClient.check(trust, endpoint.hasPrefix("https://"))
        let dropped = state.withLock { state in
            state.peer.trust = trust
            state.peer.identity = identity
            state.peer.generation += 1
            defer { state.idle = [] }
            return state.idle
        }
        _ = dropped
    }

    /// Ends every call at once; later ones throw `http.cancelled`.
    package func close() {
        closing.cancel()
        let dropped = state.withLock { state in
            defer { state.idle = [] }
            return state.idle
        }
        _ = dropped
    }

    /// Asks and waits for the whole answer, of any status.
    ///
    /// - Throws: see `HTTPError.Code`.
    package func request(
        _ method: HTTPMethod, _ target: HTTPTarget, headers: HTTPHeaders = [:], body: [UInt8] = [],
        totalMilliseconds: Int? = nil, maximumBodyBytes: Int? = nil, cancellation: HTTPCancellation? = nil
    ) throws(HTTPError) -> HTTPAnswer {
        let call = CurlCall(
            method, target, headers, body,
            totalMilliseconds: max(1, totalMilliseconds ?? configuration.totalMilliseconds),
            limit: maximumBodyBytes ?? configuration.maximumBodyBytes)
        try perform(call, cancellation)
        return call.answer
    }

    /// Asks for an answer without an end, and hands on its bytes as they come, on the calling thread.
    ///
    /// Returns when the server has ended it. What `onBytes` throws ends it, and is thrown.
    ///
    /// - Throws: `http.status` for a status other than 2xx, `http.silent`, `http.cancelled`,
    ///   `http.interrupted` and the rest of `HTTPError.Code`.
    package func stream(
        _ method: HTTPMethod, _ target: HTTPTarget, headers: HTTPHeaders = [:], body: [UInt8] = [],
        silenceMilliseconds: Int? = nil, cancellation: HTTPCancellation? = nil,
        onBytes: ([UInt8]) throws -> Void
    ) throws {
        try withoutActuallyEscaping(onBytes) { onBytes in
            let call = CurlCall(
                method, target, headers, body, totalMilliseconds: 0,
                silenceMilliseconds: silenceMilliseconds ?? configuration.silenceMilliseconds,
                limit: configuration.maximumBodyBytes, onBytes: onBytes)
            do {
                try perform(call, cancellation)
            } catch {
                throw call.thrown ?? error
            }
            try call.answer.successful()
        }
    }

    /// As `stream`, of frames: hands on whole messages, without the heartbeats.
    ///
    /// - Throws: also `http.too_large` for a frame over the limit, `http.interrupted` for one that is cut
    ///   off.
    package func frames(
        _ method: HTTPMethod, _ target: HTTPTarget, headers: HTTPHeaders = [:], body: [UInt8] = [],
        maximumFrameBytes: Int, silenceMilliseconds: Int? = nil, cancellation: HTTPCancellation? = nil,
        onMessage: ([UInt8]) throws -> Void
    ) throws {
        var decoder = FrameDecoder(limit: maximumFrameBytes)
        try stream(
            method, target, headers: headers, body: body, silenceMilliseconds: silenceMilliseconds,
            cancellation: cancellation
        ) { bytes in
            decoder.append(bytes)
            while let message = try decoder.next() { try onMessage(message) }
        }
        guard decoder.pendingBytes == 0 else { throw HTTPError(.interrupted, "a frame was cut off") }
    }

    private func perform(_ call: CurlCall, _ cancellation: HTTPCancellation?) throws(HTTPError) {
        let (peer, kept) = state.withLock { ($0.peer, $0.idle.popLast()) }
        let lane: CurlLane
        if let kept { lane = kept } else { lane = try CurlLane(generation: peer.generation) }
        defer {
            state.withLock { state in
                let isKept =
                    state.peer.generation == lane.generation && !closing.isCancelled
                    && state.idle.count < configuration.maximumIdleConnections
                if isKept { state.idle.append(lane) }
            }
        }
        try lane.perform(call, peer, configuration, [closing] + (cancellation.map { [$0] } ?? []))
    }

    private static func check(_ trust: Trust, _ isSecure: Bool) throws(HTTPError) {
        switch trust {
        case .pins(let pins) where isSecure && !pins.isEmpty: return
        case .systemTrust where isSecure: return
        case .plainText where !isSecure: return
        case .pins, .systemTrust:
            throw HTTPError(
                .badEndpoint, isSecure ? "https without a pin" : "http cannot be trusted by a key")
        case .plainText: throw HTTPError(.badEndpoint, "https wants pins or the system's trust")
        }
    }
}
