import Contracts
import Cryptography
import Ledger
import Testing

@testable import Node

/// A member that hands over more than its share takes nobody else's.
@Suite struct SubmissionQueueTests {
    private static let flooder = MemberID(unchecked: "flooder")
    private static let other = MemberID(unchecked: "other")

    private func submission(_ tag: UInt8, _ number: Int, from member: MemberID?) -> Submission {
        Submission(bytes: [tag, UInt8(number & 0xff)], origin: .peer(member), waiter: nil)
    }

    @Test func whoeverFloodsFillsItsOwnLane() {
        let queue = SubmissionQueue(ownCapacity: 4, memberCapacity: 100)
        for number in 0..<1_000 {
            queue.offer(submission(1, number, from: Self.flooder), from: Self.flooder)
        }
        #expect(queue.count == 100)
        #expect(queue.push(Submission(bytes: [0], origin: .caller, waiter: nil)))
        for number in 0..<10 { queue.offer(submission(2, number, from: Self.other), from: Self.other) }
        let taken = queue.take(limit: 30)
        #expect(taken.count == 30)
        #expect(taken.filter { $0.bytes[0] == 0 }.count == 1)
        #expect(taken.filter { $0.bytes[0] == 2 }.map { $0.bytes[1] } == Array(0..<10))
        #expect(queue.count == 81)
    }

    @Test func eachLaneIsInOrderAndNothingIsLost() {
        let queue = SubmissionQueue(ownCapacity: 1_000, memberCapacity: 1_000)
        var next: [UInt8: Int] = [:]
        for number in 0..<200 {
            queue.offer(submission(1, number, from: Self.flooder), from: Self.flooder)
            queue.offer(submission(2, number, from: nil))
        }
        while queue.count > 0 {
            for submission in queue.take(limit: 7) {
                #expect(Int(submission.bytes[1]) == next[submission.bytes[0], default: 0])
                next[submission.bytes[0], default: 0] += 1
            }
        }
        #expect(next == [1: 200, 2: 200])
    }

    @Test func nothingIsTakenInOnceClosedAndWhatIsThereIsDrained() {
        let queue = SubmissionQueue(ownCapacity: 1, memberCapacity: 1)
        #expect(queue.push(Submission(bytes: [1], origin: .caller, waiter: nil)))
        queue.close()
        #expect(!queue.push(Submission(bytes: [2], origin: .caller, waiter: nil)))
        queue.offer(submission(3, 0, from: Self.other), from: Self.other)
        #expect(queue.take(limit: .max).map(\.bytes) == [[1]])
        #expect(queue.take(limit: .max).isEmpty)
    }

    @Test func theOutboxHasAShareForEachMember() throws {
        var outbox = Outbox()
        var ids: [TransactionID] = []
        while outbox.hasRoom(for: .peer(Self.flooder)) {
            let next = try OutboxTransactions.make(ids.count)
            ids.append(next.transaction.id)
            _ = outbox.add(
                next, waiter: nil, origin: .peer(Self.flooder), isDurable: false, now: .zero)
        }
        #expect(ids.count == 4_096 && outbox.count == 4_096)
        #expect(outbox.hasRoom(for: .peer(Self.other)) && outbox.hasRoom(for: .undone))
        _ = outbox.refuse([ids[0]], .duplicate)
        #expect(outbox.hasRoom(for: .peer(Self.flooder)))
        _ = outbox.expire(through: Timestamp(milliseconds: 2_000))
        #expect(outbox.count == 0 && outbox.hasRoom(for: .peer(Self.flooder)))
    }
}
