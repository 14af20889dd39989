import CCurl
import Cryptography

/// One connection's worth of curl: an easy handle on a multi handle of its own, so that a wait can be broken.
///
/// `@unchecked Sendable` holds because one call at a time has it; `wake` alone comes from other threads,
/// which curl allows.
final class CurlLane: @unchecked Sendable {
    private static let started: Bool = curl_global_init(http_global_all) == CURLE_OK

    private let easy: UnsafeMutableRawPointer
    private let multi: UnsafeMutableRawPointer
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    /// Which settings of the client it was made with; see `HTTPClient.use`.
    let generation: Int

    init(generation: Int) throws(HTTPError) {
        guard CurlLane.started, let easy = curl_easy_init() else {
            throw HTTPError(.failed, "libcurl did not start")
        }
        guard let multi = curl_multi_init() else {
            curl_easy_cleanup(easy)
            throw HTTPError(.failed, "libcurl did not start")
        }
        (self.easy, self.multi, self.generation) = (easy, multi, generation)
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_multi_cleanup(multi)
        errorText.deallocate()
    }

    func wake() { curl_multi_wakeup(multi) }

    /// Performs one call. The connection stays open for the next.
    func perform(
        _ call: CurlCall, _ peer: HTTPClient.Peer, _ configuration: HTTPClientConfiguration,
        _ cancellations: [HTTPCancellation]
    ) throws(HTTPError) {
        curl_easy_reset(easy)
        var lines = try headerLines(call.requestHeaders)
        defer { curl_slist_free_all(lines) }
        let isSet =
            setPeer(peer, configuration) && setLimits(call, configuration) && setCallbacks(call)
            && setRequest(call, peer, &lines)
        guard isSet else { throw HTTPError(.failed, "libcurl does not know an option") }
        for cancellation in cancellations { cancellation.add(self) }
        defer { for cancellation in cancellations { cancellation.remove(self) } }
        let result = call.body.withUnsafeBufferPointer { body -> Result<CURLcode, HTTPError> in
            guard call.sendsBody else { return run(call, cancellations) }
            guard http_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)) == CURLE_OK,
                body.withMemoryRebound(
                    to: CChar.self,
                    {
                        http_set_text(easy, CURLOPT_POSTFIELDS, $0.baseAddress ?? UnsafePointer(errorText))
                    }) == CURLE_OK
            else { return .failure(HTTPError(.failed, "libcurl does not take the body")) }
            return run(call, cancellations)
        }
        let code = try result.get()
        if let failure = call.failure { throw failure }
        if code != CURLE_OK { throw error(code) }
    }

    // MARK: Waiting

    private func run(_ call: CurlCall, _ cancellations: [HTTPCancellation]) -> Result<CURLcode, HTTPError> {
        errorText.pointee = 0
        guard curl_multi_add_handle(multi, easy) == CURLM_OK else {
            return .failure(HTTPError(.failed, "libcurl does not take the call"))
        }
        // Removing a call that is not over closes its connection.
        defer { curl_multi_remove_handle(multi, easy) }
        var code = CURLE_OK
        while true {
            if cancellations.contains(where: \.isCancelled) {
                return .failure(HTTPError(.cancelled, "the call was given up"))
            }
            var running: Int32 = 0
            guard curl_multi_perform(multi, &running) == CURLM_OK else {
                return .failure(HTTPError(.failed, "libcurl stopped"))
            }
            if http_finished(multi, &code) == 1 { return .success(code) }
            var wait = 1_000
            if let silence = call.silenceMilliseconds {
                let left = call.lastData + silence - MonotonicClock.milliseconds
                guard left > 0 else {
                    return .failure(HTTPError(.silent, "nothing came for \(silence) ms"))
                }
                wait = min(wait, left)
            }
            curl_multi_poll(multi, nil, 0, Int32(wait), nil)
        }
    }

    // MARK: Options

    private func set(_ option: CURLoption, _ value: Int) -> Bool {
        http_set_long(easy, option, value) == CURLE_OK
    }

    private func set(_ option: CURLoption, _ text: String) -> Bool {
        http_set_text(easy, option, text) == CURLE_OK
    }

    private func setPeer(_ peer: HTTPClient.Peer, _ configuration: HTTPClientConfiguration) -> Bool {
        var isSet =
            set(CURLOPT_PROTOCOLS_STR, peer.isSecure ? "https" : "http") && set(CURLOPT_PROXY, "")
            && set(CURLOPT_NOPROXY, "*") && set(CURLOPT_FOLLOWLOCATION, 0)
            && set(CURLOPT_HTTP_VERSION, http_version_1_1) && set(CURLOPT_NOSIGNAL, 1)
            && set(CURLOPT_TCP_KEEPALIVE, 1) && set(CURLOPT_MAXAGE_CONN, configuration.keepAliveSeconds)
        guard isSet, peer.isSecure else { return isSet }
        isSet =
            set(CURLOPT_SSLVERSION, http_tls_1_2) && set(CURLOPT_SSL_SESSIONID_CACHE, 0)
            // A server without a certificate would have no key to compare with the pins.
            && set(CURLOPT_SSL_CIPHER_LIST, "HIGH:!aNULL:!eNULL:!PSK:!SRP")
        if case .pins(let pins) = peer.trust {
            guard !pins.isEmpty else { return false }
            let list = pins.map(\.description).joined(separator: ";")
            isSet =
                isSet && set(CURLOPT_PINNEDPUBLICKEY, list) && set(CURLOPT_SSL_VERIFYPEER, 0)
                && set(CURLOPT_SSL_VERIFYHOST, 0)
        }
        if let identity = peer.identity {
            isSet =
                isSet && set(CURLOPT_SSLCERTTYPE, "PEM") && set(CURLOPT_SSLKEYTYPE, "PEM")
                && setBlob(CURLOPT_SSLCERT_BLOB, identity.certificatePEM)
                && setBlob(CURLOPT_SSLKEY_BLOB, identity.privateKeyPEM)
        }
        return isSet
    }

    private func setBlob(_ option: CURLoption, _ text: String) -> Bool {
        var text = text
        return text.withUTF8 { http_set_blob(easy, option, $0.baseAddress, $0.count) } == CURLE_OK
    }

    private func setLimits(_ call: CurlCall, _ configuration: HTTPClientConfiguration) -> Bool {
        set(CURLOPT_CONNECTTIMEOUT_MS, configuration.connectMilliseconds)
            && set(CURLOPT_TIMEOUT_MS, call.totalMilliseconds)
    }

    private func setCallbacks(_ call: CurlCall) -> Bool {
        let context = Unmanaged.passUnretained(call).toOpaque()
        return http_set_callback(easy, CURLOPT_WRITEFUNCTION, CurlCall.bytesArrived) == CURLE_OK
            && http_set_pointer(easy, CURLOPT_WRITEDATA, context) == CURLE_OK
            && http_set_callback(easy, CURLOPT_HEADERFUNCTION, CurlCall.headerArrived) == CURLE_OK
            && http_set_pointer(easy, CURLOPT_HEADERDATA, context) == CURLE_OK
            && http_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText) == CURLE_OK
    }

    private func setRequest(
        _ call: CurlCall, _ peer: HTTPClient.Peer, _ lines: inout UnsafeMutablePointer<curl_slist>?
    ) -> Bool {
        var isSet =
            set(CURLOPT_URL, peer.endpoint + call.target.description)
            && http_set_pointer(easy, CURLOPT_HTTPHEADER, lines) == CURLE_OK
        switch call.method {
        case .get where !call.sendsBody: isSet = isSet && set(CURLOPT_HTTPGET, 1)
        case .head: isSet = isSet && set(CURLOPT_NOBODY, 1)
        default:
            isSet =
                isSet && (!call.sendsBody || set(CURLOPT_POST, 1))
                && set(CURLOPT_CUSTOMREQUEST, call.method.rawValue)
        }
        return isSet
    }

    private func headerLines(_ headers: HTTPHeaders) throws(HTTPError) -> UnsafeMutablePointer<curl_slist>? {
        guard headers.isWellFormed else { throw HTTPError(.badRequest, "a header is not one line") }
        var list: UnsafeMutablePointer<curl_slist>?
        // A semicolon instead of a colon sends a header without a value.
        for field in headers.fields {
            list = curl_slist_append(
                list, field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        // curl would announce a form.
        if headers["Content-Type"] == nil { list = curl_slist_append(list, "Content-Type:") }
        return list
    }

    // MARK: Errors

    private func error(_ code: CURLcode) -> HTTPError {
        let own = String(cString: errorText)
        let message = own.isEmpty ? String(cString: curl_easy_strerror(code)) : own
        // Whether a request left this machine: without one nothing can have been done with it.
        let wasSent = http_get_long(easy, CURLINFO_REQUEST_SIZE) > 0
        let meaning: HTTPError.Code =
            switch code {
            case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT: .badEndpoint
            case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT: .unreachable
            case CURLE_OPERATION_TIMEDOUT: wasSent ? .timeout : .unreachable
            case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_SSL_CERTPROBLEM: .tls
            case CURLE_SSL_PINNEDPUBKEYNOTMATCH: .pinMismatch
            case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CACERT_BADFILE: .untrusted
            case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE:
                wasSent ? .interrupted : .unreachable
            case CURLE_WEIRD_SERVER_REPLY, CURLE_HTTP2, CURLE_BAD_CONTENT_ENCODING: .malformed
            default: .failed
            }
        return HTTPError(meaning, message)
    }
}
