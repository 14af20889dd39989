import CNATS

/// Receives a stream's messages: it asks for a window of them, and for the next when that one is used up, so
/// that never more than a window waits in memory.
final class NATSReader {
    /// `natsSubscription *`, owned.
    private let pointer: OpaquePointer
    private let connection: NATSConnection
    private let configuration: NATSConfiguration
    private let inbox: String
    private var request = 0
    private var remaining = 0

    enum Event {
        /// `pending` messages wait behind it on the server.
        case message(sequence: UInt64, pending: UInt64, bytes: [UInt8])
        /// The stream is there and has sent everything up to a message.
        case heartbeat(last: UInt64)
        /// A window has ended early, as it does from time to time.
        case windowEnded
        /// The servers have dropped the reader.
        case gone(String)
    }

    init(_ stream: NATSStream) throws(NATSFailure) {
        (connection, configuration) = (stream.connection, stream.configuration)
        var name: UnsafeMutablePointer<CChar>?
        try NATSFailure.check(natsInbox_Create(&name))
        defer { natsInbox_Destroy(name) }
        // The library's own inbox has its general prefix, which this member may not listen on.
        let unique = name.map { String(cString: $0) }?.split(separator: ".").last.map(String.init) ?? "reader"
        inbox = "\(LedgerStream.inbox(of: configuration.member)).\(unique)"
        var subscription: OpaquePointer?
        let status = natsConnection_SubscribeSync(&subscription, connection.pointer, inbox + ".*")
        guard let subscription, status == NATS_OK else { throw NATSFailure(status) }
        pointer = subscription
        // A window is the limit; the library's own would drop messages.
        try NATSFailure.check(natsSubscription_SetPendingLimits(subscription, -1, -1))
    }

    deinit { natsSubscription_Destroy(pointer) }

    /// The next event, or nil after some time.
    func next(withinMilliseconds timeout: Int) throws(NATSFailure) -> Event? {
        if remaining == 0 { try ask() }
        var message: OpaquePointer?
        let status = natsSubscription_NextMsg(&message, pointer, Int64(timeout))
        defer { natsMsg_Destroy(message) }
        if status == NATS_TIMEOUT { return nil }
        if status == NATS_NO_RESPONDERS { return .gone("the reader is not there any more") }
        try NATSFailure.check(status)
        guard let message else { return nil }
        if let code = header("Status", of: message) { return event(code, message) }
        guard let reply = natsMsg_GetReply(message),
            let (sequence, pending) = NATSReader.metadata(
                String(cString: reply), stream: configuration.stream.name)
        else { throw NATSFailure("a message without its place in the stream") }
        remaining -= 1
        return .message(sequence: sequence, pending: pending, bytes: natsBytes(of: message))
    }

    private func ask() throws(NATSFailure) {
        request += 1
        remaining = NATSConfiguration.windowCount
        let heartbeat = configuration.heartbeatMilliseconds * 1_000_000
        let body =
            "{\"batch\":\(remaining),\"max_bytes\":\(NATSConfiguration.windowBytes),"
            + "\"expires\":\(heartbeat * 30),\"idle_heartbeat\":\(heartbeat)}"
        let reader = LedgerStream.token(of: configuration.member)
        let subject = "$JS.API.CONSUMER.MSG.NEXT.\(configuration.stream.name).\(reader)"
        try NATSFailure.check(
            natsConnection_PublishRequest(
                connection.pointer, subject, "\(inbox).\(request)", body, Int32(body.utf8.count)))
    }

    private func event(_ code: String, _ message: OpaquePointer) -> Event? {
        // The status of an earlier window says nothing about this one.
        guard let subject = natsMsg_GetSubject(message), String(cString: subject) == "\(inbox).\(request)"
        else { return nil }
        if code == "100" {
            return .heartbeat(last: header("Nats-Last-Stream", of: message).flatMap { UInt64($0) } ?? 0)
        }
        let words = header("Description", of: message) ?? ""
        let isEnd =
            code == "404" || code == "408" || words.hasPrefix("Message Size") || words.hasPrefix("Batch")
        guard isEnd else { return .gone(words.isEmpty ? "status \(code)" : words) }
        // A window that ended with nothing in it would be asked for again at once, for ever.
        let isEmpty = remaining == NATSConfiguration.windowCount && code == "409"
        remaining = 0
        return isEmpty ? .gone(words) : .windowEnded
    }

    private func header(_ name: String, of message: OpaquePointer) -> String? {
        var value: UnsafePointer<CChar>?
        guard natsMsgHeader_Get(message, name, &value) == NATS_OK, let value else { return nil }
        return String(cString: value)
    }

    /// A message's sequence in its stream, and how many follow it, from the subject for its acknowledgement:
    /// `$JS.ACK.[domain.account.]stream.consumer.deliveries.sequence.order.time.pending[.token]`.
    static func metadata(_ reply: String, stream: String) -> (sequence: UInt64, pending: UInt64)? {
        let parts = reply.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 9 || parts.count >= 11, parts[0] == "$JS", parts[1] == "ACK" else { return nil }
        let base = parts.count == 9 ? 2 : 4
        guard parts[base] == stream, let sequence = UInt64(parts[base + 3]), sequence > 0,
            let pending = UInt64(parts[base + 6])
        else { return nil }
        return (sequence, pending)
    }
}

/// A copy of what a message carries.
func natsBytes(of message: OpaquePointer?) -> [UInt8] {
    Array(
        UnsafeRawBufferPointer(
            start: natsMsg_GetData(message), count: Int(max(0, natsMsg_GetDataLength(message)))))
}
