import CCurl

/// One request on its way, and what has come of its answer; curl's callbacks write into it.
///
/// It belongs to the thread that makes the call: curl calls back on that thread only.
final class CurlCall {
    /// Of all header lines together.
    private static let headerLimit = 64 << 10

    let method: HTTPMethod
    let target: HTTPTarget
    let requestHeaders: HTTPHeaders
    let body: [UInt8]
    /// 0 for none.
    let totalMilliseconds: Int
    let silenceMilliseconds: Int?
    private let limit: Int
    private let onBytes: (([UInt8]) throws -> Void)?

    private(set) var status = 0
    private(set) var headers = HTTPHeaders()
    private(set) var received: [UInt8] = []
    /// Why the call was ended from inside a callback.
    private(set) var failure: HTTPError?
    /// What the caller's own closure threw.
    private(set) var thrown: (any Error)?
    private(set) var lastData = MonotonicClock.milliseconds
    private var headerBytes = 0

    init(
        _ method: HTTPMethod, _ target: HTTPTarget, _ headers: HTTPHeaders, _ body: [UInt8],
        totalMilliseconds: Int, silenceMilliseconds: Int? = nil, limit: Int,
        onBytes: (([UInt8]) throws -> Void)? = nil
    ) {
        (self.method, self.target, self.body) = (method, target, body)
        (self.totalMilliseconds, self.silenceMilliseconds) = (totalMilliseconds, silenceMilliseconds)
        (self.limit, self.onBytes) = (limit, onBytes)
        requestHeaders = headers
    }

    var sendsBody: Bool { !body.isEmpty || [.post, .put, .patch].contains(method) }

    var answer: HTTPAnswer { HTTPAnswer(status: HTTPStatus(status), headers: headers, body: received) }

    static let bytesArrived:
        @convention(c) (
            UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?
        ) -> Int = { bytes, size, count, context in
            guard let context else { return 0 }
            let call = Unmanaged<CurlCall>.fromOpaque(context).takeUnretainedValue()
            return call.take(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
        }

    static let headerArrived:
        @convention(c) (
            UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?
        ) -> Int = { bytes, size, count, context in
            guard let context else { return 0 }
            let call = Unmanaged<CurlCall>.fromOpaque(context).takeUnretainedValue()
            let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
            return call.takeHeader(line) ? size * count : 0
        }

    private func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        lastData = MonotonicClock.milliseconds
        if let onBytes, HTTPStatus(status).isSuccess {
            do {
                try onBytes([UInt8](bytes))
            } catch {
                thrown = error
                failure = HTTPError(.cancelled, "the stream was given up: \(error)")
                return false
            }
            // The caller may have taken its time.
            lastData = MonotonicClock.milliseconds
            return true
        }
        guard bytes.count <= limit - received.count else {
            failure = HTTPError(.tooLarge, "the answer is larger than \(limit) bytes", status: status)
            return false
        }
        received += bytes
        return true
    }

    private func takeHeader(_ bytes: UnsafeRawBufferPointer) -> Bool {
        lastData = MonotonicClock.milliseconds
        headerBytes += bytes.count
        guard headerBytes <= CurlCall.headerLimit else {
            failure = HTTPError(.tooLarge, "the answer's headers are too large")
            return false
        }
        let line = String(decoding: bytes, as: UTF8.self)
        if line.hasPrefix("HTTP/") {
            // A status line; an earlier one was of «100 Continue».
            headers = HTTPHeaders()
            status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        } else if let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) {
            let value = line[line.utf8.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers.add(String(line[..<colon]), String(value.prefix { !$0.isNewline }))
        }
        return true
    }
}
