import CMicroHTTPD
import Cryptography
import Synchronization

/// One client's connection. MHD keeps it from accept to close; requests on it follow one another.
///
/// `@unchecked Sendable` holds because `incoming`, `rawTarget`, `isAnswering` and `knownPeer` are touched
/// only by the thread that MHD runs for the connection, and the rest is constant or atomic.
final class ServerConnection: HTTPExchange, @unchecked Sendable {
    /// A request that is being received.
    struct Incoming {
        var method: HTTPMethod
        var target: HTTPTarget
        var headers: HTTPHeaders
        var limit: Int
        var body: [UInt8] = []
        /// Bytes over the limit, which are read and forgotten so that the refusal can be read.
        var discarded = 0
        /// Why no handler will see it.
        var refusal: Problem?
    }

    let descriptor: Int32
    let address: String
    private let core: ServerCore
    private let credentials: TLSCredentials?
    /// When the connection is cut off, in milliseconds of the monotonic clock; 0 for never.
    let deadline = Atomic<Int>(0)
    private let isClosed = Atomic<Bool>(false)

    var rawTarget: String?
    var incoming: Incoming?
    /// Whether `finish` has counted the request as unanswered.
    var isAnswering = false
    private var knownPeer: TLSCertificate?

    init(_ core: ServerCore, _ connection: OpaquePointer, _ credentials: TLSCredentials?) {
        self.core = core
        self.credentials = credentials
        descriptor = http_connection_socket(connection)
        address = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            guard let start = buffer.baseAddress,
                http_connection_address(connection, start, buffer.count) == 0
            else { return "" }
            return String(cString: start)
        }
        expire(inSeconds: core.configuration.firstRequestSeconds)
    }

    var isAbandoned: Bool {
        core.isStopping || isClosed.load(ordering: .acquiring) || http_is_gone(descriptor) != 0
    }

    func markClosed() { isClosed.store(true, ordering: .releasing) }

    func expire(inSeconds seconds: Int) {
        deadline.store(MonotonicClock.milliseconds + seconds * 1_000, ordering: .relaxed)
    }

    func neverExpire() { deadline.store(0, ordering: .relaxed) }

    /// The client's certificate, read from the session once the handshake is over.
    func peer(of connection: OpaquePointer) -> TLSCertificate? {
        if let knownPeer { return knownPeer }
        guard credentials != nil, let session = http_connection_session(connection) else { return nil }
        var count = 0
        guard let der = http_session_peer(session, &count) else { return nil }
        knownPeer = try? TLSCertificate(der: Array(UnsafeBufferPointer(start: der, count: count)))
        return knownPeer
    }
}
