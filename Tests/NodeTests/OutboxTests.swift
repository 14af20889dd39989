import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Ordering
import Synchronization
import Testing

@testable import Node

/// Transactions for an outbox, which asks nothing of them but their ids and when they expire.
enum OutboxTransactions {
    private static let key = Ed25519.SigningKey.generate()

    /// - Parameter number: up to 65535; makes it another one.
    static func make(_ number: Int) throws -> VerifiedTransaction {
        let payload = try TransactionPayload(
            chain: SHA256.hash([1]), expires: Timestamp(milliseconds: 1_000),
            nonce: [UInt8](repeating: 0, count: 14) + [UInt8(number >> 8), UInt8(number & 0xff)],
            contract: ConsortiumContract.self, action: .revokeKey(.init(key: KeyID(.zero))))
        let bytes = key.signer.sign(payload, hash: SHA256.hash)
        return try #require(
            VerifiedTransaction(
                try UnverifiedTransaction(decoding: bytes, hash: SHA256.hash),
                publicKey: key.publicKey.bytes, verifier: SignatureVerifier { _, _, _ in true },
                hash: SHA256.hash))
    }
}

/// Transactions keep their places while they are in the outbox, and places of what is gone name nothing.
@Suite struct OutboxTests {
    private static let epoch = SHA256.hash([2])

    private func add(_ number: Int, to outbox: inout Outbox) throws -> VerifiedTransaction {
        let transaction = try OutboxTransactions.make(number)
        let answers = outbox.add(
            transaction, waiter: nil, origin: .caller, isDurable: false, now: .zero)
        #expect(answers.isEmpty)
        return transaction
    }

    private func draft(_ outbox: inout Outbox) -> Outbox.Draft? { outbox.draft(count: 1024, bytes: 1 << 20) }

    @Test func aPlaceNamesWhatWasPutThereAndNothingElse() throws {
        let (first, second) = (try OutboxTransactions.make(1), try OutboxTransactions.make(2))
        func entry(_ transaction: VerifiedTransaction) -> OutboxEntries.Entry {
            .init(transaction, since: .zero, giver: nil)
        }
        var entries = OutboxEntries()
        let (old, isNew) = entries.add(entry(first), for: first.transaction.id)
        #expect(isNew && !entries.add(entry(first), for: first.transaction.id).isNew && entries.count == 1)
        #expect(entries.remove(old)?.id == first.transaction.id)
        #expect(entries.remove(old) == nil && entries.isEmpty)
        let (new, _) = entries.add(entry(second), for: second.transaction.id)
        // It has the room of the one before.
        #expect(entries[old] == nil && entries.change(old) { $0.copies += 1 } == nil)
        #expect(entries[new]?.copies == 0)
        #expect(entries.place(of: first.transaction.id, was: old) == nil)
        #expect(entries.place(of: second.transaction.id, was: old)?.id == second.transaction.id)
        let (again, _) = entries.add(entry(first), for: first.transaction.id)
        #expect(entries[again]?.id == first.transaction.id && entries.count == 2)
        let ids = [first, second].map(\.transaction.id).sorted()
        #expect(entries.all { _ in true }.map(\.place.id) == ids)
        #expect(entries.remove(again) != nil)
        let (back, _) = entries.add(entry(first), for: first.transaction.id)
        #expect(entries[again] == nil && entries.remove(again) == nil, "what came back is another")
        #expect(entries[back]?.id == first.transaction.id && entries.count == 2)
    }

    @Test func afterManyPlacesStartAnew() throws {
        var entries = OutboxEntries()
        let transactions = try (0..<4_200).map { try OutboxTransactions.make($0) }
        func add(_ transaction: VerifiedTransaction) -> OutboxEntries.Place {
            entries.add(.init(transaction, since: .zero, giver: nil), for: transaction.transaction.id).place
        }
        let places = transactions.map { add($0) }
        #expect(places.allSatisfy { entries.remove($0) != nil } && entries.isEmpty)
        let place = add(transactions[0])
        #expect(entries[place] != nil && places.allSatisfy { entries[$0] == nil })
    }

