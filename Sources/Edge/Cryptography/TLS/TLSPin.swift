import Codec
import Foundation

/// The SHA-256 of a certificate's SubjectPublicKeyInfo in DER (RFC 7469 §2.4): what the ledger knows of a
/// node's TLS key. A new certificate of the same key has the same pin.
package struct TLSPin: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let digest: Digest

    package init(_ digest: Digest) { self.digest = digest }

    package static func < (one: TLSPin, other: TLSPin) -> Bool { one.digest < other.digest }

    /// As curl and RFC 7469 write it: `sha256//` and base64.
    package var description: String { "sha256//" + Data(digest.bytes).base64EncodedString() }
}
