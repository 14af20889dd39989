import CSodium

/// Encrypts a document chunk by chunk; chunks cannot be changed, reordered, repeated or left out unnoticed.
///
/// libsodium's `crypto_secretstream_xchacha20poly1305`: a header of 24 bytes, then each chunk 17 bytes longer
/// than its plain text. The last chunk is tagged, so that a shortened stream is noticed too.
package enum SecretStream {
    package static let headerCount = 24
    /// How much longer a sealed chunk is than a plain one.
    package static let overhead = 17

    /// libsodium's state, which holds key material, in locked memory. Internal, not private: a release build
    /// of another module refers to its metadata, and the linker does not find a private type's.
    struct State: ~Copyable {
        let pointer: UnsafeMutablePointer<crypto_secretstream_xchacha20poly1305_state>

        init() {
            Cryptography.initialise()
            let size = MemoryLayout<crypto_secretstream_xchacha20poly1305_state>.size
            guard let memory = sodium_malloc(size) else { preconditionFailure("no memory for a secret") }
            pointer = memory.bindMemory(to: crypto_secretstream_xchacha20poly1305_state.self, capacity: 1)
        }

        deinit { sodium_free(pointer) }
    }

    /// Seals chunks in order.
    package struct Push: ~Copyable {
        private let state: State
        /// 24 bytes that go before the first chunk.
        package let header: [UInt8]
        private var isFinished = false

        package init(key: SymmetricKey) {
            let fresh = State()
            var header = [UInt8](repeating: 0, count: headerCount)
            let status = key.secret.withBytes {
                crypto_secretstream_xchacha20poly1305_init_push(fresh.pointer, &header, $0)
            }
            precondition(status == 0, "a stream always starts")
            state = fresh
            self.header = header
        }

        /// The sealed chunk, 17 bytes longer than the plain one.
        /// - Throws: `crypto.finished` after the last chunk.
        package mutating func seal(
            _ chunk: [UInt8], isLast: Bool
        ) throws(CryptographyError) -> [UInt8] {
            guard !isFinished else { throw CryptographyError(.finished) }
            var sealed = [UInt8](repeating: 0, count: chunk.count + overhead)
            let tag = isLast ? crypto_secretstream_xchacha20poly1305_tag_final() : 0
            let status = crypto_secretstream_xchacha20poly1305_push(
                state.pointer, &sealed, nil, chunk, UInt64(chunk.count), nil, 0, tag)
            precondition(status == 0, "sealing has no failure")
            isFinished = isLast
            return sealed
        }
    }

    /// Opens chunks in the order in which they were sealed.
    package struct Pull: ~Copyable {
        private let state: State
        /// Whether the last chunk has been opened.
        package private(set) var isFinished = false

        /// - Throws: `crypto.invalid_key` where the header is not 24 bytes.
        package init(key: SymmetricKey, header: [UInt8]) throws(CryptographyError) {
            guard header.count == headerCount else { throw CryptographyError(.invalidKey) }
            let fresh = State()
            let status = key.secret.withBytes {
                crypto_secretstream_xchacha20poly1305_init_pull(fresh.pointer, header, $0)
            }
            precondition(status == 0, "a stream always starts")
            state = fresh
        }

        /// The plain chunk.
        /// - Throws: `crypto.not_authentic` where it was changed or is not the next one; `crypto.finished`
        ///   after the last.
        package mutating func open(_ sealed: [UInt8]) throws(CryptographyError) -> [UInt8] {
            guard !isFinished else { throw CryptographyError(.finished) }
            guard sealed.count >= overhead else { throw CryptographyError(.notAuthentic) }
            var chunk = [UInt8](repeating: 0, count: sealed.count - overhead)
            var tag: UInt8 = 0
            let status = crypto_secretstream_xchacha20poly1305_pull(
                state.pointer, &chunk, nil, &tag, sealed, UInt64(sealed.count), nil, 0)
            guard status == 0 else { throw CryptographyError(.notAuthentic) }
            isFinished = tag == crypto_secretstream_xchacha20poly1305_tag_final()
            return chunk
        }

        /// Ends reading.
        /// - Throws: `crypto.truncated` where the last chunk has not come.
        package consuming func finish() throws(CryptographyError) {
            guard isFinished else { throw CryptographyError(.truncated) }
        }
    }
}
