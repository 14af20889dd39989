import Codec
import Ledger

/// Transactions until they are final, refused or expired: what is to be sent, what is on its way, and whom to
/// tell. A value without I/O; times are those of a clock that never goes back.
struct Outbox: Sendable {
    private typealias Place = OutboxEntries.Place

    /// A batch on its way.
    private struct Sent: Sendable {
        /// None where it was handed over to validators, who make their own batches of it.
        let bytes: [UInt8]
        let epochBlock: Digest
        let places: [Place]
        let candidates: [Candidate]
        let ticks: [Waiter]
        let since: Timestamp
        var isSeen = false
        var isHandedOver = false

        /// Of its transaction at an index.
        func place(at index: Int) -> Place? { places.indices.contains(index) ? places[index] : nil }
    }

    /// What the next batch holds.
    struct Draft: Sendable {
        fileprivate var places: [OutboxEntries.Place] = []
        var transactions: [[UInt8]] = []
        var candidates: [Candidate] = []
        var ticks: [Waiter] = []

        var ids: [TransactionID] { places.map(\.id) }

        fileprivate mutating func reserve(_ count: Int) {
            places.reserveCapacity(count)
            transactions.reserveCapacity(count)
            candidates.reserveCapacity(count)
        }
    }

    private var entries = OutboxEntries()
    /// How many there are of each other member.
    private var favours: [MemberID: Int] = [:]
    private var queue = FIFO<Place>()
    private var delayed: [(due: Timestamp, place: Place)] = []
    /// Whom to tell that a batch made from now on is final.
    private var ticks: [Waiter] = []
    private var wantsTick = false
    /// By the digest of their bytes. Where a demonstration's clock stands still two batches can be the same
    /// bytes: they are answered in the order in which they were sent.
    private var sent: [Digest: [Sent]] = [:]
    private(set) var batchesOnTheirWay = 0
    /// When a block was last executed or became final: the order gets on.
    private var progress = Timestamp.zero
    /// Suspicions raised since one of the own batches was final.
    private(set) var failures = 0

    var count: Int { entries.count }
    /// How many wait to be sent.
    var queued: Int { queue.count }
    /// Whether there is something to send.
    var hasWork: Bool { !queue.isEmpty || wantsTick }
    var isEmpty: Bool { entries.isEmpty && ticks.isEmpty && !wantsTick && batchesOnTheirWay == 0 }

    // MARK: In

    func knows(_ id: TransactionID) -> Bool { entries.place(of: id) != nil }

    /// What others have to send is no more than a favour, of which each member has its share.
    func hasRoom(for origin: Submission.Origin) -> Bool {
        switch origin {
        case .caller, .outbox: true
        case .undone, .peer(nil): count < Outbox.favours
        case .peer(let member?): count < Outbox.favours && favours[member, default: 0] < Outbox.share
        }
    }

    /// Transactions beside which no other member's are taken in, and how many of one member.
    private static let favours = 16_384
    private static let share = 4_096

    /// Takes a checked transaction in, or one more who waits for it.
    mutating func add(
        _ transaction: VerifiedTransaction, waiter: Waiter?, origin: Submission.Origin, isDurable: Bool,
        now: Timestamp
    ) -> [Answer] {
        let (place, isNew) = entries.add(
            OutboxEntries.Entry(transaction, since: now, giver: origin.giver), for: transaction.transaction.id
        )
        if isNew {
            if let giver = origin.giver { favours[giver, default: 0] += 1 }
            enqueue(place)
        }
        return entries.change(place) { Outbox.note(waiter, isDurable, in: &$0) } ?? []
    }

    private static func note(
        _ waiter: Waiter?, _ isDurable: Bool, in entry: inout OutboxEntries.Entry
    ) -> [Answer] {
        entry.isDurable = entry.isDurable || isDurable
        guard let waiter else { return [] }
        switch waiter.level {
        case .accepted: return [Answer(waiters: [waiter], news: .state(.accepted(entry.id)))]
        case .ordered where entry.isOrdered:
            return [Answer(waiters: [waiter], news: .state(.ordered(entry.id)))]
        default:
            entry.waiters.append(waiter)
            return []
        }
    }

    @discardableResult
    private mutating func remove(_ place: Place) -> OutboxEntries.Entry? {
        guard let entry = entries.remove(place) else { return nil }
        if let giver = entry.giver, let count = favours[giver] {
            favours[giver] = count > 1 ? count - 1 : nil
        }
        return entry
    }

    /// Wants a batch, which brings this node's clock to the ledger, even where nothing else is to be sent.
    mutating func addTick(_ waiter: Waiter?) {
        wantsTick = true
        if let waiter { ticks.append(waiter) }
    }

    private mutating func enqueue(_ place: Place) {
        let isNew = entries.change(place) { entry in
            defer { entry.isQueued = true }
            return !entry.isQueued
        }
        if isNew ?? false { queue.append(place) }
    }

    // MARK: Out

