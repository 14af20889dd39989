import Codec
import Cryptography
import Merkle
import Testing

@testable import Ledger

/// A contract with just enough in it to exercise the ledger: named counters, a deadline, a trap for reads.
enum CounterContract: Contract {
    static let name = "counter"

    enum Action: Codable, Sendable {
        case add(Add)
        case addThenRefuse(Add)
        case delete(Add)
        case later(Later)
    }

    struct Add: Codable, Sendable {
        var counter: String
        var amount: Int64
    }

    struct Later: Codable, Sendable {
        var counter: String
        var seconds: Int64
    }

    struct Counter: Record {
        static let table = "counter"
        static let indexes = [Index<Counter>("owner") { $0.owner.keyBytes }]
        var name: MemberID
        var owner: MemberID
        var value: Int64
        var id: MemberID { name }
    }

    static func apply(_ action: Action, in context: Context) throws(Rejection) {
        switch action {
        case .add(let add): try change(add, context)
        case .addThenRefuse(let add):
            try change(add, context)
            context.emit("never", "heard")
            throw Rejection("counter.refused", "as asked")
        case .delete(let add): try context.delete(Counter.self, try name(add.counter))
        case .later(let later):
            try context.schedule(
                "ring", at: context.time + .seconds(later.seconds), subject: Array(later.counter.utf8))
        }
    }

    private static func name(_ text: String) throws(Rejection) -> MemberID {
        guard let name = MemberID(text) else { throw Rejection("counter.bad_name") }
        return name
    }

    private static func change(_ add: Add, _ context: Context) throws(Rejection) {
        let name = try name(add.counter)
        let owner = try context.signer.member
        var counter = try context.get(Counter.self, name) ?? Counter(name: name, owner: owner, value: 0)
        let (sum, overflow) = counter.value.addingReportingOverflow(add.amount)
        try context.require(!overflow, else: "counter.overflow")
        counter.value = sum
        try context.put(counter)
        context.emit("added", name)
    }

    static func due(_ timer: Timer, in context: Context) throws(Rejection) {
        guard let name = MemberID(String(decoding: timer.subject, as: UTF8.self)) else { return }
        var counter = try context.existing(Counter.self, name)
        counter.value += 1000
        try context.put(counter)
    }
}

/// Rows in memory, as the edge would keep them.
final class MemoryRows: StateReader {
    private(set) var rows: [RowKey: [UInt8]] = [:]
    var failure: (any Error)?

    func value(for key: RowKey) throws -> [UInt8]? {
        if let failure { throw failure }
        return rows[key]
    }

    func keys(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [RowKey] {
        let start = RowKey(bytes: start)
        let keys = rows.keys.filter { $0.bytes.starts(with: prefix) && !($0 < start) }
        return Array(keys.sorted().prefix(limit))
    }

    func apply(_ changes: [RowChange]) {
        for change in changes { rows[change.key] = change.value }
    }
}

/// A one-validator ledger in memory, driven batch by batch.
final class TestLedger {
    static let hash = SHA256.hash
    static let verifier = SignatureVerifier { Ed25519.verify(publicKey: $0, signature: $1, message: $2) }
    static let start = Timestamp(milliseconds: 1_767_225_600_000)

    let voter = TestLedger.key(1)
    let members = ["alpha": TestLedger.key(2), "beta": TestLedger.key(3)]
    let rules: Rules
    let genesis: Genesis
    let rows = MemoryRows()
    var replica: Replica
    var records: [BlockRecord] = []
    var blocks: [ExecutedBlock] = []
    var leaves: [Leaf] = []
    var clock = TestLedger.start
    private var position: UInt64 = 0
    private var nonce: UInt64 = 0

    static func key(_ number: UInt8) -> Ed25519.SigningKey {
        // swift-format-ignore: NeverUseForceTry
        try! Ed25519.SigningKey(seed: [UInt8](repeating: number, count: 32))
    }

    static func signer(_ key: Ed25519.SigningKey) -> MessageSigner {
        MessageSigner(publicKey: key.publicKey.bytes) { key.sign($0) }
    }

    static func contracts(_ version: UInt64 = 1) -> ContractSet {
        ContractSet(version: version, contracts: [CounterContract.self]) {
            (genesis: Genesis, context: Context) throws(Rejection) in
            for (name, number) in [("alpha", 2), ("beta", 3)] {
                let publicKey = TestLedger.key(UInt8(number)).publicKey.bytes
                try context.put(AccountRecord(id: MemberID(name)!))
                try context.put(
                    KeyRecord(
                        id: KeyID(publicKey: publicKey, hash: context.hash), publicKey: Bytes(publicKey),
                        account: MemberID(name)!, kind: .member, since: 0))
            }
            let quota = genesis.parameters
            try context.put(
                ParametersRecord(
                    transactionsPerSecond: quota.transactionsPerSecond, bytesPerSecond: quota.bytesPerSecond))
            try context.put(ValidatorsRecord(current: genesis.validators))
        }
    }

