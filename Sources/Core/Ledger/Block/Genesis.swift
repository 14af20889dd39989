import Codec

/// The document from which everything else follows; its SHA-256 names the ledger.
package struct Genesis: Hashable, Codable, Sendable {
    /// The format's version, 1.
    package var format: UInt64
    /// What people call the consortium.
    package var name: String
    package var created: Timestamp
    /// Consensus time comes from a demonstration's clock: shown wherever the ledger is shown.
    package var simulated: Bool
    package var validators: [ValidatorsRecord.Validator]
    package var parameters: Parameters
    /// The ordering engines at the start, as `ParametersRecord.engines`; nil means `embedded:` alone.
    package var engines: [String]?
    /// The founding members, as the consortium contract reads them: deterministic CBOR.
    package var founders: Bytes

    /// The parameters at the start.
    package struct Parameters: Hashable, Codable, Sendable {
        package var transactionsPerSecond: Int64
        package var bytesPerSecond: Int64
        package var invitationDays: Int64
        package var auctionGraceSeconds: Int64

        package init(
            transactionsPerSecond: Int64 = 2_000, bytesPerSecond: Int64 = 4_000_000,
            invitationDays: Int64 = 14,
            auctionGraceSeconds: Int64 = 5
        ) {
            (self.transactionsPerSecond, self.bytesPerSecond) = (transactionsPerSecond, bytesPerSecond)
            (self.invitationDays, self.auctionGraceSeconds) = (invitationDays, auctionGraceSeconds)
        }
    }

    package init(
        name: String, created: Timestamp, simulated: Bool, validators: [ValidatorsRecord.Validator],
        parameters: Parameters, engines: [String]? = nil, founders: Bytes
    ) {
        (format, self.name, self.created, self.simulated) = (1, name, created, simulated)
        (self.validators, self.parameters) = (validators, parameters)
        (self.engines, self.founders) = (engines, founders)
    }

    package func encoded() throws(CodecError) -> [UInt8] { try CBOR.encode(self) }

    /// - Throws: `cbor.*` for bytes that are not a genesis of a known format with at least one validator.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        self = try CBOR.decode(Genesis.self, from: bytes)
        guard format == 1 else { throw CodecError(.invalidValue, at: 0, "genesis of format \(format)") }
        guard (1...100).contains(validators.count), validators.allSatisfy({ $0.votingKey.count == 32 }),
            zip(validators, validators.dropFirst()).allSatisfy({ $0.member < $1.member })
        else {
            throw CodecError(.invalidValue, at: 0, "1 to 100 validators, sorted, each with a 32-byte key")
        }
    }
}
