import Codec
import Contracts
import Cryptography
import HTTP
import Ledger
import Node

/// Whoever calls with an invitation's key is a guest, until the invitation is used or its time is over.
struct InvitedCallers: Sendable {
    let node: LedgerNode

    /// The guest that the request's `Millwright-Invitation` shows; nil where it has none.
    /// - Throws: 401 `invitation.unknown`, 410 `invitation.expired`, 409 `invitation.used`: a company that
    ///   was invited is told what is wrong.
    func caller(_ request: HTTPRequest) throws -> Caller? {
        guard let header = request.headers[InvitationCall.header], let pin = request.peer?.pin else {
            return nil
        }
        let unknown = Problem(
            .unauthorized, "invitation.unknown", "the ledger knows no invitation with this key")
        guard let call = try? InvitationCall(header: header) else { throw unknown }
        let view = try node.view()
        guard let key = try view.get(KeyRecord.self, call.key), key.kind == .invitation,
            let id = InvitationID(key.subject),
            let invitation = try view.get(InvitationRecord.self, id), invitation.key == call.key
        else { throw unknown }
        let now = node.clock.now
        guard call.holds(for: node.rules.chain, pin: pin, publicKey: key.publicKey.array, now: now) else {
            throw Problem(
                .unauthorized, "invitation.bad_call",
                "the invitation's signature does not hold: is the caller's clock right?")
        }
        switch invitation.state {
        case .open where now < invitation.expires: return .guest(invitation.member)
        case .open, .expired:
            throw Problem(
                .gone, "invitation.expired",
                "the invitation's time is over: ask \(invitation.invitedBy) for another")
        // Whoever used it comes back before this node's book of peers has it.
        case .used where try view.get(PinRecord.self, pin.digest)?.member == invitation.member:
            return .guest(invitation.member)
        case .used: throw Problem(.conflict, "invitation.used", "the invitation was used already")
        case .revoked:
            throw Problem(
                .gone, "invitation.revoked", "\(invitation.invitedBy) has taken the invitation back")
        }
    }
}

/// What a company that joins asks for, beside what every guest may have.
///
/// | | | |
/// |---|---|---|
/// | `GET /v1/invitation` | guests | where the caller stands: JSON |
/// | `POST /v1/invitation/join` | guests | a transaction `consortium.join`; waits for its outcome |
struct InvitationRoutes: Sendable {
    let node: LedgerNode

    var routes: [Route] {
        [
            Route(.get, "/v1/invitation", for: .guests) { try status($0) },
            Route(
                .post, "/v1/invitation/join", for: .guests,
                maximumBodyBytes: UnverifiedTransaction.maximumSize
            ) { call in try Problem.translating { try join(call) } },
        ]
    }

    private func status(_ call: Call) throws -> HTTPResponse {
        let view = try node.view()
        let member = try call.caller.other.flatMap { try view.get(MemberRecord.self, $0) }
        return try HTTPResponse(
            json: JoinStatus(
                status: member?.status.rawValue ?? "own", finalHeight: node.height,
                firstBlock: node.firstBlock))
    }

    private func join(_ call: Call) throws -> HTTPResponse {
        let bytes = call.request.body
        // Everything else goes the way of transactions between nodes, which answers nobody.
        guard let payload = try? UnverifiedTransaction(decoding: bytes, hash: node.rules.hash),
            payload.payload.contract == ConsortiumContract.name
        else { throw Problem(.badRequest, "invitation.malformed", "this is no transaction to join with") }
        let answer = LocalWait<SubmissionState> { [node] in try await node.submit(bytes, until: .final) }
        guard case .final(let final)? = try answer.wait(call.request) else {
            return HTTPResponse(.accepted)
        }
        return HTTPResponse(type: LocalAPI.contentType, try CBOR.encode(LocalFinal(final)))
    }
}

/// Where a company stands that joins, and how far the node is that it asks.
struct JoinStatus: Codable, Sendable {
    let status: String
    let finalHeight: UInt64
    /// The lowest block that the node still has.
    let firstBlock: UInt64
}
