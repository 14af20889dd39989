import Ledger
import Testing

/// An action that a contract refuses in a founded consortium, and the code with which it does.
struct Refusal<C: Contract>: Sendable, CustomTestStringConvertible {
    let code: String
    let name: String
    let signer: @Sendable (ContractHarness) -> Signer
    let action: @Sendable (ContractHarness) throws -> C.Action
    let before: @Sendable (ContractHarness) throws -> Void

    /// - Parameter signer: a member, which signs with its own key.
    init(
        _ code: String, _ name: String, by signer: String,
        before: @escaping @Sendable (ContractHarness) throws -> Void = { _ in },
        _ action: @escaping @Sendable (ContractHarness) throws -> C.Action
    ) {
        self.init(code, name, signer: { $0.member(signer) }, before: before, action)
    }

    init(
        _ code: String, _ name: String, signer: @escaping @Sendable (ContractHarness) -> Signer,
        before: @escaping @Sendable (ContractHarness) throws -> Void = { _ in },
        _ action: @escaping @Sendable (ContractHarness) throws -> C.Action
    ) {
        (self.code, self.name, self.signer) = (code, name, signer)
        (self.action, self.before) = (action, before)
    }

    var testDescription: String { "\(code): \(name)" }

    /// Prepares, runs the action, and checks the code and that nothing has changed.
    func check() throws {
        let harness = try ContractHarness()
        try before(harness)
        let action = try action(harness)
        let rows = harness.rows
        #expect(try harness.rejection(C.self, action, as: signer(harness)) == code)
        #expect(harness.rows == rows)
    }
}
