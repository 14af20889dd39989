import Codec
import Contracts
import Cryptography
import Foundation
import Ledger

/// Offers behind sealed bids, kept in the maintainer's own folder until opened: `sealed-bids/COMMITMENT`.
///
/// Each is written before its commitment leaves, and none is overwritten: losing one means losing the bid.
struct SealedBids {
    struct Kept: Codable {
        let offer: Offer
        let salt: Bytes
    }

    private let folder: URL
    private let member: MemberID

    init(_ session: Session) throws {
        member = try session.member()
        folder = session.home.keystore(of: member).folder.deletingLastPathComponent()
            .appendingPathComponent("sealed-bids")
    }

    /// Keeps an offer with a fresh salt, and returns what to commit to.
    func keep(_ offer: Offer, for ticket: TicketID) throws -> Digest {
        let kept = Kept(offer: offer, salt: Bytes(SecureRandom.bytes(32)))
        let commitment = try MaintenanceContract.commitment(
            to: offer, salt: kept.salt, ticket: ticket, maintainer: member, hash: SHA256.hash)
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try Data(try CBOR.encode(kept)).write(
                to: folder.appendingPathComponent("\(commitment)"), options: .atomic)
        } catch {
            throw UsageError(
                "cli.cannot_write", "\(folder.path) cannot be written: \(error.localizedDescription)")
        }
        return commitment
    }

    /// The offer behind a commitment.
    func kept(_ commitment: Digest) throws -> Kept {
        let file = folder.appendingPathComponent("\(commitment)")
        guard let data = try? Data(contentsOf: file),
            let kept = try? CBOR.decode(Kept.self, from: [UInt8](data))
        else { throw NegativeAnswer("bid.not_kept", "the offer behind this bid is not in \(folder.path)") }
        return kept
    }
}
