import CISAL

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4), by ISA-L with the processor's instructions.
enum CRC32C {
    /// The checksum of the bytes that `checksum` covers followed by the buffer's. Starts from 0.
    static func extend(_ checksum: UInt32, with buffer: UnsafeRawBufferPointer) -> UInt32 {
        var crc = ~checksum
        var rest = buffer
        while let start = rest.baseAddress, !rest.isEmpty {
            let count = min(rest.count, Int(Int32.max))
            // The library takes a changeable pointer and reads only.
            crc = crc32_iscsi(
                UnsafeMutablePointer(mutating: start.assumingMemoryBound(to: UInt8.self)), Int32(count), crc)
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        return ~crc
    }

    static func extend(_ checksum: UInt32, with bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { extend(checksum, with: $0) }
    }
}
