import Codec
import Contracts
import Foundation
import Ledger
import TestSupport
import Testing

/// Every action of every contract, signed by everybody: only those whom the specification names may.
///
/// The specification is `ContractCase.all`: for each action a state in which it succeeds, and the keys that
/// may sign it there. Each cell of the table starts from its own copy of that state.
@Suite struct AuthorisationTests {
    /// Who signs, beside the members of the stage.
    private static let others = [
        // A key that the ledger does not know.
        "outsider",
        // The actor, once the board has suspended it.
        "suspended",
        // Keys that the actor has delegated: for this action, for the whole contract, for that of another
        // name, with an end that has come, and one that it has revoked.
        "delegate", "delegateOfContract", "outOfScopeDelegate", "expiredDelegate", "revokedDelegate",
        // The machine's device, the same once the customer has revoked it, and another machine's.
        "device", "revokedDevice", "otherDevice",
        "invitation",
    ]

    /// Codes that say: not you.
    private static func isAuthorisation(_ code: String) -> Bool {
        let whole = [
            "transaction.unknown_key", "transaction.key_ended", "key.out_of_scope", "member.suspended",
            "consortium.invitation_required",
        ]
        let reasons = [
            "role_required", "not_a_party", "wrong_device", "not_a_member_key", "own_key_required",
            "not_accredited",
        ]
        return whole.contains(code) || reasons.contains { code.hasSuffix("." + $0) }
    }

    /// The key of a signer's name, and the member that it acts for.
    private static func key(_ signer: String, of actor: String) -> (name: String, member: String) {
        switch signer {
        case "outsider": ("outsider", actor)
        case "suspended": (actor, actor)
        case "delegate", "delegateOfContract", "outOfScopeDelegate", "expiredDelegate", "revokedDelegate":
            (signer, actor)
        case "device", "revokedDevice": ("press-7.device", "customer")
        case "otherDevice": ("press-8.device", "customer2")
        case "invitation": ("inv.invitation", "b1")
        default: (signer, signer)
        }
    }

    /// What a signer needs before it signs.
    private static func prepare(_ signer: String, for test: ContractCase, _ stage: inout Stage) throws {
        let contract = test.action.prefix { $0 != "." }
        var scopes = [test.action]
        var until = stage.clock + .days(30)
        switch signer {
        case "suspended":
            let decision = ConsortiumContract.Decision(member: MemberID(test.actor)!)
            for member in ["b1", "b2", "b3"].filter({ $0 != test.actor }).prefix(2) {
                try stage.step(ConsortiumContract.self, .suspend(decision), by: member)
            }
            return
        case "revokedDevice":
            let revocation = ConsortiumContract.Action.revokeKey(.init(key: Stage.keyID("press-7.device")))
            return try stage.step(ConsortiumContract.self, revocation, by: "customer")
        case "delegateOfContract": scopes = ["\(contract).*"]
        case "outOfScopeDelegate":
            scopes = ["\(test.action)s", contract == "machine" ? "telemetry.*" : "machine.*"]
        case "expiredDelegate": until = stage.clock + .seconds(1)
        case "delegate", "revokedDelegate": break
        default: return
        }
        let delegation = ContractCase.delegate(signer, of: test.actor, scopes: scopes, until: until, stage)
        try stage.step(ConsortiumContract.self, delegation, by: test.actor)
        if signer == "expiredDelegate" { try stage.advance(by: .seconds(1)) }
        if signer == "revokedDelegate" {
            let revocation = ConsortiumContract.Action.revokeKey(.init(key: Stage.keyID(signer)))
            try stage.step(ConsortiumContract.self, revocation, by: test.actor)
        }
    }

    private static func isAllowed(_ signer: String, _ test: ContractCase) -> Bool {
        test.allowed.contains(signer == "delegateOfContract" ? "delegate" : signer)
    }

    @Test(arguments: ContractCase.all)
    func onlyThoseWhoMaySignDo(test: ContractCase) throws {
        var stage = try ContractCase.base()
        try test.prepare(&stage)
        for signer in Stage.members + Self.others {
            var cell = stage
            try Self.prepare(signer, for: test, &cell)
            let (key, member) = Self.key(signer, of: test.actor)
            let transaction = try test.transaction(&cell, key, member)
            let before = cell.rows.values
            switch try cell.submit(transaction) {
            case .accepted:
                #expect(Self.isAllowed(signer, test), "\(test.action) by \(signer) was accepted")
            case .refused(let code):
                #expect(!Self.isAllowed(signer, test), "\(test.action) by \(signer) was refused: \(code)")
                #expect(
                    Self.isAuthorisation(code) || test.ownCodes.contains(code),
                    "\(test.action) by \(signer) was refused for another reason: \(code)")
                let tables = Set(Self.changedTables(before, cell.rows.values))
                #expect(
                    tables.isSubset(of: ["clocks", "quota", "seen", "~leaf"]),
                    "\(test.action) by \(signer) was refused and changed \(tables)")
            }
        }
    }

    private static func changedTables(_ before: [RowKey: [UInt8]], _ after: [RowKey: [UInt8]]) -> [String] {
        Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.map(\.table)
    }

    /// The contracts' own sources say which actions there are.
    @Test func theSpecificationNamesEveryActionOfEveryContract() throws {
        let folder = SharedFiles.root.appendingPathComponent("Sources/Core/Contracts")
        let files = try #require(
            FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.allObjects as? [URL])
        var declared: Set<String> = []
        for file in files where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            guard let start = text.range(of: "enum Action: Codable") else { continue }
            let contract = file.deletingLastPathComponent().lastPathComponent.lowercased()
            for line in text[start.upperBound...].split(separator: "\n").prefix(while: { $0 != "    }" }) {
                let words = line.trimmingCharacters(in: .whitespaces)
                guard words.hasPrefix("case ") else { continue }
                declared.insert("\(contract).\(words.dropFirst(5).prefix { $0 != "(" })")
            }
        }
        #expect(declared.count > 50)
        #expect(Set(ContractCase.all.map(\.action)) == declared)
    }
}
