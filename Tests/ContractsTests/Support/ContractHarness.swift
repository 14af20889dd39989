import Codec
import Contracts
import Cryptography
import Testing

@testable import Ledger

/// A founded consortium on an in-memory state, on which contracts run as they do in a block.
///
/// Members, by role: board `b1` and `b2`; `oem`, `oem2`; `customer`, `customer2`; maintainers `m1` and
/// `m2`; `arbiter`; `auditor`. Each action is a block of its own: accepted, it is kept; rejected, it is
/// undone and its rejection thrown. Signatures and hashes are the real ones; keys follow from their names.
/// Scopes, quotas and replays are the executor's and not checked here.
final class ContractHarness {
    static let chain = Digest(Array(repeating: 0x11, count: 32))!
    /// 2025-01-01 00:00 UTC: when the consortium is founded.
    static let start = Timestamp(milliseconds: 1_735_689_600_000)
    static let names = [
        "b1", "b2", "oem", "oem2", "customer", "customer2", "m1", "m2", "arbiter", "auditor",
    ]

    let state = BlockState(base: NoRows(), height: 0)
    private(set) var now = ContractHarness.start
    private(set) var height: Height = 0
    private(set) var lastTransaction = Digest.zero
    private var eventsSeen = 0
    private let contracts: [any Contract.Type]

    /// - Parameter contracts: those whose deadlines are carried out, beside the three of this folder's core.
    init(_ contracts: any Contract.Type...) throws {
        self.contracts = [ConsortiumContract.self, MachineContract.self, TelemetryContract.self] + contracts
        try ConsortiumContract.found(
            ContractHarness.names.map(ContractHarness.founder), parameters: ParametersRecord(),
            validators: ContractHarness.validators(["b1", "b2"]),
            in: context(ConsortiumContract.name, signer: nil))
        state.keep()
        eventsSeen = state.events.count
    }

    // MARK: Running

    /// Runs an action as one block.
    /// - Parameter time: moves consensus time there first, which carries out the deadlines on the way.
    func run<C: Contract>(
        _ contract: C.Type, _ action: C.Action, as signer: Signer, at time: Timestamp? = nil
    ) throws {
        if let time { advance(to: time) }
        try beginBlock()
        // The executor hands over what it has decoded: an action that does not survive its encoding is a
        // defect.
        let decoded = try CBOR.decode(C.Action.self, from: try CBOR.encode(action))
        do {
            try C.apply(decoded, in: context(C.name, signer: signer))
        } catch {
            state.undo()
            if let fault = state.fault { throw fault }
            throw error
        }
        state.keep()
    }

    /// The code with which an action is refused, or nil where it is accepted.
    func rejection<C: Contract>(
        _ contract: C.Type, _ action: C.Action, as signer: Signer, at time: Timestamp? = nil
    ) throws -> String? {
        do {
            try run(contract, action, as: signer, at: time)
            return nil
        } catch let rejection as Rejection { return rejection.code }
    }

    private func beginBlock() throws {
        height += 1
        state.change = ChangeReference(height: height, position: 1)
        lastTransaction = SHA256.hash(bigEndianBytes(height))
        eventsSeen = state.events.count
    }

    /// Moves consensus time and carries out what is due, each deadline at its own moment.
    func advance(to time: Timestamp) {
        while let timer = nextTimer(), timer.due <= time {
            now = max(now, timer.due)
            height += 1
            state.change = ChangeReference(height: height, position: 0)
            state.write(nil, for: TimerRow(timer).key)
            state.keep()
            for contract in contracts where contract.name == timer.contract {
                do {
                    try contract.due(timer, in: context(timer.contract, signer: nil))
                } catch {
                    state.undo()
                    Issue.record("the deadline \(timer.kind) was refused: \(error)")
                }
            }
            state.keep()
        }
        now = max(now, time)
    }

    func advance(by span: Span) { advance(to: now + span) }

