import Codec
import Ledger

/// What a ledger's epoch is called in NATS.
///
/// Names hold the first eight bytes of the chain id and of the epoch block's hash, in hexadecimal: enough to
/// keep ledgers apart. A batch that strays is refused by who executes it, which compares all 32.
package struct LedgerStream: Hashable, Sendable {
    private let chain: String
    private let epoch: String

    package init(chain: ChainID, epochBlock: Digest) {
        (self.chain, epoch) = (LedgerStream.short(chain), LedgerStream.short(epochBlock))
    }

    private static func short(_ digest: Digest) -> String { Hex.encode(digest.bytes.prefix(8)) }

    /// The stream's name, `mw-<chain>-<epoch>`.
    package var name: String { "mw-\(chain)-\(epoch)" }

    /// Every subject of the stream, `mw.<chain>.<epoch>.*`.
    package var subjects: String { "mw.\(chain).\(epoch).*" }

    /// The one subject that a member publishes on.
    package func subject(of member: MemberID) -> String {
        "mw.\(chain).\(epoch).\(LedgerStream.token(of: member))"
    }

    /// A member's subjects in all epochs of a ledger.
    static func subjects(of member: MemberID, chain: ChainID) -> String {
        "mw.\(short(chain)).*.\(token(of: member))"
    }

    /// The account that a ledger has on a server.
    static func account(of chain: ChainID) -> String { "mw-\(short(chain))" }

    /// A member's name as one token of a subject: a point would end the token, and `=` is in no name.
    static func token(of member: MemberID) -> String {
        String(member.text.map { $0 == "." ? "=" : $0 })
    }

    /// Where a member receives what it has asked for.
    static func inbox(of member: MemberID) -> String { "_INBOX.\(token(of: member))" }
}
