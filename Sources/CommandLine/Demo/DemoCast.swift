import Contracts
import Foundation
import Ledger
import Node

/// The companies of the demonstration, each acting with its own keys only.
struct DemoCast: Sendable {
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

    let home: Home
    let node: LedgerNode

    /// The demonstration's year, which names the series of invoice numbers.
    var year: String { String(Output.time(node.clock.now).prefix(4)) }

    func acting(_ id: MemberID) throws -> ActingMember { try ActingMember(id, in: home) }

    func documents(_ id: MemberID) throws -> DocumentService {
        try DocumentService(node: node, home: home, member: id)
    }

    /// Signs an action as a member and waits until it is final.
    @discardableResult
    func act<C: Contract>(_ id: MemberID, _ contract: C.Type, _ action: C.Action) async throws
        -> FinalTransaction
    {
        try await node.enact(contract, action, as: try acting(id).signer)
    }
}
