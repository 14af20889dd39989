import Codec
import Contracts
import Ledger

/// What a transaction's action says, by the contracts that this program knows.
struct Say: Encodable {
    /// The action's own fields.
    let body: any Encodable

    private static let contracts: [any Contract.Type] = [
        ConsortiumContract.self, MachineContract.self, TelemetryContract.self, AgreementContract.self,
        MaintenanceContract.self,
    ]

    /// Nil for a contract that this program does not know.
    /// - Throws: `cbor.*`.
    init?(_ payload: TransactionPayload) throws(CodecError) {
        guard let contract = Say.contracts.first(where: { $0.name == payload.contract }) else { return nil }
        body = try Say.body(contract, payload.encodedAction)
    }

    func encode(to encoder: any Encoder) throws { try body.encode(to: encoder) }

    /// An action is a case with its body.
    private static func body<C: Contract>(
        _ contract: C.Type, _ encoded: [UInt8]
    ) throws(CodecError) -> any Encodable {
        let action = try C.action(decoding: encoded)
        return Mirror(reflecting: action).children.first?.value as? any Encodable ?? action
    }
}
