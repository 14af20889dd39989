import Cryptography
import Ledger

/// What an engine on NATS JetStream needs to know.
package struct NATSConfiguration: Sendable {
    /// Files in PEM for TLS.
    package struct TLS: Sendable {
        /// The authorities that a server's certificate may come from.
        package var authorities: String
        /// This node's own certificate and its key, where the servers ask for one.
        package var own: (certificate: String, key: String)?

        package init(authorities: String, own: (certificate: String, key: String)? = nil) {
            (self.authorities, self.own) = (authorities, own)
        }
    }

    /// `nats://host:port` or `tls://host:port`, the preferred first.
    package var servers: [String]
    package var stream: LedgerStream
    package var member: MemberID
    /// The key that the servers know this member by. It signs nothing else.
    package var key: Ed25519.SigningKey?
    package var tls: TLS?
    /// On how many servers the stream is kept, 1 to 5. An even number survives no more than one less.
    package var replicas = 1
    /// The most bytes that the stream may take on each server; nil where only the account's limit holds.
    package var maximumBytes: Int64?
    /// `submit` returns or throws within this time: longer than servers take to elect another leader (4 to 10
    /// s were measured).
    package var submitTimeoutMilliseconds = 15_000
    /// How long servers that are left may take to order again, and for readers to come back to them; and
    /// servers that have just been started, to be there at all.
    package var failoverMilliseconds = 15_000
    /// How long one request may take; `submit` makes several.
    package var requestTimeoutMilliseconds = 2_000
    /// How often an idle stream says that it is there. Three missed ones, and it is asked anew.
    package var heartbeatMilliseconds = 1_000
    /// For this long the servers recognise a batch that is submitted again.
    package var duplicateWindowSeconds = 120
    /// How long a stream may show less than was delivered, as one may whose servers have just started,
    /// before it counts as lost.
    package var lossConfirmationMilliseconds = 3_000

    package init(servers: [String], stream: LedgerStream, member: MemberID, key: Ed25519.SigningKey? = nil) {
        (self.servers, self.stream, self.member, self.key) = (servers, stream, member, key)
    }

    /// The longest message, with its headers.
    static let maximumMessage = Batch.maximumSize + 1024
    /// What a server sends before it is asked again: at most this many bytes and messages wait in memory.
    static let windowBytes = 2 * maximumMessage
    static let windowCount = 256
}
