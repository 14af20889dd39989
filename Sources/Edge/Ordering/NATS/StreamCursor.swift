import Codec

/// How far a stream has been delivered, and whether what the servers show can be its continuation.
///
/// A value: it is told what was seen and says what to do. JetStream counts messages from 1; a batch's
/// position is one less.
struct StreamCursor {
    /// A stream as a server describes it.
    struct Sighting: Equatable {
        /// When the stream was created, nanoseconds since 1970.
        let created: Int64
        /// The first and last message; the last is 0 where there was none.
        let first: UInt64
        let last: UInt64
    }

    enum Verdict: Equatable {
        /// Ask for messages from this one on.
        case follow(from: UInt64)
        /// The stream shows less than was delivered. Servers that have just started may do that for a moment.
        case behind(String)
        case lost(String)
    }

    enum Step: Equatable {
        case deliver
        /// It was delivered before.
        case known
        /// Something between was not received: ask anew.
        case gap
        case lost(String)
    }

    /// The message that is delivered next.
    private(set) var next: UInt64
    private var created: Int64?
    private var lastDigest: Digest?
    private var gaps = 0

    /// A hole that was seen this often is one in the stream.
    private static let gapLimit = 3

    /// - Parameter position: the first that is wanted.
    init(position: UInt64) { next = position == .max ? position : position + 1 }

    /// Whether anything has been delivered, or is said to have been in an earlier run.
    var isFresh: Bool { next == 1 && created == nil }

    /// The last position that was delivered; nil before the first.
    var delivered: UInt64? { next >= 2 ? next - 2 : nil }

    /// A server knows no such stream.
    func missing() -> Verdict { .behind("the stream is not there any more") }

    mutating func sighted(_ stream: Sighting) -> Verdict {
        if let created, created != stream.created { return .lost("the stream was deleted and created again") }
        if stream.last < next - 1 {
            return .behind("the stream ends at \(stream.last), and \(next - 1) had been delivered")
        }
        if stream.first > next { return .lost("the stream begins at \(stream.first), \(next) is gone") }
        created = stream.created
        // The last delivered message is asked for again: had the stream lost its end and grown anew, another
        // one would be in its place.
        return .follow(from: lastDigest == nil ? next : next - 1)
    }

    mutating func received(_ sequence: UInt64, digest: Digest) -> Step {
        if sequence == next {
            guard next < .max else { return .lost("the stream counts no further") }
            (next, lastDigest, gaps) = (next + 1, digest, 0)
            return .deliver
        }
        if sequence < next {
            if sequence == next - 1, let lastDigest, lastDigest != digest {
                return .lost("message \(sequence) is not the one that was delivered")
            }
            return .known
        }
        gaps += 1
        return gaps < StreamCursor.gapLimit ? .gap : .lost("message \(next) is missing from the stream")
    }
}
