import CNATS
import Foundation

/// A connection to the first server that answers, and to another when that one goes.
///
/// `@unchecked Sendable`: the library locks its own objects, and the pointers never change.
final class NATSConnection: @unchecked Sendable {
    /// `natsConnection *` and `jsCtx *`, both owned.
    let pointer: OpaquePointer
    let context: OpaquePointer
    let events: NATSEvents
    private let strings: CStrings

    /// Connects, or fails after a few seconds: no server is tried twice but after a lost signature.
    init(_ configuration: NATSConfiguration) throws(NATSFailure) {
        strings = CStrings()
        events = NATSEvents(key: configuration.key)
        var options: OpaquePointer?
        try NATSFailure.check(natsOptions_Create(&options))
        defer { natsOptions_Destroy(options) }
        try NATSConnection.set(options, configuration, events, strings)
        var connection: OpaquePointer?
        var connected = natsConnection_Connect(&connection, options)
        // The next challenge has another signature. Servers that ask for four such are not honest.
        for _ in 0..<3 where connected != NATS_OK && events.takeLostSignature() {
            connected = natsConnection_Connect(&connection, options)
        }
        try NATSFailure.check(connected)
        var requests = jsOptions()
        jsOptions_Init(&requests)
        requests.Wait = Int64(configuration.requestTimeoutMilliseconds)
        var context: OpaquePointer?
        let status = natsConnection_JetStream(&context, connection, &requests)
        guard let connection, let context, status == NATS_OK else {
            natsConnection_Destroy(connection)
            throw NATSFailure(status)
        }
        (pointer, self.context) = (connection, context)
    }

    deinit {
        jsCtx_Destroy(context)
        natsConnection_Destroy(pointer)
    }

    private static func set(
        _ options: OpaquePointer?, _ configuration: NATSConfiguration, _ events: NATSEvents,
        _ strings: CStrings
    ) throws(NATSFailure) {
        var servers: [UnsafePointer<CChar>?] = configuration.servers.map(strings.keep)
        let inbox = strings.keep(LedgerStream.inbox(of: configuration.member))
        let name = strings.keep("millwright \(configuration.member)")
        let heartbeat = Int64(configuration.heartbeatMilliseconds)
        try NATSFailure.check(natsOptions_SetServers(options, &servers, Int32(servers.count)))
        for status in [
            natsOptions_SetNoRandomize(options, true), natsOptions_SetName(options, name),
            // What a cluster says of itself may be names that only its own hosts know.
            natsOptions_SetIgnoreDiscoveredServers(options, true),
            natsOptions_SetCustomInboxPrefix(options, inbox),
            natsOptions_SetTimeout(options, Int64(configuration.requestTimeoutMilliseconds)),
            natsOptions_SetMaxReconnect(options, .max), natsOptions_SetReconnectWait(options, 200),
            natsOptions_SetReconnectJitter(options, 50, 50),
            natsOptions_SetFailRequestsOnDisconnect(options, true),
            // A server that stands still is left: it misses two pings, or takes no bytes.
            natsOptions_SetPingInterval(options, heartbeat), natsOptions_SetMaxPingsOut(options, 2),
            natsOptions_SetWriteDeadline(options, Int64(configuration.requestTimeoutMilliseconds)),
            natsOptions_SetErrorHandler(options, natsFailed, events.closure),
        ] { try NATSFailure.check(status) }
        if let key = configuration.key {
            let text = strings.keep(NKey.text(of: key.publicKey))
            try NATSFailure.check(natsOptions_SetNKey(options, text, natsSigned, events.closure))
        }
        guard let tls = configuration.tls else { return }
        let authorities = strings.keep(tls.authorities)
        try NATSFailure.check(natsOptions_SetSecure(options, true))
        try NATSFailure.check(natsOptions_LoadCATrustedCertificates(options, authorities))
        if let own = tls.own {
            let (certificate, key) = (strings.keep(own.certificate), strings.keep(own.key))
            try NATSFailure.check(natsOptions_LoadCertificatesChain(options, certificate, key))
        }
    }

    var isConnected: Bool { natsConnection_Status(pointer) == NATS_CONN_STATUS_CONNECTED }
    var isClosed: Bool { natsConnection_IsClosed(pointer) }
    /// The longest message that the server takes, in bytes.
    var maximumPayload: Int64 { natsConnection_GetMaxPayload(pointer) }
    /// Why it is not connected.
    var lastError: String {
        var text: UnsafePointer<CChar>?
        let status = natsConnection_GetLastError(pointer, &text)
        let words = text.map { String(cString: $0) } ?? ""
        return words.isEmpty ? String(cString: natsStatus_GetText(status)) : words
    }
    /// The server that it is connected to, as `host:port`.
    var server: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard natsConnection_GetConnectedUrl(pointer, &buffer, buffer.count) == NATS_OK else { return "none" }
        let url = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return url.split(separator: "/").last.map(String.init) ?? url
    }

    /// How often it has moved to another server, or back to its own.
    var reconnects: UInt64 {
        var statistics: OpaquePointer?
        guard natsStatistics_Create(&statistics) == NATS_OK else { return 0 }
        defer { natsStatistics_Destroy(statistics) }
        var count: UInt64 = 0
        _ = natsConnection_GetStats(pointer, statistics)
        _ = natsStatistics_GetCounts(statistics, nil, nil, nil, nil, &count)
        return count
    }

    /// Ends it; calls that wait on it fail at once.
    func close() { natsConnection_Close(pointer) }
}
