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
    /// The ordering engines that the ledger begins with, the preferred first; nil for the embedded one.
    package var engines: [String]?

    package init(
        name: String, members: [Member], validator: MemberID, created: Timestamp, simulated: Bool,
        parameters: Genesis.Parameters = .init()
    ) {
        (self.name, self.members, self.validator) = (name, members, validator)
        (self.created, self.simulated, self.parameters) = (created, simulated, parameters)
    }

    /// Makes keys for every member, writes the genesis document and opens the ledger once. Nothing of its own
    /// is left behind where the rules refuse the founders; an empty folder that was there before stays.
    /// - Throws: `home.exists`, `home.busy`, `home.io`, `genesis.*`, `consortium.*`, `keys.*`.
    package func found(in home: Home) throws(NodeError) -> ChainID {
        let unfinished = try UnfinishedHome(home)
        do { return try found(in: unfinished) } catch {
            try? unfinished.remove()
            throw error
        }
    }

    /// The same in a folder that the caller has taken, goes on filling, and takes back where this fails.
    package func found(in unfinished: UnfinishedHome) throws(NodeError) -> ChainID {
        let chain = try write(unfinished.home)
        try LedgerNode(home: unfinished.home).close()
        return chain
    }

    func requireName() throws(NodeError) {
        guard (1...200).contains(name.utf8.count) else {
            throw NodeError("genesis.bad_name", "a consortium's name has 1 to 200 bytes")
        }
    }

    private func write(_ home: Home) throws(NodeError) -> ChainID {
        try requireName()
        guard members.contains(where: { $0.id == validator }) else {
            throw NodeError("genesis.no_validator", "the validator \(validator) is not among the members")
        }
        var founders: [Founder] = []
        for member in members {
            // A demonstration has one process and no network.
            let hasNode = member.id == validator && !simulated
            founders.append(try founder(member, in: home, hasNode: hasNode))
        }
        let voting = try home.makeVotingKey()
        let document = try document(
            founders, [.init(member: validator, votingKey: Bytes(voting.publicKey.bytes))])
        try keep(document.bytes, in: home)
        return document.chain
    }

    /// Makes a founder's keys in a data directory; with a node, its TLS key as well.
    func founder(_ member: Member, in home: Home, hasNode: Bool) throws(NodeError) -> Founder {
        let keystore = home.keystore(of: member.id)
        try keystore.create()
        var pins: [Digest]?
        if hasNode {
            // Certificates live in real time, whatever a demonstration's clock says.
            let now = simulated ? NodeClock.realTime : created
            let entry = try TLSFiles(home).current(of: member.id, endpoint: member.endpoint, now: now)
            pins = [entry.identity.pin.digest]
        }
        return Founder(
            id: member.id, name: member.name, roles: member.roles, profile: member.profile,
            signingPublicKey: Bytes(try keystore.signingKey().publicKey.bytes),
            sealingPublicKey: Bytes(try keystore.sealingKey().publicKey), endpoint: member.endpoint,
            tlsPins: pins)
    }

    func document(
        _ founders: [Founder], _ validators: [ValidatorsRecord.Validator]
    ) throws(NodeError) -> (bytes: [UInt8], chain: ChainID) {
        do {
            let genesis = Genesis(
                name: name, created: created, simulated: simulated, validators: validators,
                parameters: parameters, engines: engines, founders: Bytes(try CBOR.encode(founders)))
            let bytes = try genesis.encoded()
            let rules = LedgerNode.rules(chain: SHA256.digest(bytes))
            _ = try Executor.found(genesis, bytes: bytes, rules: rules)
            return (bytes, rules.chain)
        } catch let rejection as Rejection {
            throw NodeError(rejection.code, rejection.message)
        } catch { throw NodeError("genesis.io", "the genesis document has no encoding", cause: error) }
    }

    func keep(_ document: [UInt8], in home: Home) throws(NodeError) {
        do { try Data(document).write(to: home.genesisFile, options: .withoutOverwriting) } catch {
            throw NodeError("genesis.io", "the genesis document could not be written", cause: error)
        }
    }
}