    /// Begins an epoch for one contract after the order stood still: no deadline on the way is carried out
    /// yet.
    func beginEpoch<C: Contract>(_ contract: C.Type, after stall: Span) throws {
        let last = now
        now = now + stall
        height += 1
        state.change = ChangeReference(height: height, position: 0)
        eventsSeen = state.events.count
        try C.epochBegan(after: last, in: context(C.name))
        state.keep()
    }

    private func nextTimer() -> Timer? {
        let prefix = RowKey(table: TimerRow.table, key: []).bytes
        guard let key = try? state.keys(withPrefix: prefix, limit: 1).first else { return nil }
        return TimerRow(key: key)?.timer
    }

    /// Deadlines that wait.
    func timers() throws -> [Timer] {
        let prefix = RowKey(table: TimerRow.table, key: []).bytes
        return try state.keys(withPrefix: prefix, limit: 1000).compactMap { TimerRow(key: $0)?.timer }
    }

    /// A context at this moment: for reading, or for calling a contract's parts.
    func context(_ contract: String = "test", signer: Signer? = nil) -> Context {
        Context(
            transactionSigner: signer, transactionID: signer == nil ? nil : lastTransaction, time: now,
            height: height, chain: ContractHarness.chain, contract: contract, hash: SHA256.hash,
            verify: ContractHarness.verifier, state: state)
    }

    /// A context for founding, on a state with nothing in it.
    static func emptyContext() -> Context {
        Context(
            transactionSigner: nil, transactionID: nil, time: start, height: 0, chain: chain,
            contract: ConsortiumContract.name, hash: SHA256.hash, verify: verifier,
            state: BlockState(base: NoRows(), height: 0))
    }

    static let verifier = SignatureVerifier { publicKey, signature, message in
        Ed25519.verify(publicKey: publicKey, signature: signature, message: message)
    }

    // MARK: Looking

    func get<R: Record>(_ type: R.Type, _ id: R.ID) throws -> R? { try context().get(type, id) }

    /// The record; a missing one fails the test.
    func existing<R: Record>(_ type: R.Type, _ id: R.ID) throws -> R {
        try #require(try get(type, id), "there is no such \(R.table)")
    }

    /// Everything written so far, in order of the keys.
    var rows: [RowChange] { state.changes() }

    /// Names of the events of the last action and of deadlines since, in order.
    var events: [String] { state.events.dropFirst(eventsSeen).map(\.name) }

    // MARK: Signers

    /// A member with its own key.
    func member(_ name: String) -> Signer {
        Signer(key: ContractHarness.keyID(name), member: MemberID(name)!, kind: .member)
    }

    /// A member's delegated key; its scopes are the executor's to check.
    func delegate(of name: String) -> Signer {
        Signer(key: ContractHarness.keyID("\(name).delegate"), member: MemberID(name)!, kind: .delegate)
    }

    /// A machine's device, which acts for its customer. Device keys are named `<machine>.device`.
    func device(of machine: String, customer: String = "customer") -> Signer {
        Signer(
            key: ContractHarness.keyID("\(machine).device"), member: MemberID(customer)!, kind: .device,
            subject: machine)
    }

    /// An invitation's one-use key, on the inviter's quota. Its key is named `<invitation>.invitation`.
    func invitation(_ name: String, by inviter: String = "b1") -> Signer {
        Signer(
            key: ContractHarness.keyID("\(name).invitation"), member: MemberID(inviter)!, kind: .invitation,
            subject: name)
    }

    // MARK: Keys, by name

    static func signingKey(_ name: String) -> Ed25519.SigningKey {
        do { return try Ed25519.SigningKey(seed: SHA256.digest(Array("seed \(name)".utf8)).bytes) } catch {
            fatalError("a digest is a seed: \(error)")
        }
    }

    static func publicKey(_ name: String) -> Bytes { Bytes(signingKey(name).publicKey.bytes) }

    static func keyID(_ name: String) -> KeyID {
        KeyID(publicKey: publicKey(name).array, hash: SHA256.hash)
    }

