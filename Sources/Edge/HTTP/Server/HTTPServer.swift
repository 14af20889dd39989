import CMicroHTTPD
import Cryptography
import Foundation

/// An HTTP/1.1 server on libmicrohttpd, with a thread for each connection, so a handler may wait.
///
/// Over TLS it asks for the client's certificate and takes any: the handshake proves that the client holds
/// the key, and `HTTPRequest.peer` says which key it is. Expired certificates are taken like others.
package final class HTTPServer: Sendable {
    private struct Running {
        var daemon: Daemon?
    }

    /// `@unchecked Sendable` holds because MHD allows these calls from any thread, and one `stop` takes it.
    private struct Daemon: @unchecked Sendable { let handle: OpaquePointer }

    private let core: ServerCore
    private let running = ConditionMutex(Running())
    /// The port that the server listens on.
    package let port: UInt16

    /// Listens and serves at once.
    ///
    /// - Throws: `http.server` where the address is taken or the identity is not usable.
    package init(
        _ configuration: HTTPServerConfiguration = HTTPServerConfiguration(),
        handler: @escaping @Sendable (HTTPRequest) throws -> HTTPResponse
    ) throws(HTTPError) {
        var credentials: TLSCredentials?
        if let identity = configuration.identity { credentials = try TLSCredentials(identity) }
        let core = ServerCore(configuration, credentials, handler)
        self.core = core
        var message: UnsafePointer<CChar>?
        let listener = http_listen(configuration.host, "\(configuration.port)", 128, &message)
        guard listener >= 0 else {
            let reason = message.map { String(cString: $0) } ?? ""
            throw HTTPError(.server, "\(configuration.host):\(configuration.port): \(reason)")
        }
        port = http_local_port(listener)
        guard let daemon = HTTPServer.start(core, listener) else {
            close(listener)
            throw HTTPError(.server, "libmicrohttpd did not start")
        }
        running.update { $0.daemon = Daemon(handle: daemon) }
        let reaper = Thread { core.reap() }
        reaper.name = "http-deadlines"
        reaper.start()
    }

    deinit { stop(graceMilliseconds: 0) }

    /// What the server has done and is doing.
    package var metrics: HTTPServerMetrics { core.state.read(\.metrics) }

    /// Uses another certificate for the connections that begin from now on; open ones keep theirs.
    ///
    /// - Throws: `http.server` where the identity is not usable or the server has none.
    package func use(_ identity: TLSIdentity) throws(HTTPError) {
        guard core.configuration.identity != nil else {
            throw HTTPError(.server, "a server of plain HTTP has no certificate")
        }
        core.use(try TLSCredentials(identity))
    }

    /// Takes no more connections, ends streams at once, and lets requests finish for some time.
    ///
    /// Returns when no handler runs any more: one that waits heeds `HTTPRequest.isAbandoned`. Not to be
    /// called from a handler. A second call does nothing.
    package func stop(graceMilliseconds: Int = 500) {
        guard
            let daemon = running.update({ state in
                defer { state.daemon = nil }
                return state.daemon
            })
        else { return }
        core.beginStopping()
        let listener = MHD_quiesce_daemon(daemon.handle)
        core.state.wait(milliseconds: graceMilliseconds, until: { $0.unanswered == 0 })
        MHD_stop_daemon(daemon.handle)
        if listener >= 0 { close(listener) }
        core.state.wait(milliseconds: 10_000, until: \.isReaperDone)
    }

    private static func start(_ core: ServerCore, _ listener: Int32) -> OpaquePointer? {
        let configuration = core.configuration
        var flags =
            MHD_USE_AUTO.rawValue | MHD_USE_INTERNAL_POLLING_THREAD.rawValue
            | MHD_USE_THREAD_PER_CONNECTION.rawValue | MHD_USE_ITC.rawValue
        let context = Unmanaged.passUnretained(core).toOpaque()
        func callback<Function>(_ function: Function) -> Int { unsafeBitCast(function, to: Int.self) }
        func item(_ option: MHD_OPTION, _ value: Int, _ pointer: UnsafeMutableRawPointer? = nil)
            -> MHD_OptionItem
        { MHD_OptionItem(option: option, value: value, ptr_value: pointer) }
        var options = [
            item(.LISTEN_SOCKET, Int(listener)),
            item(.CONNECTION_LIMIT, configuration.maximumConnections),
            item(.PER_IP_CONNECTION_LIMIT, configuration.maximumConnectionsPerAddress),
            item(.CONNECTION_TIMEOUT, configuration.stallSeconds),
            item(.CONNECTION_MEMORY_LIMIT, configuration.maximumHeaderBytes),
            item(.THREAD_STACK_SIZE, 4 << 20),
            item(.STRICT_FOR_CLIENT, 1),
            item(.NOTIFY_CONNECTION, callback(ServerCallbacks.connectionChanged), context),
            item(.NOTIFY_COMPLETED, callback(ServerCallbacks.requestEnded), context),
            item(.URI_LOG_CALLBACK, callback(ServerCallbacks.targetRead), context),
        ]
        // MHD wants a certificate of its own, which each connection then replaces with the current one.
        var texts: [UnsafeMutablePointer<CChar>?] = []
        defer { for text in texts { free(text) } }
        if let identity = configuration.identity {
            flags |= MHD_USE_TLS.rawValue
            texts = [
                strdup(identity.privateKeyPEM), strdup(identity.certificatePEM),
                strdup("NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"),
            ]
            options += [
                item(.HTTPS_MEM_KEY, 0, texts[0]), item(.HTTPS_MEM_CERT, 0, texts[1]),
                item(.HTTPS_PRIORITIES, 0, texts[2]),
            ]
        }
        options.append(item(.END, 0))
        return http_start(flags, ServerCallbacks.requestArrived, context, &options)
    }
}
