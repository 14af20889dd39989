/// SHA-256 as the core sees it: injected by the edge, so that the core needs no C.
package struct HashFunction: Sendable {
    private let body: @Sendable (UnsafeRawBufferPointer) -> Digest

    package init(_ body: @escaping @Sendable (UnsafeRawBufferPointer) -> Digest) { self.body = body }

    /// The digest of a buffer.
    package func callAsFunction(_ buffer: UnsafeRawBufferPointer) -> Digest { body(buffer) }

    /// The digest of an array.
    package func callAsFunction(_ bytes: [UInt8]) -> Digest { bytes.withUnsafeBytes { body($0) } }

    /// The digest of `prefix ‖ left ‖ right`: an interior node, without an allocation.
    package func node(_ prefix: UInt8, _ left: Digest, _ right: Digest) -> Digest {
        withUnsafeTemporaryAllocation(byteCount: 65, alignment: 1) { buffer in
            buffer[0] = prefix
            left.write(to: UnsafeMutableRawBufferPointer(rebasing: buffer[1..<33]))
            right.write(to: UnsafeMutableRawBufferPointer(rebasing: buffer[33..<65]))
            return body(UnsafeRawBufferPointer(buffer))
        }
    }

    /// The digest of `prefix ‖ bytes`: a leaf, without copying to the heap where it is small.
    package func leaf(_ prefix: UInt8, _ bytes: [UInt8]) -> Digest {
        withUnsafeTemporaryAllocation(byteCount: bytes.count + 1, alignment: 1) { buffer in
            buffer[0] = prefix
            bytes.withUnsafeBytes { source in
                UnsafeMutableRawBufferPointer(rebasing: buffer[1...]).copyMemory(from: source)
            }
            return body(UnsafeRawBufferPointer(buffer))
        }
    }
}