    @Test func whatWentAndCameBackIsSentOnce() throws {
        var outbox = Outbox()
        let id = try add(1, to: &outbox).transaction.id
        _ = outbox.refuse([id], .duplicate)
        #expect(outbox.isEmpty && draft(&outbox) == nil)
        _ = try add(1, to: &outbox)
        _ = outbox.refuse([id], .duplicate)
        _ = try add(1, to: &outbox)
        #expect(draft(&outbox)?.ids == [id])
        #expect(draft(&outbox) == nil)
    }

    @Test func whatIsGoneIsNotSentAgainWithItsBatch() throws {
        var outbox = Outbox()
        let transactions = try (0..<3).map { try add($0, to: &outbox) }
        let digest = SHA256.hash([3])
        outbox.send(try #require(draft(&outbox)), as: digest, bytes: [3], epochBlock: Self.epoch, now: .zero)
        _ = outbox.refuse([transactions[1].transaction.id], .duplicate)
        // It takes the place of the one that went.
        let late = try add(3, to: &outbox)
        outbox.returned(digest)
        let ids = draft(&outbox)?.ids
        #expect(ids == [late, transactions[0], transactions[2]].map(\.transaction.id))
    }

    /// A batch that is still on its way does not count for the one that came back.
    @Test func aBatchFromBeforeHoldsNothingOfWhatCameBack() throws {
        var outbox = Outbox()
        let id = try add(1, to: &outbox).transaction.id
        let (old, new) = (SHA256.hash([5]), SHA256.hash([6]))
        outbox.send(try #require(draft(&outbox)), as: old, bytes: [5], epochBlock: Self.epoch, now: .zero)
        _ = outbox.refuse([id], .duplicate)
        _ = try add(1, to: &outbox)
        outbox.returned(old)
        outbox.send(try #require(draft(&outbox)), as: new, bytes: [6], epochBlock: Self.epoch, now: .zero)
        #expect(draft(&outbox) == nil, "it is sent once")
        outbox.returned(new)
        #expect(draft(&outbox)?.ids == [id])
    }

    /// What was handed over to validators comes back in batches of theirs.
    @Test func anOwnBatchIsOneOfTheseVeryBytesThatIsOnItsWay() throws {
        let desk = OutboxDesk(canHandOver: false)
        func add(_ number: Int) throws -> TransactionID {
            let transaction = try OutboxTransactions.make(number)
            let answers = desk.with {
                $0.add(transaction, waiter: nil, origin: .caller, isDurable: false, now: .zero)
            }
            #expect(answers.isEmpty)
            return transaction.transaction.id
        }
        func send(_ digest: Digest, _ bytes: [UInt8]) throws {
            let draft = try #require(desk.with { self.draft(&$0) })
            desk.with { $0.send(draft, as: digest, bytes: bytes, epochBlock: Self.epoch, now: .zero) }
        }
        func ids(_ bytes: [UInt8]) -> [TransactionID]? {
            desk.own(bytes)?.candidates.compactMap { candidate in
                if case .verified(let verified) = candidate { verified.transaction.id } else { nil }
            }
        }
        let digests = (7...9).map { SHA256.hash([$0]) }
        let first = try add(1)
        try send(digests[0], [])
        #expect(desk.own([]) == nil, "that is no batch yet")
        desk.with { $0.returned(digests[0]) }
        try send(digests[1], [8, 1])
        let second = try add(2)
        try send(digests[2], [8, 2])
        #expect(ids([8, 1]) == [first] && desk.own([8, 1])?.digest == digests[1])
        #expect(ids([8, 2]) == [second] && desk.own([8, 2])?.digest == digests[2])
        #expect(desk.own([8, 3]) == nil && desk.own([8]) == nil)
        desk.with { $0.returned(digests[1]) }
        #expect(desk.own([8, 1]) == nil && ids([8, 2]) == [second])
    }

    @Test func whoWaitsForTheOrderIsToldOnce() throws {
        var outbox = Outbox()
        let transactions = try (0..<2).map { try OutboxTransactions.make($0) }
        for transaction in transactions {
            for level in [SubmissionLevel.ordered, .final] {
                _ = outbox.add(
                    transaction, waiter: Waiter(level: level) { _ in }, origin: .caller, isDurable: false,
                    now: .zero)
            }
        }
        let digest = SHA256.hash([4])
        let draft = try #require(self.draft(&outbox))
        outbox.send(draft, as: digest, bytes: [3], epochBlock: Self.epoch, now: .zero)
        let answers = outbox.seen(digest, draft.candidates, now: .zero)
        #expect(answers.map { $0.waiters.map(\.level) } == [[.ordered], [.ordered]])
        #expect(outbox.seen(digest, draft.candidates, now: .zero).isEmpty)
        // The same in a batch of another member, at other places.
        var other = Outbox()
        for transaction in transactions {
            _ = other.add(
                transaction, waiter: Waiter(level: .ordered) { _ in }, origin: .caller, isDurable: false,
                now: .zero)
        }
        #expect(other.seen(digest, draft.candidates.reversed(), now: .zero).count == 2)
    }
}

/// The more is ready to be sent, the more of the threads that check wait.
@Suite struct CheckLeadTests {
    private let desk = OutboxDesk(canHandOver: false)

    private func add(_ numbers: Range<Int>) throws {
        let transactions = try numbers.map { try OutboxTransactions.make($0) }
        desk.with { outbox in
            for transaction in transactions {
                _ = outbox.add(transaction, waiter: nil, origin: .caller, isDurable: false, now: .zero)
            }
        }
    }

    private func goesOn(_ thread: Int, of width: Int) -> Bool { desk.waitForLead(thread: thread, of: width) }

    @Test func theyGiveWayOneAfterTheOther() throws {
        let count = CommitPipeline.batchCount
        try add(0..<count)
        #expect(!goesOn(1, of: 2), "it has nowhere to go")
        makeRoute()
        #expect(goesOn(1, of: 2), "nothing is on its way yet: the batch is about to be made")
        send(4)
        desk.look { #expect($0.batchesOnTheirWay == 4 && $0.queued == count) }
        #expect(!goesOn(1, of: 2) && goesOn(0, of: 2))
        #expect(!goesOn(3, of: 4) && goesOn(2, of: 4))
        #expect(!goesOn(0, of: 1), "the only core is left to the order")
        try add(count..<2 * count)
        #expect(!goesOn(0, of: 2) && !goesOn(0, of: 4) && !goesOn(0, of: 64))
        empty()
        #expect(goesOn(1, of: 2))
    }

    /// Whoever waits is woken by what it waits for, and not by the end of its patience.
    @Test(arguments: [0, 1, 2, 3]) func whoWaitsIsWoken(by cause: Int) throws {
        try add(0..<CommitPipeline.batchCount)
        send(4)
        let woken = DispatchSemaphore(value: 0)
        let hasWaited = Mutex(false)
        DispatchQueue.global().async { [self] in
            let isWoken = goesOn(1, of: 2)
            hasWaited.withLock { $0 = isWoken }
            woken.signal()
        }
        Thread.sleep(forTimeInterval: 0.02)
        switch cause {
        case 0: empty()
        case 1: desk.beginClosing()
        case 2: desk.fail(NodeError("node.stopped", "as asked"))
        default:
            // A way to go, and less on its way.
            makeRoute()
            desk.with { $0.returned(SHA256.hash([0])) }
        }
        woken.wait()
        #expect(hasWaited.withLock { $0 })
    }

    private static let epoch = SHA256.hash([7])

    private func makeRoute() {
        desk.set(engine: (EmbeddedEngine(), Self.epoch))
        desk.set(ordering: Self.epoch, signer: Ed25519.SigningKey.generate().signer)
    }

    private func send(_ count: UInt8) {
        desk.with { outbox in
            for number in 0..<count {
                outbox.addTick(nil)
                guard let draft = outbox.draft(count: 0, bytes: 0) else { continue }
                outbox.send(draft, as: SHA256.hash([number]), bytes: [], epochBlock: .zero, now: .zero)
            }
        }
    }

    private func empty() {
        desk.with { outbox in
            while outbox.queued > 0 { _ = outbox.draft(count: 1024, bytes: 1 << 20) }
        }
    }
}
