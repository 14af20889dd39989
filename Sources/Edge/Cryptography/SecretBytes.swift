import CSodium

/// Secret bytes in memory that is locked, fenced by guard pages, read-only once filled and wiped when freed.
///
/// Each takes several pages (`sodium_malloc`), so it is for keys, not for documents. `@unchecked Sendable`
/// holds because the bytes never change after `init`, which the read-only page enforces.
package final class SecretBytes: @unchecked Sendable {
    private let pointer: UnsafeMutableRawPointer
    package let count: Int

    /// Allocates `count` bytes and lets `body` fill exactly those.
    package init<Failure: Error>(
        count: Int, filling body: (UnsafeMutablePointer<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        Cryptography.initialise()
        guard let memory = sodium_malloc(count) else { preconditionFailure("no memory for a secret") }
        do {
            try body(memory.assumingMemoryBound(to: UInt8.self))
        } catch {
            sodium_free(memory)
            throw error
        }
        precondition(sodium_mprotect_readonly(memory) == 0, "a secret's pages could not be protected")
        pointer = memory
        self.count = count
    }

    /// A copy of the bytes. The caller's array is ordinary memory and remains the caller's to forget.
    package convenience init(_ bytes: [UInt8]) {
        self.init(count: bytes.count) { $0.initialize(from: bytes, count: bytes.count) }
    }

    /// Random bytes that have never been elsewhere.
    package static func random(_ count: Int) -> SecretBytes {
        SecretBytes(count: count) { randombytes_buf($0, count) }
    }

    deinit { sodium_free(pointer) }

    /// Lends the bytes for the length of a call.
    package func withBytes<Result, Failure: Error>(
        _ body: (UnsafePointer<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafePointer(pointer.assumingMemoryBound(to: UInt8.self)))
    }

    /// A copy in ordinary memory, for sealing a key or writing a key file.
    package func exposed() -> [UInt8] {
        withBytes { [UInt8](UnsafeBufferPointer(start: $0, count: count)) }
    }
}
