/// One entry of the block log.
package struct LogRecord: Hashable, Sendable {
    /// What a record is; of a kind that the log does not know, only the latest is found.
    package struct Kind: RawRepresentable, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// A block: found by height. One at a height that the log holds replaces it and undoes those above.
        package static let block = Kind(rawValue: 1)
        /// A validator's voting record: only the latest is found.
        package static let vote = Kind(rawValue: 2)
        /// A certificate over the block that the log holds at the same height: found by height, the latest
        /// counts. It goes when that block is undone.
        package static let certificate = Kind(rawValue: 3)
    }

    package var kind: Kind
    package var height: UInt64
    package var payload: [UInt8]

    package init(kind: Kind = .block, height: UInt64, payload: [UInt8]) {
        (self.kind, self.height, self.payload) = (kind, height, payload)
    }
}

/// Where a record lies.
struct RecordLocation: Hashable, Sendable {
    var segment: UInt32
    /// From the segment's first byte to the frame's.
    var offset: UInt32
    /// Of the payload.
    var count: UInt32
    /// From the first frame of the group that was written together to this one.
    var back: UInt32
}