    /// Any 32 bytes serve: contracts never compute with a sealing key.
    static func sealingKey(_ name: String) -> Bytes {
        Bytes(SHA256.digest(Array("sealing \(name)".utf8)).bytes)
    }

    /// A signing key with its proof of possession.
    static func newKey(
        _ name: String, for member: String, sealing: Bytes?
    ) -> ConsortiumContract.NewKey {
        let key = signingKey(name)
        let message = ConsortiumContract.possessionMessage(
            chain: chain, member: MemberID(member)!, signingPublicKey: key.publicKey.bytes,
            sealingPublicKey: sealing?.array ?? [])
        return .init(publicKey: Bytes(key.publicKey.bytes), possession: Bytes(key.sign(message)))
    }

    // MARK: The consortium

    static func roles(of name: String) -> [Role] {
        switch name {
        case "b1", "b2": [.board]
        case "oem", "oem2": [.oem]
        case "m1", "m2": [.maintainer]
        case "arbiter": [.arbiter]
        case "auditor": [.auditor]
        default: [.customer]
        }
    }

    static func founder(_ name: String) -> Founder {
        Founder(
            id: MemberID(name)!, name: "\(name) GmbH", roles: roles(of: name), profile: profile(name),
            signingPublicKey: publicKey(name), sealingPublicKey: sealingKey(name),
            endpoint: "https://\(name).example")
    }

    static func profile(_ name: String) -> MemberProfile {
        MemberProfile(
            registrationName: "\(name) GmbH", addressLine: "Hauptstr. 1", city: "Ulm", postalCode: "89073",
            country: "DE", vatID: "DE123456789", email: "office@\(name).example")
    }

    static func validators(_ names: [String]) -> [ValidatorsRecord.Validator] {
        names.map { .init(member: MemberID($0)!, votingKey: publicKey("\($0).voting")) }
    }

    // MARK: Ready-made steps

    /// A machine's registration with one device, by the OEM `oem` for `customer`.
    static func registration(
        _ machine: String, customer: String = "customer", machineClass: String = "laser-cutter",
        region: String = "de-bw"
    ) -> MachineContract.Register {
        .init(
            machine: MachineID(machine)!, customer: MemberID(customer)!,
            machineClass: MachineClass(machineClass)!, site: .init(region: Region(region)!, name: "Hall 3"),
            nameplate: .init(
                manufacturer: "oem GmbH", model: "LC-3000", serialNumber: "4711", yearOfConstruction: 2024,
                countryOfOrigin: "DE"),
            documents: [document("manual")],
            devices: [.init(publicKey: publicKey("\(machine).device"), label: "main box")],
            reportingIntervalMilliseconds: 10_000)
    }

    static func document(_ name: String) -> DocumentReference {
        DocumentReference(
            cid: "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
            digest: SHA256.digest(Array(name.utf8)), size: 1234, mediaType: "application/pdf", name: name)
    }

    /// Registers a machine and has its customer accept it.
    func acceptedMachine(
        _ machine: String, oem: String = "oem", customer: String = "customer",
        machineClass: String = "laser-cutter", region: String = "de-bw"
    ) throws {
        let registration = ContractHarness.registration(
            machine, customer: customer, machineClass: machineClass, region: region)
        try run(MachineContract.self, .register(registration), as: member(oem))
        try run(MachineContract.self, .accept(.init(machine: registration.machine)), as: member(customer))
    }

    /// Accredits a maintainer for every class and region, for a year.
    func accredit(_ maintainer: String, by oem: String = "oem") throws {
        let body = ConsortiumContract.Accredit(
            maintainer: MemberID(maintainer)!, classes: [], regions: [], until: now + .days(365))
        try run(ConsortiumContract.self, .accredit(body), as: member(oem))
    }
}

/// The state before genesis.
private struct NoRows: StateReader {
    func value(for key: RowKey) throws -> [UInt8]? { nil }
    func keys(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [RowKey] { [] }
}
