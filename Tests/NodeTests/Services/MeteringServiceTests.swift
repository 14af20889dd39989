import Billing
import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Merkle
import Testing
import Vault

@testable import Node

@Suite struct MeteringServiceTests {
    private static let week = Interval(
        from: ServicesWorld.weekStart, to: ServicesWorld.weekStart + 7 * ServicesWorld.day)

    private func meter(_ world: ServicesWorld, as name: String = "oem") throws -> Metering {
        try MeteringService(world.documents(name)).usage(of: ServicesWorld.machine, in: Self.week)
    }

    @Test func totalsAreTheSameForEveryBatchSize() async throws {
        var usages: [Usage] = []
        for size in [700, 100_000] {
            try await ServicesWorld.with { world in
                try await world.rent()
                try await world.importWeek(batchEntries: size)
                usages.append(try meter(world).usage)
            }
        }
        #expect(usages[0] == usages[1])
        #expect(usages[0].failures == 1)
        #expect(usages[0].rise(of: "good") > 1000)
    }

    @Test func readsAMiddleDayAsIfAllHadBeenRead() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek(batchEntries: 700)
            let day = Interval(
                from: ServicesWorld.weekStart + 3 * ServicesWorld.day,
                to: ServicesWorld.weekStart + 4 * ServicesWorld.day)
            let metering = try MeteringService(world.documents("oem")).usage(
                of: ServicesWorld.machine, in: day)
            var timeline = try Timeline(windows: [day], reportingIntervalMilliseconds: 60_000)
            var source = world.press()
            while let entry = source.next() { try timeline.feed(entry) }
            #expect(metering.usage == (try timeline.usage())[0])
            #expect(metering.entries < 5000)
            let numbers = try #require(metering.anchors)
            let roots = try world.anchors.filter { numbers.contains($0.id.number) }.map(\.root)
            #expect(metering.root == Metering.root(over: roots, hash: SHA256.hash))
        }
    }

    @Test func findsABatchThatIsWithheld() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek()
            let cid = try CID(parsing: try world.anchors[0].cid)
            try world.documents("customer").vault.shred(cid)
            await #expect(code { _ = try meter(world) } == "metering.missing_batch")
        }
    }

    @Test func findsABatchThatIsAltered() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek()
            let file = world.home.vaultFolder.appendingPathComponent("\(try world.anchors[0].cid).doc")
            var bytes = try Data(contentsOf: file)
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: file)
            await #expect(code { _ = try meter(world) } == "metering.damaged_batch")
        }
    }

    @Test func showsNothingToAnOutsider() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek()
            await #expect(code { _ = try meter(world, as: "m1") } == "metering.not_reader")
            #expect(try meter(world, as: "arbiter") == meter(world, as: "customer"))
        }
    }

    /// What a customer could anchor instead of what its device said.
    enum Lie: String, CaseIterable, Sendable {
        case badSignature = "metering.bad_signature"
        case wrongKey = "metering.wrong_key"
        case rootMismatch = "metering.root_mismatch"
        case timesMismatch = "metering.times_mismatch"
        case badSequence = "metering.bad_sequence"
        case brokenChain = "metering.broken_chain"
        case wrongMachine = "metering.wrong_machine"
        case malformedBatch = "metering.malformed_batch"
    }

    @Test(arguments: Lie.allCases) func findsABatchThatIsNotTheDevices(_ lie: Lie) async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await anchor(lie, in: world)
            await #expect(code { _ = try meter(world) } == lie.rawValue)
        }
    }

    @Test(arguments: Lie.allCases) func aContestedBatchIsAGapForEverybody(_ lie: Lie) async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await anchor(lie, in: world)
            try await world.contest(1)
            // Nothing can rest on it yet, and it hides no other that is wrong.
            let open = try meter(world)
            #expect(open.contested == [1] && open.openContests.map(\.id.number) == [1])
            try await world.advance(to: world.node.clock.now.milliseconds + 5 * ServicesWorld.day)
            let metering = try meter(world)
            #expect(metering.openContests.isEmpty)
            #expect(metering.contested == [1] && metering.entries == 0 && metering.anchors == nil)
            #expect(metering.usage.notes.first { $0.kind == .contested }?.count == 1)
            #expect(metering.usage.durations.map(\.state) == [.unknown])
            // Nobody reads it, so it is the same for who has it, and for who has nothing.
            #expect(try metering == meter(world, as: "customer") && metering == meter(world, as: "m1"))
            // Telemetry goes on, and the contest of one batch says nothing of the next.
            try await world.importWeek()
            let whole = try meter(world)
            #expect(whole.contested == [1] && whole.isComplete && whole.usage.rise(of: "good") > 1000)
            #expect(try whole == meter(world, as: "customer"))
        }
    }

    @Test func aContestedBatchIsMissingLikeADeclaredGap() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek(batchEntries: 1500)
            let honest = try meter(world)
            let number: UInt64 = 3
            try await world.contest(number)
            #expect(try meter(world).usage == honest.usage)
            try await world.advance(to: world.node.clock.now.milliseconds + 5 * ServicesWorld.day)
            let metering = try meter(world)
            let batch = try #require(try world.anchors.first { $0.id.number == number })
            // The same entries with those of the batch left out.
            var timeline = try Timeline(windows: honest.usage.measured, reportingIntervalMilliseconds: 60_000)
            var source = world.press()
            while let entry = source.next() {
                if !(batch.first...batch.last).contains(entry.sequence) { try timeline.feed(entry) }
            }
            var expected = try Usage.combined(timeline.usage())
            expected.note(
                .contested,
                .init(
                    sequence: batch.first, time: batch.fromMilliseconds, amount: Int64(batch.count)))
            #expect(metering.usage.counters == expected.counters)
            #expect(
                metering.usage.durations.reduce(0) { $0 + $1.milliseconds }
                    == expected.durations.reduce(0) { $0 + $1.milliseconds })
            #expect(metering.usage.notes == expected.notes)
            #expect(metering.root != honest.root)
            // Who has the batch can still say what it tells.
            let counted = try MeteringService(world.documents("customer")).usage(
                of: ServicesWorld.machine, in: honest.usage.measured, reportingIntervalMilliseconds: 60_000,
                countsContested: true)
            #expect(counted == honest)
        }
    }

    private func anchor(_ lie: Lie, in world: ServicesWorld) async throws {
        let keys = world.home.keystore(of: MemberID("customer")!)
        let device = try keys.heldKey("device-press-7").signer
        let foreign = Ed25519.SigningKey.generate().signer
        let garbling = MessageSigner(publicKey: device.publicKey) { _ in [UInt8](repeating: 7, count: 64) }
        let signer =
            switch lie {
            case .wrongKey: foreign
            case .badSignature: garbling
            default: device
            }
        let name = lie == .wrongMachine ? MachineID("press-8")! : ServicesWorld.machine
        let previous = lie == .brokenChain ? SHA256.digest([1]) : Digest.zero
        var writer = BatchWriter(machine: name, device: signer, previous: previous)
        for number in UInt64(1)...100 where lie != .badSequence || number != 50 {
            let time = ServicesWorld.weekStart + Int64(number) * 60_000
            try writer.append(TelemetryEntry(sequence: number, time: time, state: .executing))
        }
        // A hole within a message already fails as the message's own.
        let batch = try #require(try writer.finish())
        var content = try CBOR.encode(batch.content)
        if lie == .malformedBatch { content.removeLast() }
        let documents = try world.documents("customer")
        let stored = try documents.seal(content, for: [MemberID("oem")!])
        try await world.advance(to: batch.toMilliseconds)
        try await world.node.enact(
            TelemetryContract.self,
            .anchor(
                .init(
                    machine: ServicesWorld.machine, first: 1, last: 100,
                    fromMilliseconds: batch.fromMilliseconds,
                    toMilliseconds: batch.toMilliseconds + (lie == .timesMismatch ? 1 : 0), count: 100,
                    cid: stored.cid.description, cipherDigest: stored.cipherDigest,
                    root: lie == .rootMismatch ? .zero : batch.root,
                    device: KeyID(publicKey: device.publicKey, hash: SHA256.hash), previous: nil)),
            as: try world.signer("customer"))
    }

    @Test func metersAcrossADeclaredGapAndAReplacedDevice() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            var source = world.press(days: 2)
            try await TelemetryImport(of: ServicesWorld.machine, documents: world.documents("customer"))
                .run(&source)
            try await replaceDevice(in: world)
            let head = try world.node.view().existing(TelemetryHead.self, ServicesWorld.machine)
            let from = ServicesWorld.weekStart + 2 * ServicesWorld.day
            try await world.node.enact(
                TelemetryContract.self,
                .declareGap(
                    .init(
                        machine: ServicesWorld.machine, first: head.nextSequence,
                        last: head.nextSequence + 9, fromMilliseconds: from, toMilliseconds: from + 600_000,
                        reason: "the box was exchanged", previous: head.digest)),
                as: try world.signer("customer"))
            try await world.importWeek()
            let usage = try meter(world).usage
            #expect(usage.notes.contains { $0.kind == .missingEntries && $0.count == 1 })
            #expect(usage.durations.contains { $0.state == .unknown })
        }
    }

    private func replaceDevice(in world: ServicesWorld) async throws {
        let keys = world.home.keystore(of: MemberID("customer")!)
        let old = try keys.heldKey("device-press-7")
        let file = keys.folder.appendingPathComponent("device-press-7.key")
        try FileManager.default.removeItem(at: file)
        let new = try keys.createHeldKey("device-press-7")
        func id(_ key: Ed25519.SigningKey) -> KeyID {
            KeyID(publicKey: key.publicKey.bytes, hash: SHA256.hash)
        }
        try await world.node.enact(
            MachineContract.self,
            .replaceDevice(
                .init(
                    machine: ServicesWorld.machine, replaces: id(old),
                    device: .init(publicKey: Bytes(new.publicKey.bytes), label: "new box"))),
            as: try world.signer("oem"))
        try await world.node.enact(
            MachineContract.self, .acceptDevice(.init(machine: ServicesWorld.machine, key: id(new))),
            as: try world.signer("customer"))
    }

    @Test func tellsWhenTheMachineWasInService() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            let machine = ServicesWorld.machine
            let start = world.node.clock.now.milliseconds
            let customer = try world.signer("customer")
            try await world.advance(to: start + 1000)
            try await world.node.enact(
                MachineContract.self, .stop(.init(machine: machine, reason: "cleaning", fault: false)),
                as: customer)
            try await world.advance(to: start + 5000)
            try await world.node.enact(
                MachineContract.self, .start(.init(machine: machine)), as: customer)
            let spells = [
                Interval(from: start, to: start + 1000), Interval(from: start + 5000, to: Interval.latest),
            ]
            #expect(try world.node.timeInService(machine) == spells)
        }
    }
}
