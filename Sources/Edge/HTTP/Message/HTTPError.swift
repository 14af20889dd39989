/// Why an exchange over HTTP did not come about, with a stable code for the caller and the cause for the
/// operator's log.
package struct HTTPError: Error, Sendable, CustomStringConvertible {
    /// Stable codes.
    package enum Code: String, Sendable, Hashable {
        /// The endpoint is no URL of a kind that is spoken here, or it is https without a pin.
        case badEndpoint = "http.bad_endpoint"
        /// A header that would not stay one line, or a target that is too long.
        case badRequest = "http.bad_request"
        /// No connection: no such host, nobody listens, no way there.
        case unreachable = "http.unreachable"
        /// The connection could not be secured; the other side may speak plain HTTP or an old TLS.
        case tls = "http.tls"
        /// The other side's key is none of those that are pinned.
        case pinMismatch = "http.pin_mismatch"
        /// The other side's certificate is not one that the system trusts.
        case untrusted = "http.untrusted"
        /// No answer within the time of the call, or no connection within its own time.
        case timeout = "http.timeout"
        /// An open stream was silent for too long: not even a heartbeat came.
        case silent = "http.silent"
        /// The connection broke before the answer was whole.
        case interrupted = "http.interrupted"
        /// The answer, or one frame of it, is larger than the caller allows.
        case tooLarge = "http.too_large"
        /// The caller gave up.
        case cancelled = "http.cancelled"
        /// The answer is not HTTP, or not what its own headers announce.
        case malformed = "http.malformed"
        /// The answer to a stream's request, or to one that must succeed, has another status than 2xx.
        case status = "http.status"
        /// The server could not be started.
        case server = "http.server"
        /// A library refused for a reason of its own; the message is the library's.
        case failed = "http.failed"
    }

    package let code: Code
    package let message: String
    /// The status of the answer, where there was one.
    package let status: Int?
    /// What the other side said of the failure, where it did.
    package let problem: Problem?

    package init(_ code: Code, _ message: String, status: Int? = nil, problem: Problem? = nil) {
        (self.code, self.message, self.status, self.problem) = (code, message, status, problem)
    }

    /// Whether the other side may have received the request and acted on it: then only a request that may
    /// safely be done twice is sent again.
    package var mayHaveArrived: Bool {
        switch code {
        case .badEndpoint, .badRequest, .unreachable, .tls, .pinMismatch, .untrusted, .server: false
        case .timeout, .silent, .interrupted, .tooLarge, .cancelled, .malformed, .status, .failed: true
        }
    }

    package var description: String { "\(code.rawValue): \(message)" }
}
