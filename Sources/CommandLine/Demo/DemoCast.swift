import Contracts
import Foundation
import Ledger
import Node

/// The companies of the demonstration, each acting with its own keys only.
struct DemoCast: Sendable {
    static let consortium = "Machine ring south"
    static let board = MemberID(unchecked: "chamber")
    static let oem = MemberID(unchecked: "ulmer-pressen")
    static let customer = MemberID(unchecked: "donau-metall")
    static let fixit = MemberID(unchecked: "fixit")
    static let rotec = MemberID(unchecked: "rotec")
    static let arbiter = MemberID(unchecked: "schiedsstelle")

    static let members: [Founding.Member] = [
        member(board, "Chamber of Industry Ulm", .board, "Ulm", "89073", "DE811111111"),
        member(oem, "Ulmer Pressenbau GmbH", .oem, "Ulm", "89077", "DE812345678"),
        member(customer, "Donau Metall AG", .customer, "Ingolstadt", "85049", "DE823456789"),
        member(fixit, "Fixit Service GmbH", .maintainer, "Augsburg", "86150", "DE834567891"),
        member(rotec, "Rotec Antriebe KG", .maintainer, "Aalen", "73430", "DE845678912"),
        member(arbiter, "Schiedsstelle Sued", .arbiter, "Muenchen", "80331", "DE856789123"),
    ]

    private static func member(
        _ id: MemberID, _ name: String, _ role: Role, _ city: String, _ postalCode: String, _ vatID: String
    ) -> Founding.Member {
        .init(
            id: id, name: name, roles: [role],
            profile: MemberProfile(
                registrationName: name, addressLine: "Industriestrasse 1", city: city,
                postalCode: postalCode, country: "DE", vatID: vatID))
    }

    static func name(_ id: MemberID) -> String { members.first { $0.id == id }?.name ?? id.text }

    /// Where a company acts: its data directory with its keys, and the ledger as its own node has it.
    struct Company: Sendable {
        let home: Home
        let ledger: any LedgerAccess
    }

    private let companies: [MemberID: Company]
    /// The demonstration's clock, which is everybody's.
    let clock: any LedgerClock

    init(_ companies: [MemberID: Company], clock: any LedgerClock) {
        (self.companies, self.clock) = (companies, clock)
    }

    /// All companies on one node, with a data directory for all.
    init(home: Home, ledger: any LedgerAccess) {
        let company = Company(home: home, ledger: ledger)
        self.init(
            Dictionary(uniqueKeysWithValues: DemoCast.members.map { ($0.id, company) }), clock: ledger.clock)
    }

    /// The demonstration's year, which names the series of invoice numbers.
    var year: String { String(Output.time(clock.now).prefix(4)) }

    /// - Throws: `member.unknown`; `CancellationError` where the story is to end: whatever happens in it
    ///   begins here.
    func company(_ id: MemberID) throws -> Company {
        try Task.checkCancellation()
        guard let company = companies[id] else {
            throw NodeError("member.unknown", "\(id) is not in this demonstration")
        }
        return company
    }

    func ledger(_ id: MemberID) throws -> any LedgerAccess { try company(id).ledger }

    func documents(_ id: MemberID) throws -> DocumentService {
        let company = try company(id)
        return try DocumentService(node: company.ledger, home: company.home, member: id)
    }

    /// Signs an action as a member and waits until it is final.
    @discardableResult
    func act<C: Contract>(_ id: MemberID, _ contract: C.Type, _ action: C.Action) async throws
        -> FinalTransaction
    {
        let company = try company(id)
        let signer = try ActingMember(id, in: company.home).signer
        return try await company.ledger.enact(contract, action, as: signer)
    }

    /// Brings the clock to the ledger, so that what is due happens.
    func tick() async throws { try await ledger(DemoCast.board).tick() }
}
