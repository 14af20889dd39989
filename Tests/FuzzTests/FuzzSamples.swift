import Billing
import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Merkle
import TestSupport

/// A small ledger, made once: what the corpus is taken from and what the targets verify against.
struct FuzzSamples: Sendable {
    let genesis: Genesis
    let genesisBytes: [UInt8]
    let rules: Rules
    let records: [BlockRecord]
    let leaves: [Leaf]
    let nodes: [Digest]

    static let made: FuzzSamples = {
        do { return try FuzzSamples() } catch { fatalError("the samples could not be made: \(error)") }
    }()

    private init() throws {
        Cryptography.initialise()
        let voter = Stage.signer("voting")
        let founders = ["b1", "customer", "oem"].map { name in
            Founder(
                id: MemberID(name)!, name: name, roles: Stage.roles(of: name), profile: Stage.profile(name),
                signingPublicKey: Stage.publicKey(name), sealingPublicKey: Stage.sealingKey(name))
        }
        genesis = Genesis(
            name: "fuzz", created: Stage.start, simulated: true,
            validators: [.init(member: MemberID("b1")!, votingKey: Bytes(voter.publicKey))],
            parameters: .init(), founders: Bytes(try CBOR.encode(founders)))
        genesisBytes = try genesis.encoded()
        let rules = Rules(
            chain: SHA256.hash(genesisBytes), hash: SHA256.hash,
            verify: SignatureVerifier { Ed25519.verify(publicKey: $0, signature: $1, message: $2) },
            contracts: [.version1])
        self.rules = rules
        var (replica, effects) = try Replica.found(
            genesis, bytes: genesisBytes, rules: rules, voters: [voter])
        var rows = MemoryRows()
        var records: [BlockRecord] = []
        var leaves: [Leaf] = []
        var nodes: [Digest] = []
        for height in 1...6 as ClosedRange<UInt64> {
            for record in effects.storedBlocks {
                records.append(record)
                leaves += try record.leaves()
                rows.apply(record.changes)
            }
            for case .final(let block) in effects { nodes += block.logNodes }
            let actions: [ConsortiumContract.Action] = [
                .updateProfile(
                    .init(name: "n\(height)", profile: Stage.profile("p"), endpoint: "https://a.example")),
                .vote(.init(proposal: .zero, approve: true)),
            ]
            let transactions = try actions.enumerated().map { index, action in
                Stage.signer("customer").sign(
                    try TransactionPayload(
                        chain: rules.chain, expires: Stage.start + .hours(1),
                        nonce: bigEndianBytes(height * 10 + UInt64(index)),
                        contract: ConsortiumContract.self, action: action), hash: rules.hash)
            }
            let batch = try Batch(
                decoding: Batch.signed(
                    chain: rules.chain, epochBlock: replica.inForce.block, clock: Stage.start,
                    transactions: transactions, signer: voter, hash: rules.hash), chain: rules.chain)
            let candidates = try transactions.map { bytes in
                Candidate.unknownKey(try UnverifiedTransaction(decoding: bytes, hash: rules.hash))
            }
            effects = try replica.ordered(
                OrderedBatch(batch: batch, position: height, candidates: candidates), reader: rows)
        }
        (self.records, self.leaves, self.nodes) = (records, leaves, nodes)
    }

    func receipt(_ index: Int) -> ReceiptBundle {
        ReceiptBundle(
            chain: rules.chain, leaf: leaves[index], proof: inclusion(index),
            commits: records[records.count - 1].commits)
    }

    func inclusion(_ index: Int) -> InclusionProof {
        let proof = LogProof.inclusion(
            index: UInt64(index), size: UInt64(leaves.count), hash: rules.hash
        ) { nodes[Int($0)] }
        guard let proof else { fatalError("the log has no leaf \(index)") }
        return proof
    }

    /// A genesis with what was added to its form: engines and the pins of a node.
    var genesisWithNodes: [UInt8] {
        get throws {
            var founders = try CBOR.decode([Founder].self, from: genesis.founders.array)
            founders[0].tlsPins = [.zero]
            var genesis = genesis
            genesis.engines = ["nats://a.example:4222", "embedded:b1", "embedded:"]
            genesis.founders = Bytes(try CBOR.encode(founders))
            return try genesis.encoded()
        }
    }

    /// A state tree of a few keys.
    static let tree: StateTree = {
        let pairs = (0..<20).map { (key: SHA256.digest([UInt8($0)]), value: SHA256.digest([UInt8($0), 1])) }
            .sorted { $0.key < $1.key }
        return StateTree(building: pairs, hash: SHA256.hash)
    }()

    static func entries(_ count: Int) -> [TelemetryEntry] {
        (1...count).map { (number: Int) -> TelemetryEntry in
            TelemetryEntry(
                sequence: UInt64(number), time: 1_735_689_600_000 + Int64(number) * 1000,
                state: number % 3 == 0 ? .executing : nil, mode: .processing,
                fault: number == 2 ? "E-17" : nil, counters: [.init(name: "good", value: UInt64(number))],
                measures: [.init(name: "oil", value: Quantity(millionths: 31_500_000), unit: "CEL")])
        }
    }

    static func message(_ count: Int) throws -> [UInt8] {
        try TelemetryMessage(machine: "press-7", previous: .zero, entries: entries(count))
            .signed(by: Stage.signer("device"), hash: SHA256.hash)
    }

    static func terms() -> Terms {
        let seller = Party(
            id: "oem", registrationName: "OEM", addressLine: "", city: "Ulm", postalCode: "89073",
            countryCode: "DE",
            vatID: "DE123456789")
        let buyer = Party(
            id: "customer", registrationName: "Customer", addressLine: "", city: "Ulm", postalCode: "89073",
            countryCode: "DE",
            vatID: "DE987654321")
        let fee = TariffLine(
            id: "base", name: "Base fee", basis: .baseFee, prices: .flat(UnitPrice(millionths: 1_500_000_000))
        )
        let parts = TariffLine(
            id: "parts", name: "Parts", basis: .perUnit(counter: "good"),
            prices: .flat(UnitPrice(millionths: 125_000)))
        return Terms(
            seller: seller, buyer: buyer, machine: "press-7", currency: .euro,
            zone: ZoneRules(
                name: "Europe/Berlin", tzdataVersion: "2025b", initialOffsetSeconds: 3600,
                transitions: [
                    .init(at: 1_743_296_400, offsetSeconds: 7200),
                    .init(at: 1_761_440_400, offsetSeconds: 3600),
                ]),
            validity: Interval(from: 1_735_686_000_000, to: 1_767_222_000_000),
            billingPeriod: .calendarMonth,
            tariff: Tariff(lines: [fee, parts], vat: VAT(.standard, rate: Rate(percent: 19))),
            defaultAttribution: .oem, classificationWindowMilliseconds: 432_000_000,
            disputeWindowBusinessDays: 10, paymentDays: 30, holidays: [CivilDate(rawValue: "2025-04-18")!],
            reportingIntervalMilliseconds: 60_000, arbiter: "arbiter")
    }
}
