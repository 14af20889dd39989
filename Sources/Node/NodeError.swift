/// What went wrong in a node, for two audiences: a stable code and a sentence for the caller, the cause for
/// the operator.
package struct NodeError: Error, CustomStringConvertible, Sendable {
    /// Stable, such as `node.not_found`.
    package let code: String
    package let message: String
    /// The underlying error's own words, as `ErrorText` has them; empty where there is none.
    package let cause: String

    package init(_ code: String, _ message: String, cause: (any Error)? = nil) {
        (self.code, self.message) = (code, message)
        self.cause = cause.map { ErrorText.of($0) } ?? ""
    }

    package var description: String {
        // A cause with the same code only says more.
        let more = cause.hasPrefix(code + ": ") ? String(cause.dropFirst(code.utf8.count + 2)) : cause
        return "\(code): \(message)" + (more.isEmpty || more == message ? "" : " (\(more))")
    }
}
