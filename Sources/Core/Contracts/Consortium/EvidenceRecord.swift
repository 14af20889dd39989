import Codec
import Ledger

/// Proof that a validator signed what no honest one signs. What follows from it is the board's decision.
package struct EvidenceRecord: Record {
    /// Which rule the two messages break.
    package enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
        /// Votes for two blocks of one epoch and height.
        case conflictingVotes
        /// Commits of two blocks of one epoch and height.
        case conflictingCommits
        /// Two stops for one epoch that say different things.
        case conflictingStops
        /// A stop whose lock is below a block that the sender has committed in an epoch before it.
        case staleLock
    }

    /// The fault: it is recorded once, however many messages prove it.
    package struct Fault: RecordKey, Hashable, Codable, CustomStringConvertible {
        package var validator: MemberID
        package var kind: Kind
        /// Of the blocks; for a stop the epoch that it is for.
        package var epoch: Epoch
        /// Of the blocks; 0 for a stop, which is for no height.
        package var height: Height

        package init(validator: MemberID, kind: Kind, epoch: Epoch, height: Height) {
            (self.validator, self.kind, self.epoch, self.height) = (validator, kind, epoch, height)
        }

        /// Validator and kind, each ended by a zero byte, then epoch and height in eight bytes each.
        package var keyBytes: [UInt8] {
            validator.keyBytes + [0] + Array(kind.rawValue.utf8) + [0] + bigEndianBytes(epoch)
                + bigEndianBytes(height)
        }

        package var description: String { "\(validator)/\(kind.rawValue)/\(epoch)/\(height)" }
    }

    package static let table = "evidence"

    package var id: Fault
    /// The voting key that signed both.
    package var key: KeyID
    /// SHA-256 of the messages, sorted: the transaction holds the messages themselves.
    package var messages: [Digest]
    package var reporter: MemberID
    package var time: Timestamp

    package init(id: Fault, key: KeyID, messages: [Digest], reporter: MemberID, time: Timestamp) {
        (self.id, self.key, self.messages) = (id, key, messages)
        (self.reporter, self.time) = (reporter, time)
    }
}
