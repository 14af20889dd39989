import Billing
import Codec
import Contracts
import Foundation
import Ledger
import Telemetry
import Testing

@testable import Node

@Suite struct TelemetryImportTests {
    @Test func anchorsEveryEntryOnceAndFollowsTheMachinesTime() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            let summary = try await world.importWeek(batchEntries: 3000)
            let anchors = try world.anchors
            #expect(summary.anchored == UInt64(summary.report.entries))
            #expect(summary.sequences == 1...summary.anchored)
            #expect(summary.anchors == anchors.count)
            #expect(anchors.map(\.count).reduce(0, +) == summary.anchored)
            #expect(anchors.allSatisfy { $0.count <= 3000 })
            #expect(world.node.clock.now.milliseconds == anchors.last?.toMilliseconds)
            // The same again finds nothing to do.
            let again = try await world.importWeek(batchEntries: 3000)
            #expect(again.anchored == 0)
            #expect(again.passedOver == summary.anchored)
        }
    }

    @Test func opensATicketByItselfAndLetsOthersActBeforeItGoesOn() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            var plan = world.press().plan
            plan.repairs = []
            var source = SimulatedMachine(plan)
            var faults: [TelemetryImport.Fault] = []
            let summary = try await TelemetryImport(
                of: ServicesWorld.machine, documents: world.documents("customer")
            ).run(&source) { fault, source in
                faults.append(fault)
                let ticket = try world.node.view().existing(TicketRecord.self, TicketID("press-7-1")!)
                #expect(ticket.state == .openForBids)
                #expect(ticket.reported.milliseconds == fault.time)
                source.repair(at: fault.time + ServicesWorld.hour)
            }
            #expect(faults.map(\.text) == ["E-4711 main bearing"])
            #expect(summary.opened == [TicketID("press-7-1")!])
            #expect(try world.anchors.first?.last == faults.first?.sequence)
            let ticket = try world.node.view().existing(TicketRecord.self, TicketID("press-7-1")!)
            let device = try world.home.keystore(of: MemberID("customer")!).heldKey("device-press-7")
            #expect(ticket.openedBy == KeyID(publicKey: device.publicKey.bytes, hash: world.node.rules.hash))
        }
    }

    @Test func opensNoSecondTicketWhileOneIsOpenForTheFault() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            let (start, hour) = (ServicesWorld.weekStart, ServicesWorld.hour)
            var plan = SimulatedMachine.Plan(seed: 3, from: start, to: start + ServicesWorld.day)
            plan.failures = [
                .init(time: start + 7 * hour, code: "E-1"), .init(time: start + 12 * hour, code: "E-1"),
                .init(time: start + 16 * hour, code: "E-2"),
            ]
            plan.repairs = [start + 9 * hour, start + 14 * hour, start + 18 * hour]
            var source = SimulatedMachine(plan)
            var tickets: [String] = []
            try await TelemetryImport(of: ServicesWorld.machine, documents: world.documents("customer"))
                .run(&source) { fault, _ in tickets.append(fault.ticket?.text ?? "none") }
            #expect(tickets == ["press-7-1", "press-7-1", "press-7-2"])
        }
    }

    @Test func resumesAfterACrashBetweenVaultAndLedgerWithoutLossOrRepetition() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            var options = TelemetryImport.Options()
            options.batchEntries = 1500
            var source = world.press(days: 1)
            try await TelemetryImport(
                of: ServicesWorld.machine, documents: world.documents("customer"), options: options
            ).run(&source)
            let before = try world.anchors
            let stored = try world.documents("customer").vault.list().count
            // The ledger does not know this signing key: the batch reaches the vault and no further.
            let crashing = try world.documents(named: "customer", withForeignKeyIn: "crash")
            let failure = await code {
                var source = world.press()
                try await TelemetryImport(
                    of: ServicesWorld.machine, documents: crashing, options: options
                ).run(&source)
            }
            #expect(failure == "transaction.unknown_key")
            #expect(try world.anchors.map(\.cid) == before.map(\.cid))
            #expect(try world.documents("customer").vault.list().count == stored + 1)

            let summary = try await world.importWeek(batchEntries: 1500)
            let anchors = try world.anchors
            #expect(summary.passedOver == before.map(\.count).reduce(0, +))
            #expect(anchors.first?.first == 1)
            for (left, right) in zip(anchors, anchors.dropFirst()) { #expect(right.first == left.last + 1) }
            #expect(anchors.last?.last == UInt64(summary.report.entries))
            let week = Interval(
                from: ServicesWorld.weekStart, to: ServicesWorld.weekStart + 7 * ServicesWorld.day)
            let metering = try MeteringService(world.documents("oem")).usage(
                of: ServicesWorld.machine, in: week)
            #expect(metering.usage.measured == [week])
            #expect(metering.usage.notes.isEmpty)
        }
    }

    @Test func opensTheTicketThatACrashKeptFromBeingOpened() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            var options = TelemetryImport.Options()
            options.reportsFaults = false
            var source = world.press(days: 4)
            struct Crash: Error {}
            await #expect(throws: Crash.self) {
                try await TelemetryImport(
                    of: ServicesWorld.machine, documents: world.documents("customer"), options: options
                ).run(&source) { _, _ in throw Crash() }
            }
            #expect(try world.node.view().all(TicketRecord.self).isEmpty)
            let summary = try await world.importWeek()
            #expect(summary.opened == [TicketID("press-7-1")!])
        }
    }

    @Test func takesAFailureThatGoesOnForNoNewOne() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            var plan = world.press().plan
            plan.repairs = []
            // The failure's entry ends one batch; the next holds one entry, of the same failure.
            let minute: Int64 = 60_000
            for end in [plan.failures[0].time + minute, plan.failures[0].time + 2 * minute, plan.to] {
                var source = SimulatedMachine(plan)
                source.run(until: min(end, plan.failures[0].time + 9 * minute))
                try await TelemetryImport(
                    of: ServicesWorld.machine, documents: world.documents("customer")
                ).run(&source)
            }
            #expect(try world.anchors.contains { $0.count == 1 })
            #expect(try world.node.view().all(TicketRecord.self).count == 1)
        }
    }

    @Test func takesOnlyTheCustomersOwnMachineAndDevice() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            let machine = ServicesWorld.machine
            await #expect(
                code { _ = try TelemetryImport(of: machine, documents: world.documents("oem")) }
                    == "import.not_the_customer")
            let keys = world.home.keystore(of: MemberID("customer")!).folder
            let file = keys.appendingPathComponent("device-press-7.key")
            try FileManager.default.removeItem(at: file)
            await #expect(
                code { _ = try TelemetryImport(of: machine, documents: world.documents("customer")) }
                    == "import.no_device_key")
            _ = try world.home.keystore(of: MemberID("customer")!).createHeldKey("device-press-7")
            await #expect(
                code { _ = try TelemetryImport(of: machine, documents: world.documents("customer")) }
                    == "import.unknown_device")
        }
    }

    @Test func refusesASourceWithoutTheNextEntry() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            let failure = await code {
                var source = SimulatedMachine(world.press().plan, startingAt: 5)
                try await TelemetryImport(of: ServicesWorld.machine, documents: world.documents("customer"))
                    .run(&source)
            }
            #expect(failure == "import.not_contiguous")
        }
    }
}

extension ServicesWorld {
    /// A member's documents with another signing key, which the ledger does not know.
    func documents(named name: String, withForeignKeyIn folder: String) throws -> DocumentService {
        let own = home.keystore(of: MemberID(name)!).folder
        let other = Keystore(folder: home.folder.appendingPathComponent(folder))
        try other.create()
        for file in ["sealing.key", "device-press-7.key"] {
            let target = other.folder.appendingPathComponent(file)
            try? FileManager.default.removeItem(at: target)
            try FileManager.default.copyItem(at: own.appendingPathComponent(file), to: target)
        }
        return DocumentService(
            node: node, vault: try documents(name).vault,
            member: try ActingMember(MemberID(name)!, keystore: other))
    }
}