    init(parameters: Genesis.Parameters = .init()) throws {
        genesis = Genesis(
            name: "test", created: TestLedger.start, simulated: true,
            validators: [.init(member: MemberID("alpha")!, votingKey: Bytes(voter.publicKey.bytes))],
            parameters: parameters, founders: Bytes([]))
        let bytes = try genesis.encoded()
        rules = Rules(
            chain: TestLedger.hash(bytes), hash: TestLedger.hash, verify: TestLedger.verifier,
            contracts: [TestLedger.contracts()])
        let (replica, effects) = try Replica.found(
            genesis, bytes: bytes, rules: rules, voters: [TestLedger.signer(voter)])
        self.replica = replica
        take(effects)
    }

    private func take(_ effects: [Replica.Effect]) {
        for record in effects.storedBlocks {
            records.append(record)
            rows.apply(record.changes)
        }
        for case .final(let block) in effects { blocks.append(block) }
    }

    func payload(
        _ action: CounterContract.Action, expires: Timestamp? = nil, nonce: [UInt8]? = nil
    ) throws -> TransactionPayload {
        self.nonce += 1
        return try TransactionPayload(
            chain: rules.chain, expires: expires ?? clock + .minutes(10),
            nonce: nonce ?? bigEndianBytes(self.nonce), contract: CounterContract.self, action: action)
    }

    func signed(_ payload: TransactionPayload, by member: String = "alpha") -> [UInt8] {
        TestLedger.signer(members[member]!).sign(payload, hash: TestLedger.hash)
    }

    func add(_ amount: Int64, to counter: String = "c", by member: String = "alpha") throws -> [UInt8] {
        signed(try payload(.add(.init(counter: counter, amount: amount))), by: member)
    }

    func batch(_ transactions: [[UInt8]], signer: Ed25519.SigningKey? = nil, epoch: Digest? = nil) -> [UInt8]
    {
        Batch.signed(
            chain: rules.chain, epochBlock: epoch ?? replica.inForce.block, clock: clock,
            transactions: transactions, signer: TestLedger.signer(signer ?? voter), hash: TestLedger.hash)
    }

    /// Orders and executes one batch of raw transactions.
    @discardableResult
    func run(_ transactions: [[UInt8]], verified: Bool = true) throws -> ExecutedBlock {
        let effects = try order(batch(transactions), verified: verified)
        take(effects)
        let block = blocks[blocks.count - 1]
        for included in block.included {
            leaves.append(
                Leaf(
                    height: block.header.height, time: block.header.time,
                    transaction: transactions[included.index], outcome: included.outcome))
        }
        return block
    }

    func order(_ bytes: [UInt8], verified: Bool = true, isOwn: Bool = false) throws -> [Replica.Effect] {
        let next = try next(bytes, verified: verified, isOwn: isOwn)
        position += 1
        return try replica.ordered(next, reader: rows)
    }

    /// What `run` would order.
    func next(_ transactions: [[UInt8]]) throws -> OrderedBatch {
        try next(batch(transactions), verified: true)
    }

    private func next(_ bytes: [UInt8], verified: Bool, isOwn: Bool = false) throws -> OrderedBatch {
        let batch = try Batch(decoding: bytes, chain: rules.chain)
        let candidates = batch.transactions.map { candidate($0, verified: verified) }
        return OrderedBatch(batch: batch, position: position + 1, candidates: candidates, isOwn: isOwn)
    }

    private func candidate(_ bytes: [UInt8], verified: Bool) -> Candidate {
        guard let transaction = try? UnverifiedTransaction(decoding: bytes, hash: TestLedger.hash) else {
            return .invalid(.malformed)
        }
        guard verified, let key = members.values.first(where: { keyID($0) == transaction.key }) else {
            return .unknownKey(transaction)
        }
        let result = VerifiedTransaction(
            transaction, publicKey: key.publicKey.bytes, verifier: TestLedger.verifier, hash: TestLedger.hash)
        return result.map { .verified($0) } ?? .invalid(.badSignature)
    }

    func keyID(_ key: Ed25519.SigningKey) -> KeyID {
        KeyID(publicKey: key.publicKey.bytes, hash: TestLedger.hash)
    }

    func counter(_ name: String) throws -> Int64? {
        let key = CounterContract.Counter.rowKey(MemberID(name)!)
        guard let stored = try rows.value(for: key) else { return nil }
        return try CBOR.decode(CounterContract.Counter.self, from: StoredRow(decoding: stored).record).value
    }

    /// A receipt for a leaf at the head.
    func receipt(_ index: Int) throws -> ReceiptBundle {
        let hashes = leaves.map { LogTree.leafHash(of: $0.encoded, hash: TestLedger.hash) }
        var nodes: [Digest] = []
        var log = LogFrontier()
        for leaf in hashes { log.append(leaf, hash: TestLedger.hash) { nodes.append($0) } }
        let proof = LogProof.inclusion(
            index: UInt64(index), size: UInt64(leaves.count), hash: TestLedger.hash
        ) { nodes[Int($0)] }
        return ReceiptBundle(
            chain: rules.chain, leaf: leaves[index], proof: try #require(proof),
            commits: records[records.count - 1].commits)
    }
}
