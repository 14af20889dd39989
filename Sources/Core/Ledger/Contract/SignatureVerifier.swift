/// Ed25519 verification as the core sees it: pure and deterministic, injected by the edge.
///
/// Transactions are verified before they reach the core; this is for signatures inside an action, such as the proof
/// that whoever brings a new key holds it.
package struct SignatureVerifier: Sendable {
    let body: @Sendable (_ publicKey: [UInt8], _ signature: [UInt8], _ message: [UInt8]) -> Bool

    package init(
        _ body: @escaping @Sendable (_ publicKey: [UInt8], _ signature: [UInt8], _ message: [UInt8]) -> Bool
    ) {
        self.body = body
    }

    /// Whether the signature (64 bytes) over the message was made with the public key (32 bytes).
    package func callAsFunction(publicKey: [UInt8], signature: [UInt8], message: [UInt8]) -> Bool {
        body(publicKey, signature, message)
    }
}
