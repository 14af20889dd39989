import Codec
import Contracts
import Cryptography
import Ledger

/// Rows in memory, as a value.
package struct MemoryRows: StateReader, Sendable {
    package private(set) var values: [RowKey: [UInt8]] = [:]

    package init() {}

    package func value(for key: RowKey) throws -> [UInt8]? { values[key] }

    package func keys(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [RowKey] {
        let start = RowKey(bytes: start)
        let keys = values.keys.filter { $0.bytes.starts(with: prefix) && !($0 < start) }
        return Array(keys.sorted().prefix(limit))
    }

    package mutating func apply(_ changes: [RowChange]) {
        for change in changes { values[change.key] = change.value }
    }
}

/// A founded consortium under the real executor and the real rules, as a value: a copy is a snapshot, and
/// what is done to it touches no other.
///
/// Members, by role: board `b1`, `b2`, `b3`; `oem`, `oem2`; `customer`, `customer2`; maintainers `m1`, `m2`,
/// `m3`; `arbiter`, `arbiter2`; `auditor`. Keys follow from their names. Each action is a block of its own.
package struct Stage: Sendable {
    /// 2025-01-01 00:00 UTC.
    package static let start = Timestamp(milliseconds: 1_735_689_600_000)
    package static let members = [
        "arbiter", "arbiter2", "auditor", "b1", "b2", "b3", "customer", "customer2", "m1", "m2", "m3", "oem",
        "oem2",
    ]

    /// What became of a transaction.
    package enum Verdict: Hashable, Sendable {
        case accepted
        /// With a leaf or without: the code.
        case refused(String)
    }

    package struct Unexpected: Error, CustomStringConvertible {
        package let description: String
    }

    package let rules: Rules
    package private(set) var executor: Executor
    package private(set) var rows = MemoryRows()
    package private(set) var clock = Stage.start
    private let epochBlock: Digest
    private var knownKeys: [KeyID: (key: KnownKey, height: Height)] = [:]
    private var nonce: UInt64 = 0

    package init(contracts: [ContractSet] = [.version1], engines: [String]? = nil) throws {
        Cryptography.initialise()
        let founders = Stage.members.map(Stage.founder)
        let genesis = Genesis(
            name: "stage", created: Stage.start, simulated: true,
            validators: [
                .init(member: MemberID("b1")!, votingKey: Stage.publicKey("voting"))
            ], parameters: .init(), engines: engines, founders: Bytes(try CBOR.encode(founders)))
        let bytes = try genesis.encoded()
        rules = Rules(
            chain: SHA256.hash(bytes), hash: SHA256.hash,
            verify: SignatureVerifier { Ed25519.verify(publicKey: $0, signature: $1, message: $2) },
            contracts: contracts)
        let (executor, block) = try Executor.found(genesis, bytes: bytes, rules: rules)
        self.executor = executor
        epochBlock = block.hash
        rows.apply(block.changes)
    }

    // MARK: Running

    /// Signs an action with the key of a name, without running it.
    package mutating func sign<C: Contract>(_ contract: C.Type, _ action: C.Action, by key: String) throws
        -> [UInt8]
    {
        nonce += 1
        let payload = try TransactionPayload(
            chain: rules.chain, expires: clock + .hours(1), nonce: bigEndianBytes(nonce), contract: contract,
            action: action)
        return Stage.signer(key).sign(payload, hash: rules.hash)
    }

    /// Executes one block.
    @discardableResult
    package mutating func run(_ transactions: [[UInt8]]) throws -> ExecutedBlock {
        let voter = Stage.signer("voting")
        let bytes = Batch.signed(
            chain: rules.chain, epochBlock: epochBlock, clock: clock, transactions: transactions,
            signer: voter, hash: rules.hash)
        let batch = try Batch(decoding: bytes, chain: rules.chain)
        var reading = executor
        let read = try reading.execute(
            ordered(batch, try batch.transactions.map { try candidate($0, asKnown: false) }),
            sender: MemberID("b1")!,
            reader: rows)
        let block = try executor.execute(
            ordered(batch, try batch.transactions.map { try candidate($0, asKnown: true) }),
            sender: MemberID("b1")!,
            reader: rows)
        guard block.hash == read.hash, block.changes == read.changes, block.skipped == read.skipped else {
            throw Unexpected(description: "a block of keys that were known is another than of keys read")
        }
        rows.apply(block.changes)
        return block
    }

    /// Goes on with another executor at the same head.
    package mutating func resume(with executor: Executor) {
        precondition(executor.headHash == self.executor.headHash)
        self.executor = executor
    }

    private func ordered(_ batch: Batch, _ candidates: [Candidate]) -> OrderedBatch {
        OrderedBatch(batch: batch, position: executor.head.position + 1, candidates: candidates)
    }

    /// - Parameter asKnown: with the key's record as it was when the key first signed, which may be long ago.
    private mutating func candidate(_ bytes: [UInt8], asKnown: Bool) throws -> Candidate {
        guard let transaction = try? UnverifiedTransaction(decoding: bytes, hash: rules.hash) else {
            return .invalid(.malformed)
        }
        let record = try get(KeyRecord.self, transaction.key)
        let verified: VerifiedTransaction?
        if asKnown {
            if knownKeys[transaction.key] == nil, let key = record.flatMap({ KnownKey($0, hash: rules.hash) })
            {
                knownKeys[transaction.key] = (key, executor.head.height)
            }
            guard let known = knownKeys[transaction.key] else { return .unknownKey(transaction) }
            verified = VerifiedTransaction(transaction, known.key, at: known.height, verifier: rules.verify)
        } else {
            guard let record else { return .unknownKey(transaction) }
            verified = VerifiedTransaction(
                transaction, publicKey: record.publicKey.array, verifier: rules.verify, hash: rules.hash)
        }
        return verified.map { .verified($0) } ?? .invalid(.badSignature)
    }

    /// What becomes of a signed transaction in a block of its own.
    package mutating func submit(_ transaction: [UInt8]) throws -> Verdict {
        let block = try run([transaction])
        if let skip = block.skipped.first { return .refused(skip.reason.rawValue) }
        guard let included = block.included.first else { throw Unexpected(description: "no answer") }
        guard case .rejected(let code) = included.outcome else { return .accepted }
        return .refused(code)
    }

    package mutating func perform<C: Contract>(
        _ contract: C.Type, _ action: C.Action, by key: String
    ) throws -> Verdict { try submit(try sign(contract, action, by: key)) }

    /// Carries out a step that has to succeed.
    package mutating func step<C: Contract>(_ contract: C.Type, _ action: C.Action, by key: String) throws {
        let verdict = try perform(contract, action, by: key)
        guard verdict == .accepted else {
            throw Unexpected(description: "\(contract) by \(key): \(verdict) for \(action)")
        }
    }

    /// Moves consensus time, and carries out what is due.
    package mutating func advance(to time: Timestamp) throws {
        clock = max(clock, time)
        try run([])
    }

    package mutating func advance(by span: Span) throws { try advance(to: clock + span) }

    package func get<R: Record>(_ type: R.Type, _ id: R.ID) throws -> R? {
        guard let stored = try rows.value(for: R.rowKey(id)) else { return nil }
        return try CBOR.decode(R.self, from: StoredRow(decoding: stored).record)
    }

    // MARK: Keys and members, by name

    package static func signingKey(_ name: String) -> Ed25519.SigningKey {
        do { return try Ed25519.SigningKey(seed: SHA256.digest(Array("seed \(name)".utf8)).bytes) } catch {
            fatalError("a digest is a seed: \(error)")
        }
    }

    package static func signer(_ name: String) -> MessageSigner {
        let key = signingKey(name)
        return MessageSigner(publicKey: key.publicKey.bytes) { key.sign($0) }
    }

    package static func publicKey(_ name: String) -> Bytes { Bytes(signingKey(name).publicKey.bytes) }
    package static func keyID(_ name: String) -> KeyID {
        KeyID(publicKey: publicKey(name).array, hash: SHA256.hash)
    }

    /// Any 32 bytes serve: contracts never compute with a sealing key.
    package static func sealingKey(_ name: String) -> Bytes {
        Bytes(SHA256.digest(Array("sealing \(name)".utf8)).bytes)
    }

    /// A signing key with its proof of possession.
    package func newKey(_ name: String, for member: String, sealing: Bytes?) -> ConsortiumContract.NewKey {
        let key = Stage.signingKey(name)
        let message = ConsortiumContract.possessionMessage(
            chain: rules.chain, member: MemberID(member)!, signingPublicKey: key.publicKey.bytes,
            sealingPublicKey: sealing?.array ?? [])
        return .init(publicKey: Bytes(key.publicKey.bytes), possession: Bytes(key.sign(message)))
    }

    package static func roles(of name: String) -> [Role] {
        switch name {
        case "b1", "b2", "b3": [.board]
        case "oem", "oem2": [.oem]
        case "m1", "m2", "m3": [.maintainer]
        case "arbiter", "arbiter2": [.arbiter]
        case "auditor": [.auditor]
        default: [.customer]
        }
    }

    private static func founder(_ name: String) -> Founder {
        Founder(
            id: MemberID(name)!, name: "\(name) GmbH", roles: roles(of: name), profile: profile(name),
            signingPublicKey: publicKey(name), sealingPublicKey: sealingKey(name))
    }

    package static func profile(_ name: String) -> MemberProfile {
        MemberProfile(
            registrationName: "\(name) GmbH", city: "Ulm", country: "DE", vatID: "DE123456789",
            email: "office@\(name).example")
    }

    package static func document(_ name: String) -> DocumentReference {
        DocumentReference(
            cid: "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
            digest: SHA256.digest(Array(name.utf8)), size: 1234, mediaType: "application/pdf", name: name)
    }
}
