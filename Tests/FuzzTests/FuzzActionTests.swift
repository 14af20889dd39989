import Codec
import Contracts
import Ledger
import Merkle
import TestSupport
import Testing

/// Changed actions under valid signatures: the executor takes each one, refuses what is not allowed without a
/// trace, and what it keeps is consistent.
@Suite struct FuzzActionTests {
    /// The body of a signed transaction.
    private static func body(_ transaction: [UInt8], _ stage: Stage) throws -> (TransactionPayload, [UInt8]) {
        let payload = try UnverifiedTransaction(decoding: transaction, hash: stage.rules.hash).payload
        return (payload, payload.encodedAction)
    }

    /// Rows that the ledger keeps for itself whatever becomes of a transaction.
    private static let ownTables: Set<String> = ["clocks", "quota", "seen", "~leaf"]

    private static func contractRows(_ stage: Stage) -> [RowKey: [UInt8]] {
        stage.rows.values.filter { !ownTables.contains($0.key.table) }
    }

    @Test(.timeLimit(.minutes(60)), arguments: ContractCase.all.enumerated().map { $0.offset })
    func takesAnyActionOfAValidSigner(index: Int) throws {
        let test = ContractCase.all[index]
        var prepared = try ContractCase.base()
        try test.prepare(&prepared)
        let key = test.allowed.contains(test.actor) ? test.actor : "inv.invitation"
        var signing = prepared
        let (payload, body) = try Self.body(test.transaction(&signing, key, test.actor), prepared)
        var bytes = Mutator(seed: FuzzRun.seed &+ UInt64(index), seeds: [body])
        var values = ItemMutator(
            seed: FuzzRun.seed &+ UInt64(index), item: try Item(body), pool: try Self.pool(prepared))
        var stage = prepared
        var accepted = 0
        try FuzzRun.run("action-\(test.action)-\(index)", inputs: 80) { number in
            number % 4 == 0 ? bytes.next() : values.next()
        } take: { input in
            // What is accepted changes the state; then the run begins again where the action is allowed.
            if accepted > 2 {
                try Self.letTimePass(&stage)
                try Self.checkConsistent(stage)
                (stage, accepted) = (prepared, 0)
            }
            if try Self.take(input, payload, by: key, &stage) == .accepted { accepted += 1 }
        }
        try Self.checkConsistent(stage)
    }

    /// Values from the bodies of all actions that can be signed here.
    private static func pool(_ stage: Stage) throws -> [Item] {
        try ContractCase.all.flatMap { other -> [Item] in
            var stage = stage
            guard let transaction = try? other.transaction(&stage, other.actor, other.actor) else {
                return []
            }
            return try Item(try body(transaction, stage).1).all
        }
    }

    /// Deadlines of whatever was accepted come: within hours, weeks, years, and at the end of time.
    private static func letTimePass(_ stage: inout Stage) throws {
        for span in [Span.hours(2), .days(20), .days(400)] { try stage.advance(by: span) }
        try stage.advance(to: .maximum)
        try stage.advance(to: .maximum)
    }

    private static func take(
        _ input: [UInt8], _ payload: TransactionPayload, by key: String, _ stage: inout Stage
    ) throws -> Stage.Verdict {
        var changed = payload
        changed.nonce = Array(
            stage.rules.hash(input + bigEndianBytes(stage.executor.head.height)).bytes.prefix(16))
        changed.encodedAction = input
        let bytes = Stage.signer(key).sign(changed, hash: stage.rules.hash)
        let before = contractRows(stage)
        let verdict = try stage.submit(bytes)
        if case .refused(let code) = verdict {
            guard contractRows(stage) == before else {
                throw FuzzTarget.Broken("refused with \(code), and it left a trace")
            }
            guard code.utf8.count <= 64, code.contains(".") else {
                throw FuzzTarget.Broken("an odd code: \(code)")
            }
        }
        return verdict
    }

    /// The tree grown block by block is the one that the rows give.
    private static func checkConsistent(_ stage: Stage) throws {
        var pairs: [(key: Digest, value: Digest)] = []
        for (key, value) in stage.rows.values where !key.isDerived {
            pairs.append(
                (
                    Executor.treeKey(key, hash: stage.rules.hash),
                    Executor.treeValue(value, hash: stage.rules.hash)
                ))
        }
        pairs.sort { $0.key < $1.key }
        let tree = StateTree(building: pairs, hash: stage.rules.hash)
        #expect(tree.root == stage.executor.head.stateRoot)
        #expect(tree.root == stage.executor.tree.root)
    }

    /// A name that Unicode holds equal to another is another name: K (U+212A) is canonically equal to K.
    @Test func aCanonicallyEqualNameIsNotTheSame() throws {
        var stage = try ContractCase.base()
        let key = Stage.sealingKey("another").array
        for (name, field) in [
            ("rotate\u{212a}eys", "sealingPublicKey"), ("rotateKeys", "sealingPublic\u{212a}ey"),
        ] {
            var writer = CBORWriter()
            writer.map(1)
            writer.text(name)
            writer.map(1)
            writer.text(field)
            writer.byteString(key)
            let action = ConsortiumContract.Action.rotateKeys(.init(sealingPublicKey: Bytes(key)))
            let (payload, _) = try Self.body(
                try stage.sign(ConsortiumContract.self, action, by: "customer"), stage)
            let verdict = try Self.take(writer.bytes, payload, by: "customer", &stage)
            #expect(verdict != .accepted, "«\(name)» with «\(field)» was accepted")
        }
    }
}
