import HTTP

/// Several messages as one body: frames one after another.
enum PeerFrames {
    static func body(_ messages: [[UInt8]]) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(messages.reduce(0) { $0 + $1.count + 4 })
        for message in messages { body += Frame.encode(message) }
        return body
    }

    /// - Throws: `http.too_large`, `http.malformed` where the last frame is cut off.
    static func messages(_ body: [UInt8], limit: Int) throws(HTTPError) -> [[UInt8]] {
        var decoder = FrameDecoder(limit: limit)
        decoder.append(body)
        var messages: [[UInt8]] = []
        while let message = try decoder.next() { messages.append(message) }
        guard decoder.pendingBytes == 0 else { throw HTTPError(.malformed, "the last frame is cut off") }
        return messages
    }
}
