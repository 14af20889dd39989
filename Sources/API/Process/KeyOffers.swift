import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Node
import Synchronization

/// Puts on the ledger what others need of a new member's node, once the board has admitted the member: the
/// voting key that it would validate with, and the key that NATS servers know it by.
/// The NATS key is given a later end in time.
///
/// Neither gives any right by itself. A voting key votes once the board makes its member a validator. The
/// NATS key is a delegated one whose only scope, `nats.connect`, is no contract's: it can sign nothing on the
/// ledger, whatever a NATS server makes it sign.
final class KeyOffers: Sendable {
    private let home: Home
    private let member: MemberID
    private let log: NodeLog
    private let attempts = Attempts()
    /// Before it there is nothing to put on the ledger.
    private let nextLook = Mutex(Date.distantPast)

    /// How long the NATS key holds, and how long before its end it is given another. Five years are the most.
    private static let lifetime = Span.days(4 * 365)
    static let renewal = Span.days(90)

    init(home: Home, member: MemberID, log: NodeLog) {
        (self.home, self.member, self.log) = (home, member, log)
    }

    func stop() { attempts.stop() }

    /// Takes the next step in the background, where there is one.
    func keep(node: LedgerNode, book: PeerBook) throws {
        guard book.isOwnMemberActive, !node.genesis.simulated, nextLook.withLock({ $0 <= Date() }),
            attempts.begin()
        else { return }
        do {
            guard let action = try next(node) else {
                nextLook.withLock { $0 = Date(timeIntervalSinceNow: 3600) }
                return attempts.end(succeeded: true)
            }
            offer(action, node, try home.keystore(of: member).signingKey().signer)
        } catch {
            attempts.end(succeeded: false)
            throw error
        }
    }

    private func offer(_ action: ConsortiumContract.Action, _ node: LedgerNode, _ signer: MessageSigner) {
        Task { [self] in
            do {
                let final = try await node.perform(ConsortiumContract.self, action, as: signer)
                guard case .accepted = final.outcome else {
                    attempts.endRefused()
                    return refused(final, known: try next(node)?.offeredKey != action.offeredKey)
                }
                attempts.end(succeeded: true)
                log.info("the ledger knows another key of this node", ["height": final.height])
            } catch {
                attempts.end(succeeded: false)
                guard !attempts.isStopped else { return }
                log.warning("this node's keys are not on the ledger yet", ["reason": error])
            }
        }
    }

    /// - Parameter known: the ledger had the key already, which a node that was behind could not know.
    private func refused(_ final: FinalTransaction, known: Bool) {
        if known { return log.info("the ledger knew this node's key already", ["height": final.height]) }
        log.warning(
            "the ledger refuses this node's key; millwright voting-key rotate makes another",
            ["code": final.outcome.code, "reason": final.message])
    }

    private func next(_ node: LedgerNode) throws -> ConsortiumContract.Action? {
        let view = try node.view()
        let record = try view.existing(MemberRecord.self, member)
        let validators = try view.existing(ValidatorsRecord.self, ParametersRecord.Key())
        let isValidator = (validators.current + (validators.next ?? [])).contains { $0.member == member }
        // A key that takes another's place is the operator's decision: `millwright voting-key rotate`.
        if record.votingKey == nil, !isValidator, home.hasVotingKey {
            return .setNode(
                .init(
                    endpoint: record.endpoint, tlsPins: record.tlsPins ?? [],
                    votingKey: proven(try home.votingKey(), node)))
        }
        // Consensus time is behind the clock at most.
        let now = try node.head().time
        let known = try NodeKeys(home: home, member: member).nats(view)?.record
        guard KeyOffers.isDue(known, at: now) else { return nil }
        return .delegateKey(
            .init(
                key: proven(try home.natsKey(), node), scopes: [NATSMembers.scope],
                expires: now + KeyOffers.lifetime))
    }

    /// Whether a key is to be put on the ledger, or given a later end there. One that was revoked stays so:
    /// the operator decides what follows.
    static func isDue(_ known: KeyRecord?, at now: Timestamp) -> Bool {
        guard let known else { return true }
        return !known.revoked && known.expires.map { $0 < now + renewal } ?? false
    }

    private func proven(_ key: Ed25519.SigningKey, _ node: LedgerNode) -> ConsortiumContract.NewKey {
        let message = ConsortiumContract.possessionMessage(
            chain: node.rules.chain, member: member, signingPublicKey: key.publicKey.bytes,
            sealingPublicKey: [])
        return .init(publicKey: Bytes(key.publicKey.bytes), possession: Bytes(key.sign(message)))
    }
}

extension ConsortiumContract.Action {
    /// The public key that a node offers with it.
    fileprivate var offeredKey: Bytes? {
        switch self {
        case .setNode(let action): action.votingKey?.publicKey
        case .delegateKey(let action): action.key.publicKey
        default: nil
        }
    }
}