    /// What the next batch holds; nil where there is nothing to send.
    mutating func draft(count: Int, bytes limit: Int) -> Draft? {
        var draft = Draft()
        draft.reserve(min(count, queue.count))
        var size = 0
        while draft.places.count < count, let place = queue.first {
            let isTaken = entries.change(place) { entry in
                guard draft.places.isEmpty || size + entry.bytes.count <= limit else { return false }
                entry.isQueued = false
                entry.copies += 1
                size += entry.bytes.count
                draft.places.append(place)
                draft.transactions.append(entry.bytes)
                draft.candidates.append(.verified(entry.transaction))
                return true
            }
            // What is gone is passed over.
            guard isTaken ?? true else { break }
            queue.takeFirst()
        }
        guard !draft.places.isEmpty || wantsTick else { return nil }
        (draft.ticks, ticks, wantsTick) = (ticks, [], false)
        return draft
    }

    /// Notes a batch that is about to be handed over.
    /// - Parameter bytes: those that `digest` is of; none where there is no batch of them yet.
    mutating func send(
        _ draft: Draft, as digest: Digest, bytes: [UInt8], epochBlock: Digest, now: Timestamp
    ) {
        sent[digest, default: []].append(
            Sent(
                bytes: bytes, epochBlock: epochBlock, places: draft.places, candidates: draft.candidates,
                ticks: draft.ticks, since: now))
        batchesOnTheirWay += 1
    }

    /// The own batches on their way, with their transactions, whose signatures have been verified already.
    var ownBatches: [OwnBatch] {
        sent.compactMap { digest, batches in
            guard let first = batches.first, !first.bytes.isEmpty else { return nil }
            return OwnBatch(bytes: first.bytes, digest: digest, candidates: first.candidates)
        }
    }

    struct OwnBatch: Sendable {
        let bytes: [UInt8]
        let digest: Digest
        let candidates: [Candidate]
    }

    private mutating func take(_ digest: Digest) -> Sent? {
        guard var batches = sent.removeValue(forKey: digest) else { return nil }
        let first = batches.removeFirst()
        if !batches.isEmpty { sent[digest] = batches }
        batchesOnTheirWay -= 1
        for place in first.places { entries.change(place) { $0.copies -= 1 } }
        return first
    }

    // MARK: What becomes of a batch

    /// A batch has no place in the order: what it holds is sent again, at once or at a time.
    mutating func returned(_ digest: Digest, at due: Timestamp? = nil) {
        guard let batch = take(digest) else { return }
        again(batch, at: due)
    }

    private mutating func again(_ batch: Sent, at due: Timestamp?) {
        for place in batch.places {
            if let due { delayed.append((due, place)) } else { enqueue(place) }
        }
        if !batch.ticks.isEmpty || batch.places.isEmpty { (ticks, wantsTick) = (batch.ticks + ticks, true) }
    }

    /// A batch was executed at a position.
    mutating func seen(_ digest: Digest, _ candidates: [Candidate], now: Timestamp) -> [Answer] {
        progress = max(progress, now)
        sent[digest]?[0].isSeen = true
        let batch = sent[digest]?[0]
        var answers: [Answer] = []
        for (index, candidate) in candidates.enumerated() {
            guard case .verified(let transaction) = candidate else { continue }
            let id = transaction.transaction.id
            guard let place = entries.place(of: id, was: batch?.place(at: index)) else { continue }
            let told = entries.change(place) { $0.noteOrdered() } ?? []
            if !told.isEmpty { answers.append(Answer(waiters: told, news: .state(.ordered(id)))) }
        }
        return answers
    }

    /// A block is not on the chain any more: what it held is sent again.
    mutating func undone(_ block: ExecutedBlock) {
        for included in block.included {
            guard let place = entries.place(of: included.id) else { continue }
            entries.change(place) { $0.isOrdered = false }
            enqueue(place)
        }
        returned(block.header.content)
    }

    /// Batches of earlier epochs come to nothing any more.
    mutating func begin(epochBlock: Digest) {
        let old = sent.filter { $0.value.contains { $0.epochBlock != epochBlock } }
        for digest in old.keys.sorted() {
            while let first = sent[digest]?.first, first.epochBlock != epochBlock { returned(digest) }
        }
    }

    /// A block is final: tells who waits for what it holds.
    mutating func final(_ block: ExecutedBlock, clock: Timestamp, now: Timestamp) -> FinalNews {
        var news = FinalNews()
        progress = max(progress, now)
        let height = block.header.height
        let first = block.header.logSize - UInt64(block.included.count)
        let batch = take(block.header.content)
        for (offset, included) in block.included.enumerated() {
            guard let place = entries.place(of: included.id, was: batch?.place(at: included.index)),
                let entry = remove(place)
            else { continue }
            news.latencies.append(now - entry.since)
            let final = FinalTransaction(
                id: included.id, height: height, leaf: first + UInt64(offset), time: block.header.time,
                outcome: included.outcome, message: included.message)
            guard !entry.waiters.isEmpty else { continue }
            news.answers.append(Answer(waiters: entry.waiters, news: .state(.final(final))))
        }
        settleHandedOver()
        guard let batch else { return news }
        failures = 0
        for skip in block.skipped {
            guard let place = batch.place(at: skip.index), let entry = entries[place], entry.copies == 0,
                !entry.isQueued
            else { continue }
            // Consensus time is behind: the batch has brought it forward.
            if skip.reason == .expiryTooFar, entry.expires <= clock + SeenRecord.maximumLifetime {
                delayed.append((now + .seconds(1), place))
                continue
            }
            remove(place)
            if !entry.waiters.isEmpty {
                news.answers.append(Answer(waiters: entry.waiters, news: .refused(skip.reason)))
            }
        }
        if !batch.ticks.isEmpty {
            let final = FinalTransaction(
                id: .zero, height: height, leaf: block.header.logSize, time: block.header.time,
                outcome: .accepted, message: "")
            news.answers.append(Answer(waiters: batch.ticks, news: .state(.final(final))))
        }
        return news
    }

