import Codec
import Contracts
import Cryptography
import Foundation
import Ledger

/// What a company is sent so that it can join: the ledger's name, where to find it, and the one-use key.
///
/// As a file it is text: sentences for people, then the deterministic CBOR of this structure in base64
/// between two marks. Whoever holds it can join in the member's name, once, until it expires: it is a secret.
///
/// ```
/// -----BEGIN MILLWRIGHT INVITATION-----
/// …
/// -----END MILLWRIGHT INVITATION-----
/// ```
package struct Invitation: Codable, Hashable, Sendable {
    /// A node that serves the ledger, and what its TLS key is known by.
    package struct Peer: Codable, Hashable, Sendable {
        package let member: MemberID
        package let endpoint: String
        package let pins: [Digest]

        package init(member: MemberID, endpoint: String, pins: [Digest]) {
            (self.member, self.endpoint, self.pins) = (member, endpoint, pins)
        }
    }

    package var version: UInt64
    package var chain: ChainID
    /// The consortium's name, for people.
    package var ledger: String
    package var member: MemberID
    package var name: String
    package var roles: [Role]
    /// The first moment at which it no longer holds.
    package var expires: Timestamp
    /// The Ed25519 seed of the one-use key, 32 bytes.
    package var key: Bytes
    /// Whoever invites first, then others that serve the ledger.
    package var peers: [Peer]

    package static let currentVersion: UInt64 = 1
    private static let begin = "-----BEGIN MILLWRIGHT INVITATION-----"
    private static let end = "-----END MILLWRIGHT INVITATION-----"
    /// The longest file, in bytes.
    private static let maximumSize = 64 << 10

    package init(
        chain: ChainID, ledger: String, member: MemberID, name: String, roles: [Role], expires: Timestamp,
        key: Ed25519.SigningKey, peers: [Peer]
    ) {
        (version, self.chain, self.ledger) = (Invitation.currentVersion, chain, ledger)
        (self.member, self.name, self.roles, self.expires) = (member, name, roles, expires)
        (self.key, self.peers) = (Bytes(key.seed.exposed()), peers)
    }

    /// The file's content.
    /// - Parameter note: lines for people, above the marks.
    /// - Throws: `cbor.*`.
    package func text(note: String) throws(CodecError) -> String {
        let code = Data(try CBOR.encode(self)).base64EncodedString(options: [
            .lineLength76Characters, .endLineWithLineFeed,
        ])
        return "\(note)\n\(Invitation.begin)\n\(code)\n\(Invitation.end)\n"
    }

    /// Reads a file's content; what stands around the marks does not matter.
    /// - Throws: `invitation.malformed`, `invitation.version`.
    package init(parsing text: String) throws(NodeError) {
        guard text.utf8.count <= Invitation.maximumSize,
            let start = text.range(of: Invitation.begin),
            let stop = text.range(of: Invitation.end, range: start.upperBound..<text.endIndex),
            let data = Data(
                base64Encoded: String(text[start.upperBound..<stop.lowerBound]),
                options: .ignoreUnknownCharacters)
        else { throw NodeError("invitation.malformed", "this is not an invitation file") }
        do { self = try CBOR.decode(Invitation.self, from: [UInt8](data)) } catch {
            throw NodeError("invitation.malformed", "the invitation cannot be read", cause: error)
        }
        guard version == Invitation.currentVersion else {
            throw NodeError(
                "invitation.version", "this program does not know invitations of version \(version)")
        }
        guard !peers.isEmpty, peers.allSatisfy({ !$0.pins.isEmpty }) else {
            throw NodeError("invitation.malformed", "the invitation names no node to ask")
        }
        _ = try signingKey()
    }

    /// The one-use key.
    /// - Throws: `invitation.malformed`.
    package func signingKey() throws(NodeError) -> Ed25519.SigningKey {
        do { return try Ed25519.SigningKey(seed: key.array) } catch {
            throw NodeError("invitation.malformed", "the invitation holds no key", cause: error)
        }
    }
}

/// What a company that is not on the ledger yet says with its invitation's key, so that a node serves it:
/// "the holder of this TLS key is the one that you have invited".
///
/// A COSE_Sign1 with the protected header `{1: -8, 4: kid}` and the payload `[chain, pin, until]`, signed
/// with external data of its own, so that it can be taken for no transaction. In HTTP it stands in the header
/// `Millwright-Invitation`, in base64. It is of no use to whoever cannot prove that TLS key.
package struct InvitationCall: Sendable {
    package static let header = "Millwright-Invitation"
    /// How long one is signed for.
    package static let minutes: Int64 = 10
    /// How far ahead an end may be: the time it is signed for, and as much for a clock that is wrong.
    private static let longestMinutes: Int64 = 60
    private static let context = Array("millwright-invitation-call".utf8)

    package let key: KeyID
    package let chain: ChainID
    package let pin: Digest
    package let until: Timestamp
    private let message: COSESign1

    /// The header's value.
    package static func signed(
        chain: ChainID, pin: TLSPin, until: Timestamp, signer: MessageSigner
    ) -> String {
        var writer = CBORWriter(reservingCapacity: 96)
        writer.array(3)
        writer.digest(chain)
        writer.digest(pin.digest)
        writer.integer(until.nanoseconds)
        let protected = SigningHeader.edDSA(key: KeyID(publicKey: signer.publicKey, hash: SHA256.hash))
        let signature = signer(
            COSESign1.toBeSigned(protected: protected, externalAAD: context, payload: writer.bytes))
        let message = COSESign1(protected: protected, payload: writer.bytes, signature: signature)
        return Data(message.encoded).base64EncodedString()
    }

    /// - Throws: `cbor.*`, `cose.*` for a value that is not one.
    package init(header: String) throws(CodecError) {
        guard header.utf8.count <= 1024, let data = Data(base64Encoded: header) else {
            throw CodecError(.invalidValue, "not base64")
        }
        message = try COSESign1(decoding: [UInt8](data))
        key = try SigningHeader.edDSAKey(message.protected)
        var reader = CBORReader(message.payload ?? [])
        try reader.array(of: 3)
        (chain, pin) = (try reader.digest(), try reader.digest())
        until = Timestamp(nanoseconds: try reader.integer())
        try reader.finish()
    }

    /// Whether it is said by this key, of this ledger and TLS key, and still counts.
    package func holds(for chain: ChainID, pin: TLSPin, publicKey: [UInt8], now: Timestamp) -> Bool {
        self.chain == chain && self.pin == pin.digest && now < until
            && until <= now + .minutes(InvitationCall.longestMinutes)
            && Ed25519.verify(
                publicKey: publicKey, signature: message.signature,
                message: COSESign1.toBeSigned(
                    protected: message.protected, externalAAD: InvitationCall.context,
                    payload: message.payload ?? []))
    }
}
