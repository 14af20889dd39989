import Cryptography

/// Where a server listens and how much it takes from anybody.
package struct HTTPServerConfiguration: Sendable {
    /// A numeric address or a name; `0.0.0.0` and `::` for every interface.
    package var host = "127.0.0.1"
    /// 0 for any free one.
    package var port: UInt16 = 0
    /// nil for plain HTTP.
    package var identity: TLSIdentity?

    /// Each connection has a thread. More are closed at once.
    package var maximumConnections = 512
    /// More from one address are closed at once.
    package var maximumConnectionsPerAddress = 128
    /// Until the first request's headers are there, handshake included.
    package var firstRequestSeconds = 10
    /// From the end of a request until the next one's headers are there.
    package var idleSeconds = 75
    /// From a request's headers until its body is there.
    package var bodySeconds = 60
    /// From an answer that is no stream until the client has taken it.
    package var answerSeconds = 300
    /// How long a connection may move no byte, in either direction, while one is due.
    package var stallSeconds = 30
    /// The bytes of a request's line and headers; about half of it can be used.
    package var maximumHeaderBytes = 64 << 10
    /// The largest body that a request may have, by route.
    package var maximumBodyBytes: @Sendable (HTTPMethod, HTTPTarget) -> Int = { _, _ in 1 << 20 }
    /// Told of each error that a handler or a stream threw and that is no `Problem`: the client learns only
    /// that something went wrong.
    package var onFailure: @Sendable (any Error, HTTPTarget) -> Void = { _, _ in }

    package init(host: String = "127.0.0.1", port: UInt16 = 0, identity: TLSIdentity? = nil) {
        (self.host, self.port, self.identity) = (host, port, identity)
    }
}

/// What a server counts.
package struct HTTPServerMetrics: Sendable, Hashable {
    package internal(set) var openConnections = 0
    /// Requests that a handler has now.
    package internal(set) var activeRequests = 0
    package internal(set) var openStreams = 0
    /// Requests that were answered since the start.
    package internal(set) var requests = 0
    /// Of these, those with a status of 500 or more.
    package internal(set) var failures = 0
    /// Connections that were closed because a client was too slow.
    package internal(set) var timeouts = 0
}
