import Codec

/// What a validator has promised and signed, written with the block in one synced record before a signature
/// leaves.
package struct VoteRecord: Hashable, Sendable {
    package struct Point: Hashable, Comparable, Sendable {
        package var epoch: Epoch
        package var height: Height
        package var block: Digest

        package init(epoch: Epoch, height: Height, block: Digest) {
            (self.epoch, self.height, self.block) = (epoch, height, block)
        }

        package init(_ header: BlockHeader, hash: Digest) {
            self.init(epoch: header.epoch, height: header.height, block: hash)
        }

        /// By epoch, then by height: of two certified blocks the higher one counts.
        package static func < (left: Point, right: Point) -> Bool {
            (left.epoch, left.height) < (right.epoch, right.height)
        }
    }

    /// Nothing below this epoch is voted for any more.
    package var promised: Epoch
    package var lastVote: Point?
    package var lastCommit: Point?
    /// The highest block known to be certified by votes, by epoch, then height.
    package var lock: Point?

    package init(
        promised: Epoch = 0, lastVote: Point? = nil, lastCommit: Point? = nil, lock: Point? = nil
    ) {
        (self.promised, self.lastVote, self.lastCommit, self.lock) = (promised, lastVote, lastCommit, lock)
    }

    func write(to writer: inout CBORWriter) {
        writer.array(4)
        writer.unsigned(promised)
        for point in [lastVote, lastCommit, lock] {
            guard let point else {
                writer.null()
                continue
            }
            writer.array(3)
            writer.unsigned(point.epoch)
            writer.unsigned(point.height)
            writer.digest(point.block)
        }
    }

    init(reading reader: inout CBORReader) throws(CodecError) {
        try reader.array(of: 4)
        promised = try reader.unsigned()
        func point() throws(CodecError) -> Point? {
            if reader.isNull {
                try reader.null()
                return nil
            }
            try reader.array(of: 3)
            return Point(
                epoch: try reader.unsigned(), height: try reader.unsigned(), block: try reader.digest())
        }
        lastVote = try point()
        lastCommit = try point()
        lock = try point()
    }

    /// Whether a vote for a block keeps every promise: the promised epoch and a rising height; an epoch block
    /// only as the first vote of its epoch, a batch's only as a child of the last vote in the epoch or of a
    /// block certified in it.
    package func allowsVote(_ header: BlockHeader, parentIsCertified: Bool) -> Bool {
        guard header.epoch == promised else { return false }
        guard let lastVote, lastVote.epoch >= header.epoch else {
            return header.kind == .epoch || parentIsCertified
        }
        return lastVote.epoch == header.epoch && header.kind == .batch && header.height > lastVote.height
            && (header.previous == lastVote.block || parentIsCertified)
    }

    /// Whether a commit to a block certified by votes keeps every promise: the promised epoch and a rising
    /// height.
    package func allowsCommit(_ header: BlockHeader) -> Bool {
        guard header.epoch == promised else { return false }
        guard let lastCommit else { return true }
        return header.epoch > lastCommit.epoch
            || (header.epoch == lastCommit.epoch && header.height > lastCommit.height)
    }

    /// Notes a certified block where it is above the lock. False where it is not.
    mutating func raiseLock(to point: Point) -> Bool {
        if let lock, point <= lock { return false }
        lock = point
        return true
    }
}
