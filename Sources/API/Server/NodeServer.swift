import Cryptography
import HTTP

/// What a node answers over HTTPS: routes under `/v1`, and three pages for monitoring beside them.
///
/// TLS proves which key the caller holds, `identify` says whose it is, and the route's access whether it is
/// answered. Certificates' dates play no part.
package final class NodeServer: Sendable {
    private let server: HTTPServer

    /// Listens and serves at once.
    /// - Parameters:
    ///   - identify: told the caller's certificate, nil for none.
    ///   - invited: asked where `identify` finds a stranger: one who shows an invitation.
    ///   - onFailure: told what a route threw that is no `Problem`; the caller learns only that it failed.
    /// - Throws: `http.server`.
    package init(
        host: String, port: UInt16, identity: TLSIdentity, routes: [Route],
        identify: @escaping @Sendable (TLSCertificate?) -> Caller,
        invited: @escaping @Sendable (HTTPRequest) throws -> Caller? = { _ in nil },
        onFailure: @escaping @Sendable (any Error, HTTPTarget) -> Void = { _, _ in }
    ) throws(HTTPError) {
        let router = Router(routes)
        var configuration = HTTPServerConfiguration(host: host, port: port, identity: identity)
        configuration.maximumBodyBytes = { router.maximumBodyBytes($0, $1) }
        configuration.onFailure = onFailure
        server = try HTTPServer(configuration) { request in
            var caller = identify(request.peer)
            if caller == .stranger, let guest = try invited(request) { caller = guest }
            return try router.answer(request, from: caller)
        }
    }

    package var port: UInt16 { server.port }
    package var metrics: HTTPServerMetrics { server.metrics }

    /// Shows another certificate to those who connect from now on.
    /// - Throws: `http.server`.
    package func use(_ identity: TLSIdentity) throws(HTTPError) { try server.use(identity) }

    /// Ends streams at once, lets requests finish for a moment, and stops.
    package func stop() { server.stop() }
}
