import Codec
import Contracts
import Cryptography
import Foundation
import Ledger

/// Founding a consortium: keys for its first members, the genesis document, and block 0.
package struct Founding: Sendable {
    /// A first member, before it has keys.
    package struct Member: Sendable {
        package var id: MemberID
        package var name: String
        package var roles: [Role]
        package var profile: MemberProfile
        package var endpoint: String

        package init(
            id: MemberID, name: String, roles: [Role], profile: MemberProfile, endpoint: String = ""
        ) {
            (self.id, self.name, self.roles) = (id, name, roles)
            (self.profile, self.endpoint) = (profile, endpoint)
        }
    }

    package var name: String
    package var members: [Member]
    /// The member whose node this is: the one validator.
    package var validator: MemberID
    package var created: Timestamp
    /// Consensus time is to come from a demonstration's clock.
    package var simulated: Bool
    package var parameters: Genesis.Parameters

    package init(
        name: String, members: [Member], validator: MemberID, created: Timestamp, simulated: Bool,
        parameters: Genesis.Parameters = .init()
    ) {
        (self.name, self.members, self.validator) = (name, members, validator)
        (self.created, self.simulated, self.parameters) = (created, simulated, parameters)
    }

    /// Makes keys for every member, writes the genesis document and opens the ledger once. Nothing is left
    /// behind where the rules refuse the founders.
    /// - Throws: `home.exists`, `genesis.*`, `consortium.*`, `keys.*`.
    package func found(in home: Home) throws(NodeError) -> ChainID {
        guard !FileManager.default.fileExists(atPath: home.folder.path) || isEmpty(home.folder) else {
            throw NodeError("home.exists", "\(home.folder.path) is not empty: choose another directory")
        }
        do {
            let chain = try write(home)
            try LedgerNode(home: home).close()
            return chain
        } catch {
            try? FileManager.default.removeItem(at: home.folder)
            throw error
        }
    }

    private func isEmpty(_ folder: URL) -> Bool {
        (try? FileManager.default.contentsOfDirectory(atPath: folder.path))?.isEmpty ?? false
    }

    private func write(_ home: Home) throws(NodeError) -> ChainID {
        guard (1...200).contains(name.utf8.count) else {
            throw NodeError("genesis.bad_name", "a consortium's name has 1 to 200 bytes")
        }
        guard members.contains(where: { $0.id == validator }) else {
            throw NodeError("genesis.no_validator", "the validator \(validator) is not among the members")
        }
        var founders: [Founder] = []
        for member in members {
            let keystore = home.keystore(of: member.id)
            try keystore.create()
            founders.append(
                Founder(
                    id: member.id, name: member.name, roles: member.roles, profile: member.profile,
                    signingPublicKey: Bytes(try keystore.signingKey().publicKey.bytes),
                    sealingPublicKey: Bytes(try keystore.sealingKey().publicKey), endpoint: member.endpoint))
        }
        let voting = try home.makeVotingKey()
        do {
            let genesis = Genesis(
                name: name, created: created, simulated: simulated,
                validators: [.init(member: validator, votingKey: Bytes(voting.publicKey.bytes))],
                parameters: parameters, founders: Bytes(try CBOR.encode(founders)))
            let bytes = try genesis.encoded()
            let rules = LedgerNode.rules(chain: SHA256.digest(bytes))
            _ = try Executor.found(genesis, bytes: bytes, rules: rules)
            try Data(bytes).write(to: home.genesisFile, options: .withoutOverwriting)
            return rules.chain
        } catch let rejection as Rejection {
            throw NodeError(rejection.code, rejection.message)
        } catch { throw NodeError("genesis.io", "the genesis document could not be written", cause: error) }
    }
}
