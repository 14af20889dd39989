import Billing
import Codec
import Contracts
import Cryptography
import Ledger
import Testing

/// How bids are compared.
@Suite struct SelectionTests {
    typealias Steps = MaintenanceSteps

    static func candidate(
        _ name: String, _ price: Int64 = 50_000, hours: Int64 = 3, reputation: Int64 = 500_000
    ) -> Selection.Candidate {
        .init(
            bid: .init(ticket: Steps.id, maintainer: MemberID(name)!),
            offer: Steps.offer(price) { $0.earliestArrival = Steps.start + .hours(hours) },
            reputation: Rate(ppm: reputation))
    }

    func ranking(
        _ candidates: [Selection.Candidate], _ weights: ScoreWeights = .standard
    ) throws -> [Selection.Ranked] {
        try Selection.ranking(candidates, weights: weights, reported: Steps.start, hash: SHA256.hash)
    }

    func weights(_ price: Int32, _ arrival: Int32, _ record: Int32) -> ScoreWeights {
        ScoreWeights(
            price: Rate(percent: price), arrival: Rate(percent: arrival), record: Rate(percent: record))
    }

    @Test func theWorkedExample() throws {
        // a: 0.5 · 1 + 0.3 · 2/4 + 0.2 · 0.5; b: 0.5 · 40/60 + 0.3 · 1 + 0.2 · 0.9.
        let ranked = try ranking([
            Self.candidate("a", 40_000, hours: 4),
            Self.candidate("b", 60_000, hours: 2, reputation: 900_000),
        ])
        #expect(ranked.map { $0.candidate.bid.maintainer.text } == ["b", "a"])
        #expect(ranked[0].score == 500_000 * 666_667 + 300_000 * 1_000_000 + 200_000 * 900_000)
        #expect(ranked[1].score == 500_000 * 1_000_000 + 300_000 * 500_000 + 200_000 * 500_000)
    }

    @Test func eachWeightAloneDecides() throws {
        let cheap = Self.candidate("cheap", 1, hours: 9, reputation: 0)
        let fast = Self.candidate("fast", 90_000, hours: 1, reputation: 0)
        let known = Self.candidate("known", 90_000, hours: 9, reputation: 1_000_000)
        for (weights, winner) in [
            (weights(100, 0, 0), "cheap"), (weights(0, 100, 0), "fast"), (weights(0, 0, 100), "known"),
        ] {
            #expect(
                try ranking([cheap, fast, known], weights).first?.candidate.bid.maintainer.text == winner)
        }
    }

    @Test func boundsHold() throws {
        #expect(try ranking([]).isEmpty)
        let alone = try ranking([Self.candidate("a", .max, hours: 24 * 366, reputation: 1_000_000)])
        #expect(alone[0].score == 1_000_000_000_000)
        let extremes = try ranking([Self.candidate("a", .max), Self.candidate("b", 0)])
        #expect(extremes[0].candidate.bid.maintainer.text == "b")
        #expect(extremes[1].score == 300_000 * 1_000_000 + 200_000 * 500_000)
        // Nothing and one minor unit count the same; so do all arrivals within the first hour.
        let equal = try ranking([
            Self.candidate("a", 0, hours: 0), Self.candidate("b", 1, hours: 1),
        ])
        #expect(equal[0].score == equal[1].score)
    }

    @Test func reputationBeginsInTheMiddle() {
        let id = MemberID("m1")!
        #expect(MaintainerStatistics(id: id).reputation == Rate(ppm: 500_000))
        #expect(
            MaintainerStatistics(id: id, completed: 8, firstTimeFixes: 8, onTime: 8).reputation
                == Rate(ppm: 900_000))
        #expect(MaintainerStatistics(id: id, completed: 8).reputation == Rate(ppm: 100_000))
        #expect(MaintainerStatistics(id: id, withdrawn: 8).reputation == Rate(ppm: 100_000))
        let endless = MaintainerStatistics(id: id, completed: .max, firstTimeFixes: .max, onTime: .max)
        #expect(endless.reputation == Rate(ppm: 1_000_000))
    }

    /// Every order of four bids, with equal scores among them, gives one ranking.
    @Test func theOrderOfBidsChangesNothing() throws {
        var generator = Generator(seed: 42)
        for _ in 0..<50 {
            let candidates = ["a", "b", "c", "d"].map {
                Self.candidate(
                    $0, 1 + Int64(generator.next() % 3), hours: 1 + Int64(generator.next() % 2),
                    reputation: Int64(generator.next() % 2) * 100_000)
            }
            let expected = try ranking(candidates).map(\.candidate)
            for order in permutations(candidates) {
                #expect(try ranking(order).map(\.candidate) == expected)
            }
        }
    }

    @Test func equalBidsAreDrawnByLotOverAllBids() throws {
        var winners: [String] = []
        for price in 1...40 as ClosedRange<Int64> {
            let ranked = try ranking([Self.candidate("a", price), Self.candidate("b", price)])
            #expect(ranked[0].score == ranked[1].score && ranked[0].lot < ranked[1].lot)
            winners.append(ranked[0].candidate.bid.maintainer.text)
        }
        #expect(winners.contains("a") && winners.contains("b"))
    }

    /// The same through the ledger: bids in any order, in any blocks of the grace window.
    @Test(arguments: [50_000, 60_000] as [Int64])
    func theLedgersOrderWithinTheGraceWindowChangesNothing(second: Int64) throws {
        var winners: [String] = []
        for order in permutations(["m1", "m2", "m3"]) {
            for pause in [0, 2] as [Int64] {
                let harness = try ContractHarness(MaintenanceContract.self)
                try Steps.machine(harness)
                try harness.change(MemberRecord.self, MemberID("auditor")!) { $0.roles = [.maintainer] }
                try harness.accredit("auditor")
                try harness.maintenance(Steps.open(), by: "customer")
                for name in order {
                    let bid = Steps.bid(name == "m2" ? second : 50_000)
                    try harness.maintenance(bid, by: name == "m3" ? "auditor" : name)
                    harness.advance(by: .seconds(pause))
                }
                harness.advance(by: Steps.grace)
                winners.append(try #require(try harness.ticket().award).maintainer.text)
            }
        }
        #expect(winners.count == 12 && winners.allSatisfy { $0 == winners[0] })
    }
}

/// All orders of a list.
private func permutations<T>(_ list: [T]) -> [[T]] {
    guard list.count > 1 else { return [list] }
    return list.indices.flatMap { index -> [[T]] in
        var rest = list
        let first = rest.remove(at: index)
        return permutations(rest).map { [first] + $0 }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
private struct Generator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
