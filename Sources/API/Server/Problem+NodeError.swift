import HTTP
import Node

extension Problem {
    /// A node's error on its way to a caller: its own code, and its words as one sentence.
    package init(_ error: NodeError) {
        let detail = error.message + (error.cause.isEmpty ? "" : " (\(error.cause))")
        self.init(Problem.status(of: error.code), error.code, detail)
    }

    /// Where codes and statuses meet.
    private static func status(of code: String) -> HTTPStatus {
        switch code {
        case "block.pruned", "view.expired": return .gone
        case "transaction.over_quota": return .tooManyRequests
        case "transaction.duplicate": return .conflict
        case "history.pruning": return .conflict
        case "node.stopped", "history.stopped", "history.no_peer", "history.no_room": return .unavailable
        default: break
        }
        let parts = code.split(separator: ".")
        switch parts.last {
        case "unknown", "not_found": return .notFound
        case "io": return .internalError
        default: break
        }
        switch parts.first {
        case "node", "storage", "verify": return .internalError
        case "clock": return .conflict
        case "cbor", "api": return .badRequest
        default: return .unprocessable
        }
    }
}
