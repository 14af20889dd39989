import Codec
import Contracts
import Cryptography
import Foundation
import HTTP
import Ledger
import Node
import Storage

/// Joins a ledger from an invitation: makes this company's keys, takes the genesis document from whoever
/// invited, and puts the company on the ledger.
///
/// What is not done yet is done by another run with the same invitation: it is kept in the data directory
/// until all is there.
package struct Joining: Sendable {
    package enum Progress: Sendable {
        case keysMade
        case genesisTaken(from: MemberID)
        case snapshotTaken(height: Height)
        /// Nobody has one yet: the node takes every block.
        case snapshotMissing
        case joined(FinalTransaction?)
    }

    package let invitation: Invitation
    package let home: Home
    package var profile: MemberProfile
    /// Where others reach the node; empty where they do not.
    package var endpoint: String
    /// Take a snapshot even where the inviter has every block.
    package var wantsSnapshot = false
    package var now: Timestamp

    package init(
        _ invitation: Invitation, into home: Home, profile: MemberProfile, endpoint: String, now: Timestamp
    ) {
        (self.invitation, self.home, self.profile) = (invitation, home, profile)
        (self.endpoint, self.now) = (endpoint, now)
    }

    private var pendingFile: URL { home.folder.appendingPathComponent("invitation") }
    private static let totalMilliseconds = 60_000
    private static let attempts = 5

    /// - Throws: `invitation.*`, `home.*`, `keys.*`, `join.*`, `snapshot.*`, and the ledger's own codes where
    ///   it refuses the company.
    package func run(_ tell: (Progress) -> Void) throws {
        Cryptography.initialise()
        guard now < invitation.expires else {
            throw NodeError(
                "invitation.expired",
                "the invitation's time is over: ask \(invitation.peers[0].member) for another")
        }
        // Of two that begin at once one goes on: they would make each other's keys.
        let held = try HeldFolder(home.folder)
        defer { withExtendedLifetime(held) {} }
        try prepare()
        let identity = try makeKeys()
        tell(.keysMade)
        let (client, host, status) = try connect(identity)
        defer { client.close() }
        try takeGenesis(client, host, identity)
        tell(.genesisTaken(from: host))
        var final: FinalTransaction?
        if status.status == MemberRecord.Status.invited.rawValue { final = try join(client, identity) }
        tell(.joined(final))
        if wantsSnapshot || status.firstBlock > 1 {
            do { tell(.snapshotTaken(height: try takeSnapshot(identity))) } catch let error
                as NodeError where error.code == "snapshot.no_checkpoint" && status.firstBlock <= 1
            { tell(.snapshotMissing) }
        }
        try writeConfiguration()
        unlink(pendingFile.path)
    }

    // MARK: This company

    /// Begins in an empty directory, or goes on in one that this invitation was used in.
    private func prepare() throws {
        let files = FileManager.default
        let bytes = try CBOR.encode(invitation)
        let names = (try? files.contentsOfDirectory(atPath: home.folder.path)) ?? []
        if !names.isEmpty {
            guard let known = try? Data(contentsOf: pendingFile), [UInt8](known) == bytes else {
                throw NodeError("home.exists", "\(home.folder.path) is not empty: choose another directory")
            }
            return
        }
        try home.replace(pendingFile, with: bytes, mode: 0o600)
    }

    private func makeKeys() throws(NodeError) -> TLSIdentity {
        let keystore = home.keystore(of: invitation.member)
        if !keystore.exists { try keystore.create() }
        if !home.hasVotingKey { _ = try home.makeVotingKey() }
        _ = try home.natsKey()
        // Certificates live in real time, whatever a demonstration's clock says.
        return try TLSFiles(home).current(
            of: invitation.member, endpoint: endpoint, now: NodeProcess.now
        ).identity
    }

    private func writeConfiguration() throws(NodeError) {
        var configuration = NodeConfiguration.defaults(member: invitation.member, endpoint: endpoint)
        configuration.chain = invitation.chain.description
        configuration.peers = invitation.peers.map { peer in
            .init(
                member: peer.member.text, endpoint: peer.endpoint,
                pins: peer.pins.map { TLSPin($0).description })
        }
        try configuration.write(to: home)
    }

    // MARK: The inviter

    private func headers(_ identity: TLSIdentity) throws(NodeError) -> HTTPHeaders {
        let signer = try invitation.signingKey().signer
        let call = InvitationCall.signed(
            chain: invitation.chain, pin: identity.pin, until: now + .minutes(InvitationCall.minutes),
            signer: signer)
        return [InvitationCall.header: call]
    }

    private typealias Contact = (client: HTTPClient, host: MemberID, status: JoinStatus)

    /// The first of the invitation's nodes that answers.
    private func connect(_ identity: TLSIdentity) throws(NodeError) -> Contact {
        var failure = NodeError("join.unreachable", "the invitation names no node to ask")
        for (index, peer) in invitation.peers.enumerated() {
            do throws(NodeError) { return try contact(peer, identity) } catch {
                // What the ledger says of the invitation every node would say.
                if error.code.hasPrefix("invitation.") { throw error }
                if index == 0 { failure = error }
            }
        }
        throw failure
    }

    private func contact(
        _ peer: Invitation.Peer, _ identity: TLSIdentity
    ) throws(NodeError) -> Contact {
        let client: HTTPClient
        do {
            client = try HTTPClient(
                peer.endpoint, trust: .pins(peer.pins.map { TLSPin($0) }), identity: identity)
        } catch {
            throw NodeError(
                "invitation.malformed", "\(peer.endpoint) is no endpoint of a node", cause: error)
        }
        let answer = try Joining.successful(
            client, .get, "/v1/invitation", headers: try headers(identity))
        guard let status = try? JSONDecoder().decode(JoinStatus.self, from: Data(answer.body)) else {
            throw NodeError("join.bad_answer", "\(peer.endpoint) gave an answer that cannot be read")
        }
        return (client, peer.member, status)
    }

    private static func successful(
        _ client: HTTPClient, _ method: HTTPMethod, _ target: HTTPTarget, headers: HTTPHeaders,
        body: [UInt8] = [], maximumBodyBytes: Int? = nil
    ) throws(NodeError) -> HTTPAnswer {
        do {
            return try client.request(
                method, target, headers: headers, body: body, totalMilliseconds: totalMilliseconds,
                maximumBodyBytes: maximumBodyBytes
            ).successful()
        } catch {
            if let said = NodeError(saidBy: error) { throw said }
            guard error.code == .pinMismatch else {
                throw NodeError(
                    "join.unreachable", "the node at \(client.endpoint) does not answer: try again later",
                    cause: error)
            }
            throw NodeError(
                "join.wrong_pin",
                "the node at \(client.endpoint) has another TLS key than the invitation says",
                cause: error)
        }
    }

    private func takeGenesis(_ client: HTTPClient, _ host: MemberID, _ identity: TLSIdentity) throws {
        guard !home.isFounded else { return }
        let bytes = try Joining.successful(
            client, .get, "/v1/peer/genesis", headers: try headers(identity)
        ).body
        let (_, _, chain) = try Home.genesis(bytes)
        guard chain == invitation.chain else {
            throw NodeError("join.other_ledger", "\(host) serves another ledger than the invitation's")
        }
        try home.replace(home.genesisFile, with: bytes, mode: 0o644)
    }

    /// Puts the company on the ledger; the identical bytes are sent until the outcome is known.
    private func join(_ client: HTTPClient, _ identity: TLSIdentity) throws -> FinalTransaction {
        let transaction = try joinTransaction(identity)
        for _ in 0..<Joining.attempts {
            let answer = try Joining.successful(
                client, .post, "/v1/invitation/join", headers: try headers(identity), body: transaction)
            guard answer.status != .accepted else { continue }
            let final = try CBOR.decode(LocalFinal.self, from: answer.body).transaction
            if case .rejected(let code) = final.outcome { throw NodeError(code, final.message) }
            return final
        }
        throw NodeError(
            "join.pending", "the ledger has not taken the company in yet: run the same command again")
    }

    private func joinTransaction(_ identity: TLSIdentity) throws -> [UInt8] {
        let keystore = home.keystore(of: invitation.member)
        let (signing, sealing) = (try keystore.signingKey(), try keystore.sealingKey().publicKey)
        let message = ConsortiumContract.possessionMessage(
            chain: invitation.chain, member: invitation.member,
            signingPublicKey: signing.publicKey.bytes, sealingPublicKey: sealing)
        let action = ConsortiumContract.Action.join(
            .init(
                profile: profile, endpoint: endpoint,
                signingKey: .init(
                    publicKey: Bytes(signing.publicKey.bytes), possession: Bytes(signing.sign(message))),
                sealingPublicKey: Bytes(sealing), tlsPins: [identity.pin.digest]))
        let payload = try TransactionPayload(
            chain: invitation.chain, expires: now + .minutes(10), nonce: SecureRandom.bytes(16),
            contract: ConsortiumContract.self, action: action)
        return try invitation.signingKey().signer.sign(payload, hash: SHA256.hash)
    }

    // MARK: The state

    /// From the first of the invitation's nodes that serves one which is what it says.
    private func takeSnapshot(_ identity: TLSIdentity) throws -> Height {
        var failure: (any Error)?
        for peer in invitation.peers {
            do {
                let client = try contact(peer, identity).client
                defer { client.close() }
                let headers = try headers(identity)
                let taking = try SnapshotFetch(into: home) { (target, bytes) throws in
                    try Joining.successful(
                        client, .get, target, headers: headers, maximumBodyBytes: bytes
                    ).body
                }.run()
                try taking.finish()
                return taking.height
            } catch { failure = failure ?? error }
        }
        throw failure ?? NodeError("join.unreachable", "the invitation names no node to ask")
    }
}
