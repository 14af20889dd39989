import Codec
import Ledger

extension ContractSet {
    /// The first version of the Machine-as-a-Service rules.
    package static let version1 = ContractSet(
        version: 1,
        contracts: [
            ConsortiumContract.self, MachineContract.self, TelemetryContract.self, AgreementContract.self,
            MaintenanceContract.self,
        ]
    ) { (genesis: Genesis, context: Context) throws(Rejection) in
        let founders: [Founder]
        do throws(CodecError) {
            founders = try CBOR.decode([Founder].self, from: genesis.founders.array)
        } catch {
            throw Rejection("consortium.malformed_founders", error.description)
        }
        let parameters = ParametersRecord(
            transactionsPerSecond: genesis.parameters.transactionsPerSecond,
            bytesPerSecond: genesis.parameters.bytesPerSecond,
            invitationDays: genesis.parameters.invitationDays,
            auctionGraceSeconds: genesis.parameters.auctionGraceSeconds,
            engines: genesis.engines ?? ["embedded:"])
        try ConsortiumContract.found(
            founders, parameters: parameters, validators: genesis.validators, in: context)
    }
}
