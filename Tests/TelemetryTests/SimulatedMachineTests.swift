import Billing
import Testing

@testable import Telemetry

@Suite struct SimulatedMachineTests {
    /// January 2026 from Thursday 00:00 in UTC+1, thirty days.
    private static let from: Int64 = 1_767_222_000_000
    private static let to = from + 30 * 86_400_000
    /// Tuesday 2026-01-13, in the early shift.
    private static let failure = SimulatedMachine.Failure(time: 1_768_296_000_123, code: "E417: main bearing")
    private static let repair: Int64 = 1_768_323_600_000

    private func plan(seed: UInt64 = 7) -> SimulatedMachine.Plan {
        SimulatedMachine.Plan(seed: seed, from: Self.from, to: Self.to, failures: [Self.failure])
    }

    private func month(seed: UInt64 = 7) throws -> [TelemetryEntry] {
        var machine = SimulatedMachine(plan(seed: seed))
        machine.repair(at: Self.repair)
        return try machine.all()
    }

    @Test func isTheSameForTheSameSeedOnEveryMachine() throws {
        let entries = try month()
        #expect(try entries == month())
        // Recorded from the first run: another value means that the simulation changed, or differs between
        // builds.
        #expect(fingerprint(entries) == 3_489_243_113_400_816_339)
        #expect(try fingerprint(entries) != fingerprint(month(seed: 8)))
    }

    @Test func isTheSameInWhateverStepsItIsAsked() throws {
        var machine = SimulatedMachine(plan())
        var entries: [TelemetryEntry] = []
        for time in stride(from: Self.from, through: Self.to, by: 7 * 3_600_000 + 1) {
            if time > Self.repair && machine.activeFault != nil { break }
            machine.run(until: time)
            entries += try machine.all()
            if machine.activeFault != nil {
                machine.repair(at: Self.repair)
                break
            }
        }
        machine.run(until: .max)
        entries += try machine.all()
        #expect(try entries == month())
    }

    @Test func livesARealisticMonth() throws {
        var machine = SimulatedMachine(plan())
        machine.repair(at: Self.repair)
        let entries = try machine.all()
        let report = machine.report

        #expect((43_200...44_000).contains(entries.count))
        #expect(entries.map(\.sequence) == Array(1...UInt64(entries.count)))
        #expect(zip(entries, entries.dropFirst()).allSatisfy { $0.time <= $1.time })
        #expect(report.earliest == Self.from && report.latest == Self.to - 60_000)
        #expect(report.gaps == 0 && report.clockSteps == 0 && report.counterFalls.isEmpty)
        #expect(machine.good < machine.produced)
        // 22 working days of 16 hours give at most 42 240 parts of 30 s; stops, setup and the failure cost
        // some.
        #expect((32_000...42_000).contains(machine.produced))
        let scrap = (machine.produced - machine.good) * 1_000_000 / machine.produced
        #expect((15_000...25_000).contains(scrap))
        let outOfService = try #require(report.stateTimes.first { $0.state == .outOfService })
        #expect(outOfService.milliseconds == Self.repair - Self.failure.time)
        #expect(entries.contains { $0.mode == .setup } && entries.contains { $0.mode == .processing })
        #expect(Set(entries.flatMap { $0.measures.map(\.name) }) == ["bearingTemperature", "oilTemperature"])
    }

    @Test func staysOutOfServiceUntilSomebodyRepairsIt() throws {
        var machine = SimulatedMachine(plan())
        let entries = try machine.all()
        let fault = try #require(entries.firstIndex { $0.fault != nil })
        #expect(entries[fault].time == Self.failure.time)
        #expect(entries[fault].state == .outOfService)
        #expect(entries[fault].fault == Self.failure.code)
        #expect(
            entries[(fault + 1)...].allSatisfy { $0.state == nil && $0.fault == nil && $0.counters.isEmpty })
        #expect(machine.activeFault == Self.failure.code)
    }

    @Test func takesALateRepairAsNow() throws {
        var machine = SimulatedMachine(plan())
        machine.run(until: Self.repair)
        let before = try machine.all()
        machine.repair(at: Self.failure.time - 1)
        machine.run(until: Self.to)
        let after = try machine.all()
        let (last, first) = (try #require(before.last), try #require(after.first))
        #expect(first.time >= last.time && first.sequence == last.sequence + 1)
        #expect(machine.activeFault == nil && after.contains { $0.state == .executing })
    }

    @Test func survivesFailuresWhileItIsBroken() throws {
        var plan = plan()
        plan.failures.append(.init(time: Self.failure.time + 1000, code: "E2"))
        plan.failures.append(.init(time: Self.repair + 3_600_000, code: "E3"))
        plan.repairs = [Self.from, Self.repair, Self.repair + 7_200_000]
        var machine = SimulatedMachine(plan)
        let entries = try machine.all()
        #expect(entries.compactMap(\.fault) == [Self.failure.code, "E3"])
        #expect(machine.activeFault == nil)
        #expect(zip(entries, entries.dropFirst()).allSatisfy { $0.time <= $1.time })
    }

    @Test func worksOnlyInShifts() throws {
        var machine = SimulatedMachine(SimulatedMachine.Plan(seed: 3, from: Self.from, to: Self.to))
        let entries = try machine.all()
        for entry in entries where entry.state == .executing {
            let minute = (entry.time + 3_600_000) / 60_000 % 1440
            let weekday = ((entry.time + 3_600_000) / 86_400_000 + 3) % 7
            #expect((360..<1320).contains(minute) && weekday < 5)
        }
    }

    @Test func splitMix64GivesThePublishedNumbers() {
        // From the reference implementation (S. Vigna, splitmix64.c), seed 1234567.
        var random = SplitMix64(seed: 1_234_567)
        #expect(
            (0..<3).map { _ in random.next() } == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            ])
    }
}
