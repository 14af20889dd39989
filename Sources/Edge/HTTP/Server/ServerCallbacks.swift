import CMicroHTTPD

/// The functions that MHD calls. They are global and capture nothing; what they need comes through pointers
/// that `HTTPServer` keeps alive while its daemon runs.
enum ServerCallbacks {
    private static let yes = MHD_Result.YES
    private static let no = MHD_Result.NO
    /// How much over a body's limit is read and forgotten, so that the client reads the refusal.
    private static let tolerance = 1 << 20

    private static func connection(_ handle: OpaquePointer?) -> ServerConnection? {
        guard let handle, let context = http_connection_context(handle) else { return nil }
        return Unmanaged<ServerConnection>.fromOpaque(context).takeUnretainedValue()
    }

    private static func core(_ context: UnsafeMutableRawPointer?) -> ServerCore? {
        context.map { Unmanaged<ServerCore>.fromOpaque($0).takeUnretainedValue() }
    }

    /// A connection begins or ends.
    static let connectionChanged:
        @convention(c) (
            UnsafeMutableRawPointer?, OpaquePointer?, UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
            MHD_ConnectionNotificationCode
        ) -> Void = { context, handle, slot, change in
            guard let core = core(context), let handle, let slot else { return }
            if change == .CONNECTION_NOTIFY_STARTED {
                slot.pointee = Unmanaged.passRetained(core.started(handle)).toOpaque()
            } else if let kept = slot.pointee {
                core.closed(Unmanaged<ServerConnection>.fromOpaque(kept).takeRetainedValue())
                slot.pointee = nil
            }
        }

