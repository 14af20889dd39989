import Ledger

/// What a run is made of, drawn from its seed.
struct Plan {
    enum Validators { case fixed, changing, wiping }

    /// What goes wrong beside the rest in a run that is about that.
    var schedule: Schedule?
    /// The engines' two groups of nodes, always the same ones.
    var split: [Int]?
    /// The first node is killed before this effect.
    var killAt: Int?

    var validators = 1
    var observers = 0
    /// Nodes that lie, and nodes that will forget.
    var liars: [Int] = []
    var forgetful: Int?
    var change = Validators.fixed
    var engines: [String] = []
    var timing = Replica.Timing()
    var delayMilliseconds = 1
    var jitterMilliseconds = 10
    var dropPermille = 0
    var duplicatePermille = 0
    var slowDiskMilliseconds = 0
    var checkpointPermille = 100
    /// Between two things that go wrong, on average.
    var mischiefEvents = 80
    var clientMilliseconds = 150
    /// Everything else goes well: only what a test breaks on purpose goes wrong.
    var isCalm = false
    /// Liars sign everything for everybody from the start, and every engine is two-faced.
    var isEager = false
    /// Liars work on as long as so few nodes are away that the ledger should go on.
    var liarsStay = false
    var clockOffsets: [Int64] = []
    var badClock: Int?

    var nodes: Int { validators + observers }

    static func quorum(_ count: Int) -> Int { 2 * count / 3 + 1 }
    /// One less than 2q − N: so many may lie or forget.
    static func bound(_ count: Int) -> Int { 2 * quorum(count) - count - 1 }

    /// - Parameter excess: liars above the bound.
    init(
        seed: UInt64, excess: Int = 0, isCalm: Bool = false, validators fixed: Int? = nil,
        schedule: Schedule? = nil
    ) {
        var chance = Chance(seed: seed ^ 0x706c_616e)
        self.isCalm = isCalm
        validators = fixed ?? chance.pick([1, 2, 3, 3, 4, 4, 4, 4, 5, 5, 6, 7, 7]) ?? 4
        if excess > 0 { validators = fixed ?? chance.within(4...7) }
        observers = chance.pick([0, 0, 1, 2, 4]) ?? 0
        timing.retry = .milliseconds(150)
        timing.fetch = .milliseconds(100)
        timing.suspect = .milliseconds(Int64(chance.pick([300, 500, 1200]) ?? 500))
        timing.change = .milliseconds(Int64(chance.pick([300, 1000]) ?? 300))
        let lists = [["embedded:"], ["nats:a", "embedded:"], ["nats:a", "nats:b", "embedded:"]]
        engines = chance.pick(lists) ?? ["embedded:"]
        delayMilliseconds = chance.within(1...8)
        jitterMilliseconds = chance.within(2...40)
        checkpointPermille = chance.pick([20, 100, 500]) ?? 100
        clientMilliseconds = chance.pick([80, 200, 600]) ?? 200
        clockOffsets = (0..<nodes).map { _ in Int64(chance.within(-40...40)) }
        if isCalm, excess == 0 { return }
        isEager = excess > 0 || chance.permille(200)
        let most = Plan.bound(validators)
        let count = isEager ? most + excess : chance.below(most + 1)
        if isEager || chance.permille(600) {
            liars = Array(chance.shuffle(Array(0..<validators)).prefix(count)).sorted()
        }
        if isCalm { return }
        dropPermille = chance.pick([0, 0, 20, 100, 250]) ?? 0
        duplicatePermille = chance.pick([0, 30, 150]) ?? 0
        slowDiskMilliseconds = chance.pick([0, 0, 5, 40]) ?? 0
        mischiefEvents = chance.pick([25, 80, 200]) ?? 80
        if liars.count < Plan.bound(validators), chance.permille(250) {
            forgetful = chance.pick((0..<validators).filter { !liars.contains($0) })
        }
        if liars.isEmpty, forgetful == nil, validators > 3, chance.permille(300) {
            change = .wiping
        } else if nodes > 1, chance.permille(400) {
            change = .changing
        }
        liarsStay =
            change == .fixed && liars.count <= validators - Plan.quorum(validators)
            && chance.permille(500)
        if validators > 2, liars.count + 1 <= (validators - 1) / 2, chance.permille(300) {
            badClock = chance.below(validators)
        }
        self.schedule = schedule
        if let schedule { set(schedule, fixed, &chance) }
    }

