import Cryptography

/// A request as a handler sees it: read whole, within the limit of its route.
package struct HTTPRequest: Sendable {
    package let method: HTTPMethod
    package let target: HTTPTarget
    package let headers: HTTPHeaders
    package let body: [UInt8]
    /// The certificate that the client proved to hold the key of; nil where it showed none, and over plain
    /// HTTP. Whose it is, and whether it may be expired, is the application's to say.
    package let peer: TLSCertificate?
    /// The client's numeric address, without a port.
    package let remoteAddress: String
    /// Tells a handler that waits that nobody needs its answer.
    package let exchange: any HTTPExchange

    /// The path's components, without percent signs.
    package var path: [String] { target.components }

    /// The first value of a name in the query.
    package func query(_ name: String) -> String? { target.value(name) }

    /// Whether the server stops or the client has gone; one system call. A handler that waits asks every
    /// tenth of a second or so.
    package var isAbandoned: Bool { exchange.isAbandoned }
}

/// The way back to a client, as far as a handler or a stream needs it.
package protocol HTTPExchange: Sendable {
    var isAbandoned: Bool { get }
}