    /// The target of a request line, before MHD decodes it.
    static let targetRead:
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafePointer<CChar>?, OpaquePointer?
        ) -> UnsafeMutableRawPointer? = { _, text, handle in
            connection(handle)?.rawTarget = text.flatMap { String(validatingCString: $0) }
            return nil
        }

    /// A request is over, whether it was answered or not.
    static let requestEnded:
        @convention(c) (
            UnsafeMutableRawPointer?, OpaquePointer?, UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
            MHD_RequestTerminationCode
        ) -> Void = { context, handle, _, _ in
            guard let connection = connection(handle), let core = core(context) else { return }
            connection.incoming = nil
            connection.rawTarget = nil
            if connection.isAnswering {
                connection.isAnswering = false
                core.state.update { $0.unanswered -= 1 }
            }
            connection.expire(inSeconds: core.configuration.idleSeconds)
        }

    /// A request's headers, then the pieces of its body, then its end.
    static let requestArrived:
        @convention(c) (
            UnsafeMutableRawPointer?, OpaquePointer?, UnsafePointer<CChar>?, UnsafePointer<CChar>?,
            UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafeMutablePointer<Int>?,
            UnsafeMutablePointer<UnsafeMutableRawPointer?>?
        ) -> MHD_Result = { context, handle, _, method, _, bytes, count, _ in
            guard let core = core(context), let handle, let connection = connection(handle), let method,
                let count
            else { return no }
            guard connection.incoming != nil else {
                return begin(core, handle, connection, String(cString: method))
            }
            guard count.pointee == 0 else {
                defer { count.pointee = 0 }
                return take(UnsafeRawBufferPointer(start: bytes, count: count.pointee), connection)
            }
            return finish(core, handle, connection)
        }

    private static func begin(
        _ core: ServerCore, _ handle: OpaquePointer, _ connection: ServerConnection, _ method: String
    ) -> MHD_Result {
        var headers = HTTPHeaders()
        withUnsafeMutablePointer(to: &headers) {
            _ = MHD_get_connection_values_n(handle, .HEADER_KIND, headerRead, $0)
        }
        let target = connection.rawTarget.flatMap { HTTPTarget(parsing: $0) }
        let verb = HTTPMethod(rawValue: method)
        var incoming = ServerConnection.Incoming(
            method: verb, target: target ?? HTTPTarget([]), headers: headers, limit: 0)
        if target == nil {
            incoming.refusal = Problem(
                .badRequest, "http.bad_target", "the target of the request is malformed")
        } else {
            incoming.limit = core.configuration.maximumBodyBytes(verb, incoming.target)
        }
        // MHD refuses a length that is no number before it comes here.
        let declared = headers["Content-Length"].flatMap { Int($0) } ?? 0
        if declared > incoming.limit, incoming.refusal == nil { incoming.refusal = tooLarge(incoming.limit) }
        connection.incoming = incoming
        connection.expire(inSeconds: core.configuration.bodySeconds)
        // A client that waits for «100 Continue», or has much more to send, is told before it sends.
        let isWaiting = headers["Expect"] != nil || declared - incoming.limit > tolerance
        if let refusal = incoming.refusal, isWaiting {
            return send(refusal.response, core, handle, connection)
        }
        return yes
    }

    private static func take(_ bytes: UnsafeRawBufferPointer, _ connection: ServerConnection) -> MHD_Result {
        guard var incoming = connection.incoming else { return no }
        connection.incoming = nil
        defer { connection.incoming = incoming }
        if incoming.refusal == nil, bytes.count > incoming.limit - incoming.body.count {
            incoming.refusal = tooLarge(incoming.limit)
            incoming.body = []
        }
        guard incoming.refusal != nil else {
            incoming.body += bytes
            return yes
        }
        incoming.discarded += bytes.count
        return incoming.discarded > incoming.limit + 2 * tolerance ? no : yes
    }

    private static func finish(
        _ core: ServerCore, _ handle: OpaquePointer, _ connection: ServerConnection
    ) -> MHD_Result {
        guard let incoming = connection.incoming else { return no }
        if let refusal = incoming.refusal { return send(refusal.response, core, handle, connection) }
        connection.neverExpire()
        connection.isAnswering = true
        core.state.update { $0.unanswered += 1 }
        let request = HTTPRequest(
            method: incoming.method, target: incoming.target, headers: incoming.headers, body: incoming.body,
            peer: connection.peer(of: handle), remoteAddress: connection.address, exchange: connection)
        let response = core.answer(request)
        // The handler may have taken longer than a connection may be still.
        http_set_stall_limit(handle, UInt32(clamping: core.configuration.stallSeconds))
        return send(response, core, handle, connection)
    }

    private static func send(
        _ response: HTTPResponse, _ core: ServerCore, _ handle: OpaquePointer, _ connection: ServerConnection
    ) -> MHD_Result {
        let made: OpaquePointer?
        switch response.body {
        case .bytes(let bytes):
            connection.expire(inSeconds: core.configuration.answerSeconds)
            made = bytes.withUnsafeBytes {
                MHD_create_response_from_buffer(
                    $0.count, UnsafeMutableRawPointer(mutating: $0.baseAddress), .RESPMEM_MUST_COPY)
            }
        case .stream(let stream):
            let pump = StreamPump(stream, connection.incoming?.target ?? HTTPTarget([]), connection, core)
            made = MHD_create_response_from_callback(
                http_size_unknown, 32 << 10, streamRead, Unmanaged.passRetained(pump).toOpaque(), streamEnded)
        }
        guard let made else { return no }
        defer { MHD_destroy_response(made) }
        // MHD refuses a header without a value.
        for field in response.headers.fields where !isFraming(field.name) && !field.value.isEmpty {
            guard MHD_add_response_header(made, field.name, field.value) == yes else { return no }
        }
        if core.isStopping { MHD_add_response_header(made, "Connection", "close") }
        return MHD_queue_response(handle, UInt32(response.status.code), made)
    }

    /// Headers that MHD itself sets, from the body.
    private static func isFraming(_ name: String) -> Bool {
        ["content-length", "transfer-encoding", "connection", "date"].contains(name.lowercased())
    }

    private static func tooLarge(_ limit: Int) -> Problem {
        Problem(.contentTooLarge, "http.too_large", "the body is larger than \(limit) bytes")
    }

    private static let headerRead: MHD_KeyValueIteratorN = { context, _, name, nameCount, value, valueCount in
        guard let context, let name else { return yes }
        let text = UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : valueCount)
        context.assumingMemoryBound(to: HTTPHeaders.self).pointee.add(
            String(decoding: UnsafeRawBufferPointer(start: name, count: nameCount), as: UTF8.self),
            String(decoding: text, as: UTF8.self))
        return yes
    }

    private static let streamRead: MHD_ContentReaderCallback = { context, _, buffer, count in
        guard let context, let buffer else { return http_end_with_error }
        return Unmanaged<StreamPump>.fromOpaque(context).takeUnretainedValue()
            .read(into: UnsafeMutableRawBufferPointer(start: buffer, count: count))
    }

    private static let streamEnded: MHD_ContentReaderFreeCallback = { context in
        if let context { Unmanaged<StreamPump>.fromOpaque(context).release() }
    }
}
