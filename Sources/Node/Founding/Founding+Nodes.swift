import Codec
import Contracts
import Ledger

/// Founding with several companies at once, each with a node and so a data directory of its own.
extension Founding {
    /// Makes each member's keys in its own data directory, and the same genesis document in all of them.
    ///
    /// Companies that found together exchange public keys first and never have each other's; this is for
    /// those that set their machines up in one place, and for tests.
    /// - Parameters:
    ///   - homes: one for each member, empty or not there yet.
    ///   - validators: members whose nodes vote from the beginning.
    /// - Throws: as `found(in:)`; `genesis.no_validator` where one is no member or a member has no home.
    package func found(
        in homes: [MemberID: Home], validators names: [MemberID]
    ) throws(NodeError) -> ChainID {
        try requireName()
        var founders: [Founder] = []
        var validators: [ValidatorsRecord.Validator] = []
        for member in members {
            guard let home = homes[member.id] else {
                throw NodeError("genesis.no_validator", "the member \(member.id) has no data directory")
            }
            guard !home.isFounded else {
                throw NodeError("home.exists", "\(home.folder.path) already holds a ledger")
            }
            founders.append(try founder(member, in: home, hasNode: true))
            guard names.contains(member.id) else { continue }
            let key = try home.makeVotingKey().publicKey
            validators.append(.init(member: member.id, votingKey: Bytes(key.bytes)))
        }
        guard validators.count == names.count, !names.isEmpty else {
            throw NodeError("genesis.no_validator", "a validator is not among the members")
        }
        let document = try document(founders, validators.sorted { $0.member < $1.member })
        for member in members { if let home = homes[member.id] { try keep(document.bytes, in: home) } }
        return document.chain
    }
}
