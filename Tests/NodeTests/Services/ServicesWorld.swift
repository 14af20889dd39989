import Billing
import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Telemetry
import Testing
import Vault

@testable import Node

/// A founded ledger in a folder of its own: a rented press under an agreement by the week, on a
/// demonstration's clock.
struct ServicesWorld {
    let home: Home
    let node: LedgerNode

    static let machine = MachineID("press-7")!
    static let agreement = AgreementID("press-7-rent")!
    /// Monday 2 March 2026, 00:00 in Berlin.
    static let weekStart: Int64 = 1_772_406_000_000
    static let hour: Int64 = 3_600_000
    static let day: Int64 = 24 * hour

    /// Runs a test on a fresh ledger and leaves nothing behind.
    static func with(_ body: (ServicesWorld) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("millwright-services-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let home = Home(folder)
        _ = try founding.found(in: home)
        let world = ServicesWorld(home: home, node: try LedgerNode(home: home))
        do { try await body(world) } catch {
            try? world.node.close()
            throw error
        }
        try world.node.close()
    }

    private static var founding: Founding {
        func member(_ name: String, _ roles: [Role]) -> Founding.Member {
            let vatID = "DE\(100_000_000 + name.utf8.count)"
            return Founding.Member(
                id: MemberID(name)!, name: name, roles: roles,
                profile: MemberProfile(
                    registrationName: "\(name) GmbH", addressLine: "Hauptstraße 1", city: "Augsburg",
                    postalCode: "86150", country: "DE", vatID: vatID))
        }
        return Founding(
            name: "Services",
            members: [
                member("board", [.board]), member("oem", [.oem]), member("customer", [.customer]),
                member("m1", [.maintainer]), member("m2", [.maintainer]), member("arbiter", [.arbiter]),
            ], validator: MemberID("board")!, created: Timestamp(milliseconds: weekStart - 3 * day),
            simulated: true)
    }

    func documents(_ name: String) throws -> DocumentService {
        try DocumentService(node: node, home: home, member: MemberID(name)!)
    }

    func invoices(_ name: String) throws -> InvoiceService { InvoiceService(try documents(name)) }

    func signer(_ name: String) throws -> MessageSigner {
        try home.keystore(of: MemberID(name)!).signingKey().signer
    }

    func advance(to milliseconds: Int64) async throws {
        try node.clock.set(max(node.clock.now, Timestamp(milliseconds: milliseconds)))
        try await node.tick()
    }

    // MARK: The rent

    /// Registers, accepts and starts the machine, and agrees the terms.
    func rent() async throws {
        try await register()
        try await agree()
        try await start()
    }

    /// Registers the machine and accepts it.
    func register() async throws {
        let key = try home.keystore(of: MemberID("customer")!).createHeldKey("device-press-7")
        let machine = ServicesWorld.machine
        try await node.enact(
            MachineContract.self,
            .register(
                .init(
                    machine: machine, customer: MemberID("customer")!, machineClass: MachineClass("press")!,
                    site: .init(region: Region("de-by")!, name: "Hall 2"),
                    nameplate: .init(
                        manufacturer: "oem GmbH", model: "P 400", serialNumber: "4711",
                        yearOfConstruction: 2024),
                    documents: [], devices: [.init(publicKey: Bytes(key.publicKey.bytes), label: "box")],
                    reportingIntervalMilliseconds: 60_000)), as: try signer("oem"))
        try await node.enact(
            MachineContract.self, .accept(.init(machine: machine)), as: try signer("customer"))
    }

    func agree() async throws {
        try await AgreementService(documents("oem")).propose(ServicesWorld.agreement, terms: terms())
        try await AgreementService(documents("customer")).accept(ServicesWorld.agreement)
    }

    func start() async throws {
        try await node.enact(
            MachineContract.self, .start(.init(machine: ServicesWorld.machine)), as: try signer("customer"))
    }

    func terms() throws -> Terms {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../examples/terms/press.json")
        var text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        for (from, to) in [
            ("\"press-works\"", "\"oem\""), ("\"stamper\"", "\"customer\""),
            ("\"judge\"", "\"arbiter\""), ("calendarMonth", "calendarWeek"), ("300 s", "60 s"),
        ] {
            text = text.replacingOccurrences(of: from, with: to)
        }
        return try TermsFile.read(Array(text.utf8)) { name throws(NodeError) in try node.party(name) }
    }

    /// A week and a day of the press, which fails on Wednesday at ten.
    func press(days: Int64 = 8) -> SimulatedMachine {
        let failure = SimulatedMachine.Failure(
            time: ServicesWorld.weekStart + 2 * ServicesWorld.day + 10 * ServicesWorld.hour,
            code: "E-4711 main bearing")
        var plan = SimulatedMachine.Plan(
            seed: 7, from: ServicesWorld.weekStart - ServicesWorld.hour,
            to: ServicesWorld.weekStart + days * ServicesWorld.day, failures: [failure])
        plan.repairs = [failure.time + 3 * ServicesWorld.hour]
        return SimulatedMachine(plan)
    }

    /// Imports the week, or its first days.
    @discardableResult
    func importWeek(days: Int64 = 8, batchEntries: Int = 5000) async throws -> TelemetryImport.Summary {
        var options = TelemetryImport.Options()
        options.batchEntries = batchEntries
        var source = press(days: days)
        return try await TelemetryImport(
            of: ServicesWorld.machine, documents: documents("customer"), options: options
        ).run(&source)
    }

    /// The OEM's invoice of the week, computed after its classifications are closed.
    func weeksInvoice(number: String = "2026-0001") async throws -> Invoice {
        try await advance(to: ServicesWorld.weekStart + 13 * ServicesWorld.day)
        return try invoices("oem").compute(
            ServicesWorld.agreement, periodContaining: ServicesWorld.weekStart, number: number)
    }

    /// The OEM contests a batch.
    func contest(_ number: UInt64) async throws {
        try await node.enact(
            TelemetryContract.self,
            .contest(.init(machine: ServicesWorld.machine, number: number, reason: "it cannot be read")),
            as: try signer("oem"))
    }

    var anchors: [AnchorRecord] {
        get throws {
            try node.view().records(
                AnchorRecord.self, keysBeginWith: ChainPosition.prefix(of: ServicesWorld.machine))
        }
    }

    func record(_ id: InvoiceID) throws -> InvoiceRecord {
        try node.view().existing(InvoiceRecord.self, id)
    }
}

/// The stable code of what a body throws; nil where it throws nothing, or something without a code.
func code(_ body: () async throws -> Void) async -> String? {
    do {
        try await body()
        return nil
    } catch { return (error as? NodeError)?.code }
}
