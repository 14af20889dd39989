import Ledger
import Testing

/// An action that a contract refuses in a founded consortium, and the code with which it does.
struct Refusal<C: Contract>: Sendable, CustomTestStringConvertible {
    /// Who signs, by the harness's names.
    enum SignedBy: Sendable {
        case member(String)
        case delegate(of: String)
        case device(of: String, customer: String = "customer")
        case invitation(String)

        func signer(in harness: ContractHarness) -> Signer {
            switch self {
            case .member(let name): harness.member(name)
            case .delegate(let name): harness.delegate(of: name)
            case .device(let machine, let customer): harness.device(of: machine, customer: customer)
            case .invitation(let name): harness.invitation(name)
            }
        }
    }

    let code: String
    let name: String
    let signer: SignedBy
    let action: C.Action
    let before: @Sendable (ContractHarness) throws -> Void

    /// - Parameters:
    ///   - signer: a member, which signs with its own key.
    ///   - before: what has happened until then.
    init(
        _ code: String, _ name: String, by signer: String,
        before: @escaping @Sendable (ContractHarness) throws -> Void = { _ in }, _ action: C.Action
    ) {
        self.init(code, name, signer: .member(signer), before: before, action)
    }

    init(
        _ code: String, _ name: String, signer: SignedBy,
        before: @escaping @Sendable (ContractHarness) throws -> Void = { _ in }, _ action: C.Action
    ) {
        (self.code, self.name, self.signer) = (code, name, signer)
        (self.action, self.before) = (action, before)
    }

    var testDescription: String { "\(code): \(name)" }

    /// Prepares, runs the action, and checks the code and that nothing has changed.
    func check() throws {
        let harness = try ContractHarness()
        try before(harness)
        let rows = harness.rows
        #expect(try harness.rejection(C.self, action, as: signer.signer(in: harness)) == code)
        #expect(harness.rows == rows)
    }
}