    /// Draws again what a schedule is about.
    private mutating func set(_ schedule: Schedule, _ fixed: Int?, _ chance: inout Chance) {
        if fixed == nil, validators < 4 { validators = chance.within(4...7) }
        clockOffsets = (0..<nodes).map { _ in Int64(chance.within(-40...40)) }
        let bound = Plan.bound(validators)
        var others = chance.shuffle(Array(0..<validators))
        (forgetful, badClock, change, liarsStay) = (nil, nil, .fixed, false)
        isEager = schedule != .deaths && schedule != .outages
        switch schedule {
        case .rollback, .rollbackTooMany:
            // One that forgets counts like one that lies.
            forgetful = others.removeFirst()
            liars = Array(others.prefix(schedule == .rollback ? bound - 1 : bound)).sorted()
        case .restoration:
            change = .wiping
            liars = Array(others.prefix(bound)).sorted()
        case .snapshots:
            liars = Array(others.prefix(bound)).sorted()
            isEager = chance.permille(500)
        case .deaths:
            change = .changing
            liars = chance.permille(500) ? Array(others.prefix(chance.below(bound + 1))).sorted() : []
        case .outages:
            badClock = others.removeFirst()
            // A liar's clock is no better.
            liars = Array(others.prefix(min(bound, (validators - 1) / 2 - 1))).sorted()
        }
    }
}

/// What a run is about beside what every run draws.
package enum Schedule: String, CaseIterable, Sendable {
    /// A disk goes back unnoticed again and again, and with it so many lie that all are at the bound.
    case rollback
    /// One more lies: a checker must find something.
    case rollbackTooMany
    /// A company restores a backup, without its voting key, while so many lie as may.
    case restoration
    /// Nodes take snapshots, and so many serve false ones as may lie.
    case snapshots
    /// Members die for good while the validators change.
    case deaths
    /// Everybody is away for up to days, while one validator's clock is days ahead.
    case outages
}

/// A way in which a node breaks the rules so that a checker has something to find.
package enum Sabotage: String, Sendable {
    /// Nothing reaches the disk.
    case skipStores
    /// Signatures leave before they are written.
    case publishBeforeStore
    /// A restart forgets every promise and signature.
    case forgetVotes
    /// A restart signs the same thing with other bytes.
    case changeSignatures
    /// A commit with every vote.
    case commitAtOnce
    /// Stops that hide the lock.
    case hideLocks
    /// Signs whatever anybody executes.
    case signEverything
    /// Ids of transactions are forgotten.
    case forgetIDs
    /// Every clock is an hour fast.
    case fastClock
    /// Nothing that clients sign is submitted, and nobody complains.
    case submitNothing
    /// The engine is suspected whatever it does.
    case complainAlways
    /// Rows come out wrong at one node.
    case wrongRows
    /// Blocks are told to be final once they are voted for.
    case tellTooEarly
    /// Blocks are told with an earlier time.
    case turnTimeBack
    /// Blocks are told with a time after their transactions' expiry.
    case leafAfterExpiry
    /// One node tells other outcomes.
    case changeOutcome
    /// A final block is not told.
    case skipFinal
    /// One node's rows gain one.
    case spoilRows
    /// Transactions are told to have expired before they have.
    case expireEarly
    /// Promises and stops are not written.
    case skipPromises
    /// Commits twice at a height.
    case commitTwice
    /// A block names a parent that is none.
    case wrongParent
    /// Epoch blocks hold fewer stops than a quorum.
    case dropStops
    /// One validator's stop stands in for another's.
    case repeatStops
    /// A stop is not signed by whom it names.
    case forgeStops
    /// Epoch blocks begin below the highest lock of their stops.
    case startLow
    /// Anybody proposes.
    case outOfTurn
    /// Messages lose something on their way through their bytes.
    case miscodeMessages
    /// Records lose something on their way through their bytes.
    case miscodeLog
    /// A block is told with a leaf that nobody signed.
    case inventLeaf
    /// Snapshots are taken as they come.
    case trustSnapshots
    /// Rows come out wrong at every node in the same way.
    case wrongRowsEverywhere
}
