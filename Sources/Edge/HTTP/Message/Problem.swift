import Foundation

/// An error as it goes over HTTP: RFC 9457 problem details with a stable code.
///
/// `{"type":"about:blank","title":"Not Found","status":404,"code":"machine.not_found","detail":"…"}`. The
/// type is always `about:blank`, so the title is the status' own phrase (§4.2.1); the code tells problems
/// apart.
package struct Problem: Error, Sendable, Hashable, Codable, CustomStringConvertible {
    package static let contentType = "application/problem+json"

    package let type: String
    package let title: String
    package let status: Int
    package let code: String
    package let detail: String

    package init(_ status: HTTPStatus, _ code: String, _ detail: String) {
        type = "about:blank"
        title = status.phrase
        self.status = status.code
        self.code = code
        self.detail = detail
    }

    /// Reads what another node sent; missing members are empty. nil where it is not a JSON object.
    package init?(parsing bytes: [UInt8]) {
        guard let object = try? JSONDecoder().decode(Partial.self, from: Data(bytes)) else { return nil }
        type = object.type ?? "about:blank"
        title = object.title ?? ""
        status = object.status ?? 0
        code = object.code ?? ""
        detail = object.detail ?? ""
    }

    private struct Partial: Decodable {
        let type, title, code, detail: String?
        let status: Int?
    }

    package var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Five strings and numbers always encode.
        return (try? encoder.encode(self)).map { [UInt8]($0) } ?? []
    }

    package var response: HTTPResponse {
        HTTPResponse(HTTPStatus(status), ["Content-Type": Problem.contentType], json)
    }

    package var description: String { "\(code): \(detail)" }
}
