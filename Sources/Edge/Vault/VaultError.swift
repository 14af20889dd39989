/// Why the vault did not do what was asked. The codes are stable.
package struct VaultError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable {
        /// Neither the ciphertext nor its keys are here.
        case notFound = "vault.not_found"
        /// The document is here, but not for this key.
        case notReader = "vault.not_reader"
        /// The ciphertext or its key list is not what was stored.
        case damaged = "vault.damaged"
        /// A reader's public key cannot be sealed to.
        case badReader = "vault.bad_reader"
        /// The disk did not do its part.
        case io = "vault.io"
    }

    package let code: Code
    /// What it concerns, and the cause.
    package let detail: String

    package init(_ code: Code, _ detail: String) { (self.code, self.detail) = (code, detail) }

    package var description: String { "\(code.rawValue): \(detail)" }
}
