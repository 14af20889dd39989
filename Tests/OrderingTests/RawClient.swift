import CNATS
import Cryptography
import Foundation
import Ledger
import Ordering
import TestSupport

/// Somebody with a member's key who does not use the engine. The library itself reads the seed file, which
/// checks our text form of it.
final class RawClient: @unchecked Sendable {
    private var connection: OpaquePointer?
    private var context: OpaquePointer?
    /// What went wrong while connecting.
    let status: natsStatus

    /// How the servers took a request.
    enum Answer: Equatable {
        case done
        /// JetStream says why not.
        case refused(UInt32)
        /// The server says that this member may not publish on the request's subject.
        case forbidden
        case silence
    }

    init(_ cluster: NATSTestCluster, key: Ed25519.SigningKey, inbox: String) throws {
        let seed = cluster.folder.appendingPathComponent("seed-\(UUID().uuidString)").path
        try Data(NKey.seedText(of: key).utf8).write(to: URL(fileURLWithPath: seed))
        var options: OpaquePointer?
        natsOptions_Create(&options)
        defer { natsOptions_Destroy(options) }
        natsOptions_SetURL(options, "nats://" + cluster.addresses[0])
        natsOptions_SetNKeyFromSeed(options, NKey.text(of: key.publicKey), seed)
        natsOptions_SetCustomInboxPrefix(options, inbox)
        natsOptions_SetErrorHandler(options, { _, _, _, _ in }, nil)
        // The library's own two seconds are too few on a machine that stands still now and then.
        natsOptions_SetTimeout(options, 30_000)
        // A signature that begins with a zero it takes for none: the next challenge has another.
        var connected = natsConnection_Connect(&connection, options)
        for _ in 0..<3 where connected == NATS_CONNECTION_AUTH_FAILED {
            connected = natsConnection_Connect(&connection, options)
        }
        status = connected
        var requests = jsOptions()
        jsOptions_Init(&requests)
        requests.Wait = 10_000
        if status == NATS_OK { natsConnection_JetStream(&context, connection, &requests) }
    }

    convenience init(_ cluster: NATSTestCluster, as member: MemberID) throws {
        try self.init(
            cluster, key: cluster.key(of: member),
            inbox: "_INBOX." + member.text.replacingOccurrences(of: ".", with: "="))
        guard status == NATS_OK else { throw Unconnected(status: status) }
    }

    struct Unconnected: Error { let status: natsStatus }

    deinit {
        jsCtx_Destroy(context)
        natsConnection_Destroy(connection)
    }

    /// What a request on a subject comes to.
    private func answer(
        on subject: String,
        _ request: (UnsafeMutablePointer<jsErrCode>, UnsafeMutablePointer<jsOptions>) -> natsStatus
    ) -> Answer {
        var options = jsOptions()
        jsOptions_Init(&options)
        let deadline = Date(timeIntervalSinceNow: 20)
        // A server forbids by a message of its own; the request has no answer. So it waits in short steps.
        options.Wait = 250
        while Date() < deadline {
            var code = jsErrCode(0)
            if request(&code, &options) == NATS_OK { return .done }
            var text: UnsafePointer<CChar>?
            if natsConnection_GetLastError(connection, &text) == NATS_NOT_PERMITTED,
                text.map({ String(cString: $0) })?.contains("\"\(subject)\"") == true
            {
                return .forbidden
            }
            if code.rawValue > 0 && code != JSNotEnabledErr { return .refused(code.rawValue) }
        }
        return .silence
    }

    func publish(_ bytes: [UInt8], on subject: String, id: String? = nil) -> Answer {
        answer(on: subject) { code, limits in
            var options = jsPubOptions()
            jsPubOptions_Init(&options)
            options.MaxWait = limits.pointee.Wait
            let kept = strdup(id ?? Data(bytes).base64EncodedString())
            defer { free(kept) }
            options.MsgId = UnsafePointer(kept)
            return js_Publish(nil, context, subject, bytes, Int32(bytes.count), &options, code)
        }
    }

    func deleteStream(_ name: String) -> Answer {
        answer(on: "$JS.API.STREAM.DELETE.\(name)") { js_DeleteStream(context, name, $1, $0) }
    }
    func purge(_ name: String) -> Answer {
        answer(on: "$JS.API.STREAM.PURGE.\(name)") { js_PurgeStream(context, name, $1, $0) }
    }
    func deleteMessage(_ name: String) -> Answer {
        answer(on: "$JS.API.STREAM.MSG.DELETE.\(name)") { js_DeleteMsg(context, name, 1, $1, $0) }
    }
    func deleteReader(_ name: String, of member: String) -> Answer {
        answer(on: "$JS.API.CONSUMER.DELETE.\(name).\(member)") {
            js_DeleteConsumer(context, name, member, $1, $0)
        }
    }

    /// Creates a stream, or changes one, with settings that would lose messages.
    func weaken(_ stream: LedgerStream, update: Bool) -> Answer {
        let words = [strdup(stream.name), strdup(stream.subjects)]
        defer { for word in words { free(word) } }
        var subjects: [UnsafePointer<CChar>?] = [UnsafePointer(words[1])]
        var settings = jsStreamConfig()
        jsStreamConfig_Init(&settings)
        settings.Name = UnsafePointer(words[0])
        settings.SubjectsLen = 1
        settings.MaxAge = 1_000_000_000
        return answer(on: "$JS.API.STREAM.\(update ? "UPDATE" : "CREATE").\(stream.name)") { code, limits in
            subjects.withUnsafeMutableBufferPointer {
                settings.Subjects = $0.baseAddress
                return update
                    ? js_UpdateStream(nil, context, &settings, limits, code)
                    : js_AddStream(nil, context, &settings, limits, code)
            }
        }
    }

    /// How many messages of a reader are still on the server.
    func pending(_ name: String, reader: String) -> UInt64? {
        var information: UnsafeMutablePointer<jsConsumerInfo>?
        defer { jsConsumerInfo_Destroy(information) }
        guard js_GetConsumerInfo(&information, context, name, reader, nil, nil) == NATS_OK else { return nil }
        return information?.pointee.NumPending
    }

    /// Whether a subscription brings anything that is published on a subject by somebody else in time.
    func overhears(_ subject: String, of publish: () -> Void) -> Bool {
        var subscription: OpaquePointer?
        guard natsConnection_SubscribeSync(&subscription, connection, subject) == NATS_OK else {
            return false
        }
        defer { natsSubscription_Destroy(subscription) }
        natsConnection_FlushTimeout(connection, 1000)
        publish()
        var message: OpaquePointer?
        defer { natsMsg_Destroy(message) }
        return natsSubscription_NextMsg(&message, subscription, 400) == NATS_OK
    }
}
