import COpenSSL
import CSodium

/// The one place that starts libsodium and OpenSSL.
package enum Cryptography {
    private static let started: Void = {
        // At the process's end other threads may be in the middle of a connection: OpenSSL must not take its
        // locks away under them.
        OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_ATEXIT), nil)
        precondition(sodium_init() >= 0, "libsodium could not start: no secure random source")
    }()

    /// Starts libsodium and OpenSSL once, OpenSSL before any other library does. Every operation here calls
    /// it, so a caller needs it only to fail early.
    ///
    /// A process without a random source must not go on: the failure is a broken invariant, not an error.
    package static func initialise() { started }
}

/// Why a cryptographic operation refused its input.
package struct CryptographyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Stable codes.
    package enum Code: String, Sendable, Hashable {
        /// A key, seed or nonce has the wrong length or is a weak point.
        case invalidKey = "crypto.invalid_key"
        /// A ciphertext was changed, or another key sealed it.
        case notAuthentic = "crypto.not_authentic"
        /// A stream ended before its last chunk.
        case truncated = "crypto.truncated"
        /// A stream was used after its last chunk.
        case finished = "crypto.finished"
        /// A password file is not one, or asks for more work than is allowed.
        case malformed = "crypto.malformed"
        /// The machine has not the memory that the password hash asks for.
        case outOfMemory = "crypto.out_of_memory"
    }

    package let code: Code

    package init(_ code: Code) { self.code = code }

    package var description: String { code.rawValue }
}

/// Random bytes from the operating system.
package enum SecureRandom {
    /// `count` bytes, 0 or more.
    package static func bytes(_ count: Int) -> [UInt8] {
        Cryptography.initialise()
        var bytes = [UInt8](repeating: 0, count: count)
        randombytes_buf(&bytes, count)
        return bytes
    }
}