    /// Lets go of what was handed over to validators and is final: nobody sees their batches as this node's,
    /// so it is the transactions that tell.
    private mutating func settleHandedOver() {
        let settled = sent.filter { _, batches in
            batches.allSatisfy {
                $0.epochBlock == .zero && $0.ticks.isEmpty && $0.places.allSatisfy { entries[$0] == nil }
            }
        }
        for digest in settled.keys.sorted() {
            while take(digest) != nil {}
            failures = 0
        }
    }

    /// Lets go of transactions that no block takes: they are on the ledger already, say.
    mutating func refuse(_ ids: [TransactionID], _ reason: Skip.Reason) -> [Answer] {
        defer { settleHandedOver() }
        return ids.compactMap { id in
            guard let place = entries.place(of: id), let entry = remove(place), !entry.waiters.isEmpty
            else { return nil }
            return Answer(waiters: entry.waiters, news: .refused(reason))
        }
    }

    struct FinalNews: Sendable {
        var answers: [Answer] = []
        /// From submission to finality.
        var latencies: [Span] = []
    }

    // MARK: Time

    /// Queues what was to wait until now.
    mutating func wake(_ now: Timestamp) {
        guard delayed.contains(where: { $0.due <= now }) else { return }
        let due = delayed.filter { $0.due <= now }
        delayed.removeAll { $0.due <= now }
        for (_, place) in due { enqueue(place) }
    }

    /// An order that gets on is busy rather than dead: a batch has longer in it, but not for ever, since the
    /// engine may pass over this member. What was given to a validator may never have arrived there, and how
    /// the order gets on says nothing about that.
    private func isLate(_ batch: Sent, _ now: Timestamp, after wait: Span) -> Bool {
        guard !batch.isSeen, now - batch.since >= wait else { return false }
        let factor = batch.epochBlock == .zero ? Outbox.handedOverFactor : Outbox.busyFactor
        return now - progress >= wait || now - batch.since >= Span(nanoseconds: wait.nanoseconds * factor)
    }

    private static let busyFactor: Int64 = 8
    private static let handedOverFactor: Int64 = 2

    /// What batches hold that are not seen at a position after a while, each batch once: others may reach the
    /// engine where this node does not.
    mutating func overdue(_ now: Timestamp, after wait: Span) -> [[UInt8]] {
        func isOverdue(_ batch: Sent) -> Bool {
            !batch.isHandedOver && isLate(batch, now, after: wait)
        }
        var transactions: [[UInt8]] = []
        for digest in sent.filter({ $0.value.contains(where: isOverdue) }).keys.sorted() {
            guard var batches = sent[digest] else { continue }
            for index in batches.indices where isOverdue(batches[index]) {
                batches[index].isHandedOver = true
                transactions += batches[index].places.compactMap { entries[$0]?.bytes }
            }
            sent[digest] = batches
        }
        return transactions
    }

    /// Takes back batches that were not seen at a position in time, and says what they hold.
    mutating func late(_ now: Timestamp, after wait: Span) -> [[UInt8]] {
        let wait = Span(nanoseconds: wait.nanoseconds << Int64(min(failures, 6)))
        let digests = sent.filter { $0.value.contains { isLate($0, now, after: wait) } }.keys.sorted()
        guard !digests.isEmpty else { return [] }
        var transactions: [[UInt8]] = []
        for digest in digests {
            guard let batch = take(digest) else { continue }
            transactions += batch.places.compactMap { entries[$0]?.bytes }
            again(batch, at: nil)
        }
        failures += 1
        return transactions
    }

    /// Lets go of what a final block's time is past: it is on no block, and no later one takes it.
    mutating func expire(through finalTime: Timestamp) -> [Answer] {
        entries.all { $0.expires <= finalTime }.map { place, entry in
            remove(place)
            return Answer(waiters: entry.waiters, news: .refused(.expired))
        }
    }

    /// What the outbox file has to hold.
    var durable: [[UInt8]] { entries.all(where: \.isDurable).map(\.entry.bytes) }

    /// Lets go of everything.
    mutating func fail(_ error: NodeError) -> [Answer] {
        var waiting = ticks
        for (_, entry) in entries.all(where: { !$0.waiters.isEmpty }) { waiting += entry.waiters }
        for (_, batches) in sent { for batch in batches { waiting += batch.ticks } }
        self = Outbox()
        return [Answer(waiters: waiting, news: .failed(error))]
    }
}
