import Codec
import Ledger

extension ConsortiumContract {
    package struct SetNode: Codable, Hashable, Sendable {
        /// `https://HOST[:PORT]` of at most 256 bytes, or empty.
        package var endpoint: String
        /// At most 4, in any order, each once; all that there are from now on.
        package var tlsPins: [Digest]
        /// The key that the member would vote with; nil leaves what it has offered. Its proof covers an
        /// empty sealing key.
        package var votingKey: NewKey?

        package init(endpoint: String, tlsPins: [Digest], votingKey: NewKey? = nil) {
            (self.endpoint, self.tlsPins, self.votingKey) = (endpoint, tlsPins, votingKey)
        }
    }

    package struct RotateVotingKey: Codable, Hashable, Sendable {
        /// Its proof covers an empty sealing key.
        package var votingKey: NewKey

        package init(votingKey: NewKey) { self.votingKey = votingKey }
    }

    package struct ReportEvidence: Codable, Hashable, Sendable {
        package var kind: EvidenceRecord.Kind
        /// For a stale lock the stop.
        package var first: SignedMessage
        /// For a stale lock the commit.
        package var second: SignedMessage

        package init(kind: EvidenceRecord.Kind, first: SignedMessage, second: SignedMessage) {
            (self.kind, self.first, self.second) = (kind, first, second)
        }
    }

    /// What a validator signed.
    package struct SignedMessage: Codable, Hashable, Sendable {
        /// The COSE_Sign1, at most 4096 bytes.
        package var message: Bytes
        /// A commit's detached payload, the log root. Nil for a vote, whose header holds its payload, the
        /// block, and for a stop, which holds it itself.
        package var payload: Digest?

        package init(message: Bytes, payload: Digest? = nil) {
            (self.message, self.payload) = (message, payload)
        }
    }
}
