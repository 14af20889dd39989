import Billing
import Testing

@Suite struct JointWordTests {
    private static func said(_ from: Int64, _ to: Int64, _ cause: Attribution) -> AttributedInterval {
        AttributedInterval(Interval(from: from, to: to), cause)
    }

    private static let span = Interval(from: 0, to: 100)

    private func agreed(
        _ seller: [AttributedInterval], _ buyer: [AttributedInterval], within span: Interval = Self.span
    ) throws -> [AttributedInterval] {
        try AttributionSet.jointly(seller: seller, buyer: buyer, within: span).agreed
    }

    @Test func whatBothSayAlikeHoldsHoweverTheyCutIt() throws {
        let one = [Self.said(0, 10, .material)]
        let cut = [Self.said(4, 10, .material), Self.said(0, 4, .material)]
        #expect(try agreed(one, one) == one)
        #expect(try agreed(one, cut) == one)
        #expect(try agreed(cut, one) == one)
        let other = [Self.said(10, 20, .oem)]
        #expect(try agreed(one + other, cut + other) == one + other)
    }

    @Test func whatIsContestedOrOneSidedDoesNot() throws {
        let seller = [Self.said(0, 50, .customerOperation), Self.said(60, 70, .oem)]
        let buyer = [
            Self.said(10, 20, .oem), Self.said(20, 30, .customerOperation), Self.said(45, 65, .oem),
        ]
        #expect(
            try agreed(seller, buyer) == [Self.said(20, 30, .customerOperation), Self.said(60, 65, .oem)])
        #expect(try agreed(buyer, seller) == agreed(seller, buyer))
        #expect(try agreed(seller, []).isEmpty && agreed([], buyer).isEmpty)
        #expect(
            try JointWord.all(seller: seller, buyer: buyer, within: Self.span)
                == [
                    .init(.init(from: 0, to: 10), seller: .customerOperation, buyer: nil),
                    .init(.init(from: 10, to: 20), seller: .customerOperation, buyer: .oem),
                    .init(.init(from: 20, to: 30), seller: .customerOperation, buyer: .customerOperation),
                    .init(.init(from: 30, to: 45), seller: .customerOperation, buyer: nil),
                    .init(.init(from: 45, to: 50), seller: .customerOperation, buyer: .oem),
                    .init(.init(from: 50, to: 60), seller: nil, buyer: .oem),
                    .init(.init(from: 60, to: 65), seller: .oem, buyer: .oem),
                    .init(.init(from: 65, to: 70), seller: .oem, buyer: nil),
                ])
    }

    @Test func wordsAreCutToTheStretchThatIsBilled() throws {
        let word = [Self.said(0, 100, .material)]
        let span = Interval(from: 10, to: 20)
        #expect(try agreed(word, word, within: span) == [Self.said(10, 20, .material)])
        #expect(try agreed(word, word, within: Interval(from: 100, to: 200)).isEmpty)
    }

    @Test func onePartysWordsDoNotOverlap() {
        let twice = [Self.said(0, 10, .oem), Self.said(9, 12, .oem)]
        for (seller, buyer) in [(twice, []), ([], twice)] as [([AttributedInterval], [AttributedInterval])] {
            #expect(BillingError.code { _ = try agreed(seller, buyer) } == .invalidInterval)
        }
    }

    /// Against a look at every single millisecond.
    @Test func agreesWithALookAtEveryMoment() throws {
        var seed: UInt64 = 7
        func next(_ bound: Int64) -> Int64 {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int64(seed >> 33) % bound
        }
        func words() -> [AttributedInterval] {
            var (words, time): ([AttributedInterval], Int64) = ([], next(8))
            while time < 100 {
                let end = time + 1 + next(12)
                words.append(Self.said(time, end, [.oem, .material][Int(next(2))]))
                time = end + next(4)
            }
            return words
        }
        func at(_ time: Int64, _ words: [AttributedInterval]) -> Attribution? {
            words.first { $0.interval.contains(time) }?.attribution
        }
        for _ in 0..<200 {
            let (seller, buyer) = (words(), words())
            let span = Interval(from: next(30), to: 60 + next(60))
            let found = try agreed(seller, buyer, within: span)
            for time in Int64(0)..<130 {
                let (left, right) = (at(time, seller), at(time, buyer))
                let expected = span.contains(time) && left == right ? left : nil
                guard at(time, found) == expected else {
                    Issue.record("at \(time) of \(seller) and \(buyer) within \(span)")
                    return
                }
            }
            #expect(
                zip(found, found.dropFirst()).allSatisfy {
                    $0.interval.to < $1.interval.from || $0.attribution != $1.attribution
                })
        }
    }
}
