import Codec
import Contracts
import Cryptography
import Foundation
import HTTP
import Ledger
import Node
import Synchronization
import Vault

@testable import API

/// One ledger, and for each of some companies a vault of its own behind a server of its own, as between
/// machines.
final class CompanyWorld: Sendable {
    let folder: URL
    let node: LedgerNode
    let home: Home
    private let companies = Mutex<[String: Company]>([:])

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "millwright-\(UUID().uuidString)")
        home = Home(folder.appendingPathComponent("ledger"))
        func member(_ name: String, _ roles: [Role]) -> Founding.Member {
            Founding.Member(
                id: MemberID(unchecked: name), name: name, roles: roles,
                profile: MemberProfile(registrationName: "\(name) GmbH", city: "Ulm", country: "DE"))
        }
        let founding = Founding(
            name: "Ring",
            members: [
                member("chamber", [.board]), member("works", [.oem]), member("stamper", [.customer]),
                member("judge", [.arbiter]),
            ], validator: MemberID(unchecked: "chamber"), created: Timestamp(milliseconds: 1_772_000_000_000),
            simulated: true)
        _ = try founding.found(in: home)
        node = try LedgerNode(home: home)
    }

    deinit {
        for company in companies.withLock({ Array($0.values) }) { company.stop() }
        try? node.close()
        try? FileManager.default.removeItem(at: folder)
    }

    func signer(_ name: String) throws -> MessageSigner {
        try home.keystore(of: MemberID(unchecked: name)).signingKey().signer
    }

    /// Starts a company's server and puts its address on the ledger.
    /// - Parameter lies: what its server answers instead of the truth; nil for the truth.
    func company(
        _ name: String, lies: (@Sendable (HTTPRequest) -> HTTPResponse?)? = nil
    ) async throws -> Company {
        let company = try Company(MemberID(unchecked: name), self, lies: lies)
        try await node.enact(
            ConsortiumContract.self,
            .setNode(.init(endpoint: company.endpoint, tlsPins: [company.identity.pin.digest])),
            as: try signer(name))
        companies.withLock { $0[name] = company }
        return company
    }
}

/// A company's vault and server.
final class Company: Sendable {
    let member: MemberID
    let vault: DocumentVault
    let identity: TLSIdentity
    let documents: DocumentReplication
    private let shared: SharedFailures
    private let server: NodeServer
    private let acting: ActingMember
    private let node: LedgerNode

    init(
        _ member: MemberID, _ world: CompanyWorld, lies: (@Sendable (HTTPRequest) -> HTTPResponse?)?
    ) throws {
        let (node, failures) = (world.node, SharedFailures())
        (self.member, self.node) = (member, node)
        vault = try DocumentVault(world.folder.appendingPathComponent("vault-\(member)"))
        acting = try ActingMember(member, in: world.home)
        let identity = try TLSIdentity.generate(
            commonName: member.text, hosts: ["127.0.0.1"], notBeforeSeconds: 1_700_000_000,
            notAfterSeconds: 1_900_000_000)
        self.identity = identity
        let exchange = DocumentExchange(
            node: node, member: member, identity: identity,
            onFailure: { _, error in failures.codes.withLock { $0.append(error.code) } })
        documents = DocumentReplication(node: node, member: member, vault: vault, exchange: exchange)
        let routes =
            LocalRoutes(node: node, documents: documents).routes
            + DocumentRoutes(node: node, documents: documents).routes
        let liar = lies.map { lie in
            routes.map { route in
                Route(route.method, "/" + route.pattern.joined(separator: "/"), for: route.access) { call in
                    if let answer = lie(call.request) { return answer }
                    return try route.answer(call)
                }
            }
        }
        server = try NodeServer(
            host: "127.0.0.1", port: 0, identity: identity, routes: liar ?? routes,
            identify: { certificate in
                guard let pin = certificate?.pin else { return .stranger }
                if pin == identity.pin { return .own }
                let record = try? node.view().get(PinRecord.self, pin.digest)
                return record.map { .member($0.member) } ?? .stranger
            })
        shared = failures
    }

    /// The codes of what other companies' nodes have done wrong.
    var complaints: [String] { shared.codes.withLock { $0 } }
    var endpoint: String { "https://127.0.0.1:\(server.port)" }

    func stop() {
        server.stop()
        documents.stop()
    }

    /// Documents in the company's own vault, which asks the other companies.
    func service() -> DocumentService {
        DocumentService(node: node, vault: vault, member: acting, peers: documents.exchange)
    }

    /// The ledger through the company's node.
    func remote(as identity: TLSIdentity? = nil) throws -> RemoteLedger {
        try RemoteLedger(
            endpoint, pin: self.identity.pin, identity: identity ?? self.identity,
            home: Home(FileManager.default.temporaryDirectory.appendingPathComponent("millwright-no-home")))
    }
}

/// What was complained about, from any thread.
final class SharedFailures: Sendable {
    let codes = Mutex<[String]>([])
}
