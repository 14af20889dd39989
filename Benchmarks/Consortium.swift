import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Node

/// Who signs in the benchmark: a board member, four OEMs, two maintainers, eight customers with a
/// delegated key each.
struct Consortium: Sendable {
    let chain: ChainID
    let oems: [MessageSigner]
    let customers: [MessageSigner]
    let maintainers: [MessageSigner]
    let delegates: [MessageSigner]

    static let oemCount = 4
    static let customerCount = 8
    static let maintainerCount = 2
    static let delegateScopes = ["machine.start", "machine.stop", "telemetry.anchor"]

    static func oem(_ number: Int) -> MemberID { MemberID(unchecked: "oem\(number)") }
    static func customer(_ number: Int) -> MemberID { MemberID(unchecked: "customer\(number)") }
    static func maintainer(_ number: Int) -> MemberID { MemberID(unchecked: "maintainer\(number)") }

    /// Quotas are set as high as the rules allow: they are not what is measured.
    static let parameters = Genesis.Parameters(
        transactionsPerSecond: 1_000_000, bytesPerSecond: 1_000_000_000)

    static var members: [(id: MemberID, roles: [Role])] {
        [(MemberID(unchecked: "board"), [.board])]
            + (0..<oemCount).map { (oem($0), [.oem]) }
            + (0..<customerCount).map { (customer($0), [.customer]) }
            + (0..<maintainerCount).map { (maintainer($0), [.maintainer]) }
    }

    /// Founds the consortium as `millwright found` does, with random keys.
    static func found(in home: Home) throws -> Consortium {
        let founding = Founding(
            name: "Benchmark",
            members: members.map {
                .init(id: $0.id, name: $0.id.text, roles: $0.roles, profile: profile($0.id))
            },
            validator: MemberID(unchecked: "board"),
            created: Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)), simulated: false,
            parameters: parameters)
        let chain = try founding.found(in: home)
        return Consortium(
            chain: chain,
            oems: try (0..<oemCount).map { try home.keystore(of: oem($0)).signingKey().signer },
            customers: try (0..<customerCount).map {
                try home.keystore(of: customer($0)).signingKey().signer
            },
            maintainers: try (0..<maintainerCount).map {
                try home.keystore(of: maintainer($0)).signingKey().signer
            },
            delegates: (0..<customerCount).map { _ in Ed25519.SigningKey.generate().signer })
    }

    /// A genesis document whose every byte is fixed, and its consortium.
    static func fixed() throws -> (
        consortium: Consortium, genesis: Genesis, bytes: [UInt8], voter: MessageSigner
    ) {
        let voter = try signer("voting")
        let founders = try members.map { member in
            Founder(
                id: member.id, name: member.id.text, roles: member.roles, profile: profile(member.id),
                signingPublicKey: Bytes(try signer(member.id.text).publicKey),
                sealingPublicKey: Bytes(SHA256.digest(Array("sealing \(member.id)".utf8)).bytes), endpoint: ""
            )
        }
        let genesis = Genesis(
            name: "Benchmark", created: Timestamp(milliseconds: 1_767_225_600_000), simulated: true,
            validators: [.init(member: MemberID(unchecked: "board"), votingKey: Bytes(voter.publicKey))],
            parameters: parameters, founders: Bytes(try CBOR.encode(founders)))
        let bytes = try genesis.encoded()
        let consortium = Consortium(
            chain: SHA256.digest(bytes), oems: try (0..<oemCount).map { try signer(oem($0).text) },
            customers: try (0..<customerCount).map { try signer(customer($0).text) },
            maintainers: try (0..<maintainerCount).map { try signer(maintainer($0).text) },
            delegates: try (0..<customerCount).map { try signer("delegate\($0)") })
        return (consortium, genesis, bytes, voter)
    }

    /// The key that a name stands for.
    static func key(_ name: String) throws -> Ed25519.ExposedKey {
        try Ed25519.ExposedKey(seed: SHA256.digest(Array("millwright-bench \(name)".utf8)).bytes)
    }

    static func signer(_ name: String) throws -> MessageSigner {
        let key = try key(name)
        return MessageSigner(publicKey: key.publicKey.bytes) { key.sign($0) }
    }

    private static func profile(_ member: MemberID) -> MemberProfile {
        MemberProfile(
            registrationName: "\(member) GmbH", addressLine: "Hauptstr. 1", city: "Ulm", postalCode: "89073",
            country: "DE", vatID: "DE123456789", email: "office@\(member).example")
    }
}
