/// One message of a stream of messages: its length (4 bytes, big-endian) and its bytes. Length 0 is a
/// heartbeat.
package enum Frame {
    /// What a silent stream sends.
    package static let heartbeat: [UInt8] = [0, 0, 0, 0]

    /// The frame of a message, which must not be empty and not longer than 2³² − 1 bytes.
    package static func encode(_ message: some Collection<UInt8>) -> [UInt8] {
        precondition(!message.isEmpty && message.count <= UInt32.max, "a frame of \(message.count) bytes")
        var result: [UInt8] = []
        result.reserveCapacity(4 + message.count)
        withUnsafeBytes(of: UInt32(message.count).bigEndian) { result += $0 }
        result += message
        return result
    }
}

/// Takes a stream of frames apart as it arrives in pieces of any size.
package struct FrameDecoder: Sendable {
    private let limit: Int
    private var buffer: [UInt8] = []
    private var position = 0

    /// - Parameter limit: the largest message that is accepted, in bytes.
    package init(limit: Int) { self.limit = limit }

    /// Bytes that do not make a frame yet; 0 between frames, so anything else at the end was cut off.
    package var pendingBytes: Int { buffer.count - position }

    package mutating func append(_ bytes: [UInt8]) {
        if position == buffer.count {
            buffer = bytes
            position = 0
        } else {
            if position > 1 << 16 {
                buffer.removeSubrange(..<position)
                position = 0
            }
            buffer += bytes
        }
    }

    /// The next whole message; heartbeats are passed over. nil where more bytes are needed.
    ///
    /// - Throws: `http.too_large` as soon as a length says so, before the message is there.
    package mutating func next() throws(HTTPError) -> [UInt8]? {
        while pendingBytes >= 4 {
            let length = buffer.withUnsafeBytes {
                Int(UInt32(bigEndian: $0.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
            }
            guard length <= limit else {
                throw HTTPError(.tooLarge, "a frame of \(length) bytes; \(limit) are allowed")
            }
            guard pendingBytes - 4 >= length else { return nil }
            position += 4
            guard length > 0 else { continue }
            defer { position += length }
            return Array(buffer[position..<position + length])
        }
        return nil
    }
}
