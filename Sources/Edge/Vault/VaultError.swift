import Foundation

/// Why the vault could not do what was asked.
package struct VaultError: Error, Sendable, CustomStringConvertible {
    /// Stable codes.
    package enum Code: String, Sendable, Hashable {
        /// No such document, or it was shredded.
        case notFound = "vault.not_found"
        /// The key is not one that the document was sealed to.
        case notReader = "vault.not_reader"
        /// The document or its keys are not what was stored.
        case damaged = "vault.damaged"
        /// A file could not be read or written, or the caller's stream failed; the cause says why.
        case io = "vault.io"
        /// No readers, too many, or one whose name or sealing key cannot be used.
        case badReader = "vault.bad_reader"
    }

    package let code: Code
    /// What it was about, for a person.
    package let detail: String
    package let cause: (any Error)?

    package init(_ code: Code, _ detail: String, cause: (any Error)? = nil) {
        (self.code, self.detail, self.cause) = (code, detail, cause)
    }

    /// An operating system's failure, from `errno`.
    static func system(_ call: String, _ path: String) -> VaultError {
        let number = errno
        return VaultError(.io, "\(call) \(path)", cause: POSIXError(POSIXErrorCode(rawValue: number) ?? .EIO))
    }

    package var description: String {
        "\(code.rawValue): \(detail)" + (cause.map { " (\($0))" } ?? "")
    }
}
