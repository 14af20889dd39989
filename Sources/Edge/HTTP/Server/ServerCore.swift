import CMicroHTTPD
import Cryptography
import Foundation
import Synchronization

/// What the callbacks of one daemon share.
///
/// `@unchecked Sendable` holds because everything that changes is behind a lock or atomic.
final class ServerCore: @unchecked Sendable {
    let configuration: HTTPServerConfiguration
    let handler: @Sendable (HTTPRequest) throws -> HTTPResponse
    /// Counters, and the connections that may be cut off.
    let state = ConditionMutex(State())
    private let stopping = Atomic<Bool>(false)
    private let credentials: Mutex<TLSCredentials?>

    struct State {
        var metrics = HTTPServerMetrics()
        var connections: [ObjectIdentifier: ServerConnection] = [:]
        /// Requests that a handler has seen and whose answer the client has not.
        var unanswered = 0
        var isStopping = false
        var isReaperDone = false
    }

    init(
        _ configuration: HTTPServerConfiguration, _ credentials: TLSCredentials?,
        _ handler: @escaping @Sendable (HTTPRequest) throws -> HTTPResponse
    ) {
        self.configuration = configuration
        self.credentials = Mutex(credentials)
        self.handler = handler
    }

    var isStopping: Bool { stopping.load(ordering: .relaxed) }

    func beginStopping() {
        stopping.store(true, ordering: .relaxed)
        state.update { $0.isStopping = true }
    }

    func use(_ new: TLSCredentials) { credentials.withLock { $0 = new } }

    // MARK: Connections

    func started(_ connection: OpaquePointer) -> ServerConnection {
        let current = credentials.withLock { $0 }
        if let current, let session = http_connection_session(connection) {
            _ = http_session_prepare(session, current.handle)
        }
        let made = ServerConnection(self, connection, current)
        state.update {
            $0.connections[ObjectIdentifier(made)] = made
            $0.metrics.openConnections += 1
        }
        return made
    }

    func closed(_ connection: ServerConnection) {
        connection.markClosed()
        state.update {
            $0.connections[ObjectIdentifier(connection)] = nil
            $0.metrics.openConnections -= 1
        }
    }

    /// Cuts off whoever is too slow, until the server stops. MHD itself only ends connections that move no
    /// byte at all: a client that sends one now and then would keep its thread for ever.
    func reap() {
        var isOver = false
        while !isOver {
            isOver = state.wait(milliseconds: 250, until: \.isStopping) { state in
                let now = MonotonicClock.milliseconds
                for connection in state.connections.values {
                    let deadline = connection.deadline.load(ordering: .relaxed)
                    guard deadline != 0, now > deadline else { continue }
                    // Under the lock, so that the descriptor is still this connection's.
                    http_shut(connection.descriptor)
                    connection.neverExpire()
                    state.metrics.timeouts += 1
                }
                return state.isStopping
            }
        }
        state.update { $0.isReaperDone = true }
    }

    // MARK: Requests

    /// Runs the handler; whatever it throws becomes an answer.
    func answer(_ request: HTTPRequest) -> HTTPResponse {
        state.update { $0.metrics.activeRequests += 1 }
        let response: HTTPResponse
        do {
            response = try checked(handler(request))
        } catch let problem as Problem {
            response = problem.response
        } catch {
            configuration.onFailure(error, request.target)
            response = Problem(.internalError, "http.internal", "the request failed").response
        }
        state.update {
            $0.metrics.activeRequests -= 1
            $0.metrics.requests += 1
            if response.status.code >= 500 { $0.metrics.failures += 1 }
        }
        return response
    }

    private func checked(_ response: HTTPResponse) throws -> HTTPResponse {
        guard (200...599).contains(response.status.code), response.headers.isWellFormed else {
            throw HTTPError(.badRequest, "a handler's status or header cannot be sent")
        }
        // These have no body (RFC 9110 §6.4.1).
        guard response.status == .noContent || response.status == .notModified else { return response }
        return HTTPResponse(response.status, response.headers)
    }
}
