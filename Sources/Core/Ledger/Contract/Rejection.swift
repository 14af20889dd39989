/// Why a contract refuses a transaction: deterministic and recorded. The code is hashed; the text is not.
package struct Rejection: Error, Hashable, Sendable, CustomStringConvertible {
    /// Stable: `<contract>.<reason>` in lower case, such as `machine.not_accepted`. At most 64 bytes.
    package let code: String
    /// A sentence for the caller.
    package let message: String

    package init(_ code: String, _ message: String = "") { (self.code, self.message) = (code, message) }

    package var description: String { message.isEmpty ? code : "\(code): \(message)" }
}
