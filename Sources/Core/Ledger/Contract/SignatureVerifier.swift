/// Ed25519 verification as the core sees it: a pure function that the edge injects. Wrong lengths are false.
package struct SignatureVerifier: Sendable {
    let body: @Sendable (_ publicKey: [UInt8], _ signature: [UInt8], _ message: [UInt8]) -> Bool

    package init(
        _ body: @escaping @Sendable (_ publicKey: [UInt8], _ signature: [UInt8], _ message: [UInt8]) -> Bool
    ) {
        self.body = body
    }

    package func callAsFunction(publicKey: [UInt8], signature: [UInt8], message: [UInt8]) -> Bool {
        body(publicKey, signature, message)
    }
}
