import CNATS

/// Why a call of the NATS library failed: its status, the code of JetStream's own answer, and words.
struct NATSFailure: Error, CustomStringConvertible {
    let status: natsStatus
    /// 0 where JetStream gave no answer.
    let code: jsErrCode
    let text: String

    init(_ status: natsStatus, code: jsErrCode = jsErrCode(0), text: String? = nil) {
        (self.status, self.code) = (status, code)
        var last = natsStatus(0)
        self.text =
            text ?? nats_GetLastError(&last).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
            ?? String(cString: natsStatus_GetText(status))
    }

    /// A failure that the library did not see.
    init(_ text: String) { self.init(NATS_ERR, text: text) }

    var description: String { text }

    /// Passes a status that is `NATS_OK`.
    static func check(_ status: natsStatus, _ code: jsErrCode = jsErrCode(0)) throws(NATSFailure) {
        if status != NATS_OK { throw NATSFailure(status, code: code) }
    }

    /// What a submission comes to with this failure; nil where it may succeed if it is tried again.
    var refusal: OrderingError? {
        switch code {
        case JSStreamMessageExceedsMaximumErr: return .tooLarge
        case JSStreamNotMatchErr: return .misconfigured
        case JSStreamStoreFailedErr, JSStreamSealedErr, JSStorageResourcesExceededErr,
            JSInsufficientResourcesErr, JSAccountResourcesExceededErr:
            return .refused
        default: return status == NATS_MAX_PAYLOAD || isMisconfiguration ? .misconfigured : nil
        }
    }

    /// Whether waiting will not help, but a change of settings here or on the servers.
    var isMisconfiguration: Bool {
        switch code {
        case JSStreamReplicasNotSupportedErr, JSStreamInvalidConfig, JSStreamSubjectOverlapErr,
            JSMaximumStreamsLimitErr, JSNotEnabledForAccountErr, JSStreamMaxBytesRequiredErr:
            // Not `JSNotEnabledErr`: the library gives it wherever nobody answers, as during an election.
            return true
        default: return status == NATS_CONNECTION_AUTH_FAILED || status == NATS_SSL_ERROR
        }
    }
}

/// Strings for a C library that keeps pointers to them: they live as long as this does.
final class CStrings {
    private var pointers: [UnsafeMutablePointer<CChar>] = []

    func keep(_ text: String) -> UnsafePointer<CChar> {
        let bytes = text.utf8CString
        let pointer = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        for (offset, byte) in bytes.enumerated() { (pointer + offset).initialize(to: byte) }
        pointers.append(pointer)
        return UnsafePointer(pointer)
    }

    deinit { for pointer in pointers { pointer.deallocate() } }
}
