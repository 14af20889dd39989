/// What a handler answers.
package struct HTTPResponse: Sendable {
    package enum Body: Sendable {
        case bytes([UInt8])
        case stream(HTTPStream)
    }

    package var status: HTTPStatus
    package var headers: HTTPHeaders
    package var body: Body

    package init(_ status: HTTPStatus = .ok, _ headers: HTTPHeaders = [:], _ body: [UInt8] = []) {
        (self.status, self.headers, self.body) = (status, headers, .bytes(body))
    }

    package init(_ status: HTTPStatus = .ok, _ headers: HTTPHeaders = [:], stream: HTTPStream) {
        (self.status, self.headers, self.body) = (status, headers, .stream(stream))
    }

    /// An answer with one content type, such as `application/cbor`.
    package init(_ status: HTTPStatus = .ok, type: String, _ body: [UInt8]) {
        self.init(status, ["Content-Type": type], body)
    }

    /// A text of its own content type, UTF-8.
    package init(_ status: HTTPStatus = .ok, type: String = "text/plain; charset=utf-8", text: String) {
        self.init(status, ["Content-Type": type], Array(text.utf8))
    }
}
