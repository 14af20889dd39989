import Codec
import Merkle

/// The transactions of one block, in order, on one state.
struct TransactionRun {
    let rules: Rules
    let contracts: ContractSet
    let parameters: ParametersRecord
    let state: BlockState
    let height: Height
    let time: Timestamp
    let firstLeaf: UInt64
    private(set) var included: [Included] = []
    private(set) var skipped: [Skip] = []
    private(set) var leafHashes: [Digest] = []
    /// The included transactions' ids, expiries and leaves.
    private(set) var used: [(id: TransactionID, expires: Timestamp, leaf: UInt64)] = []
    private var ids: Set<TransactionID> = []
    /// Of each member that has signed, in order of their first transactions.
    private var standings: [Standing] = []
    private var standingPlaces: [MemberID: Int] = [:]
    /// Where leaves are encoded before they are hashed.
    private var writer = CBORWriter()

    /// What a member may do in this block.
    private struct Standing {
        var quota: QuotaRecord
        /// As it was read after so many changes of accounts.
        var status: (AccountRecord.Status, changes: Int)?
    }

    init(
        rules: Rules, contracts: ContractSet, parameters: ParametersRecord, state: BlockState, height: Height,
        time: Timestamp, firstLeaf: UInt64, count: Int
    ) {
        (self.rules, self.contracts, self.parameters, self.state) = (rules, contracts, parameters, state)
        (self.height, self.time, self.firstLeaf) = (height, time, firstLeaf)
        included.reserveCapacity(count)
        leafHashes.reserveCapacity(count)
        used.reserveCapacity(count)
        ids.reserveCapacity(count)
    }

    /// Carries out one transaction: a leaf, or a reason for none.
    /// - Parameters:
    ///   - known: the signer's key as it is in the state before the block, where that is known.
    ///   - leaf: from which on an earlier block may have used the transaction's id; nil where none has.
    mutating func process(
        _ candidate: Candidate, at index: Int, known: KnownKey?, usedFrom leaf: UInt64?
    ) throws {
        state.change.position = UInt32(index) + 1
        let transaction: SignedTransaction
        var unverified: UnverifiedTransaction?
        switch candidate {
        case .invalid(let reason): return skip(index, reason)
        case .verified(let verified): transaction = verified.transaction
        case .unknownKey(let found): (transaction, unverified) = (found.transaction, found)
        }
        guard let key = try key(transaction.key, known), key.record.since < height else {
            return skip(index, .unknownKey)
        }
        if let unverified {
            let verified = VerifiedTransaction(
                unverified, publicKey: key.record.publicKey.array, verifier: rules.verify, hash: rules.hash)
            guard verified != nil else { return skip(index, .badSignature) }
        }
        if let reason = try admissible(transaction, usedFrom: leaf, key: key) {
            return skip(index, reason)
        }
        let (outcome, message) = try execute(transaction, key: key)
        ids.insert(transaction.id)
        used.append(
            (transaction.id, transaction.payload.expires, firstLeaf + UInt64(leafHashes.count)))
        state.keep()
        writer.clear()
        Leaf(height: height, time: time, transaction: transaction.bytes, outcome: outcome).write(to: &writer)
        leafHashes.append(LogTree.leafHash(of: writer.bytes, hash: rules.hash))
        included.append(Included(index: index, id: transaction.id, outcome: outcome, message: message))
    }

    /// A key as this transaction finds it.
    private func key(_ id: KeyID, _ known: KnownKey?) throws -> KnownKey? {
        if let known, !state.writtenKeys.contains(id) { return known }
        return try state.record(KeyRecord.self, KeyRecord.rowKey(id)).map { KnownKey(stored: $0) }
    }

    private mutating func skip(_ index: Int, _ reason: Skip.Reason) {
        skipped.append(Skip(index: index, reason: reason))
    }

    /// Chain, expiry, replay, key and quota: what decides whether there is a leaf at all. A key that has
    /// ended is nobody's any more, so that whoever holds a stolen one uses up none of its member's quota.
    private mutating func admissible(
        _ transaction: SignedTransaction, usedFrom leaf: UInt64?, key: KnownKey
    ) throws -> Skip.Reason? {
        guard transaction.payload.chain == rules.chain else { return .wrongChain }
        guard transaction.payload.expires > time else { return .expired }
        guard transaction.payload.expires <= time + SeenRecord.maximumLifetime else { return .expiryTooFar }
        guard try !isUsed(transaction.id, from: leaf) else { return .duplicate }
        guard key.record.isInForce(at: time) else { return .keyEnded }
        let place = try standing(of: key.record.account)
        let taken = standings[place].quota.take(bytes: transaction.bytes.count, parameters: parameters)
        return taken ? nil : .overQuota
    }

    /// Where a member's standing is.
    private mutating func standing(of member: MemberID) throws -> Int {
        if let place = standingPlaces[member] { return place }
        var quota =
            try state.record(QuotaRecord.self, QuotaRecord.rowKey(member)) ?? .full(member, at: time)
        quota.refill(at: time)
        standingPlaces[member] = standings.count
        standings.append(Standing(quota: quota))
        return standings.count - 1
    }

    /// Whether a member may act, as this transaction finds it; nil where there is no such member.
    private mutating func status(of member: MemberID) throws -> AccountRecord.Status? {
        let place = try standing(of: member)
        if let (status, changes) = standings[place].status, changes == state.accountChanges { return status }
        let status = try state.record(AccountRecord.self, AccountRecord.rowKey(member))?.status
        standings[place].status = status.map { ($0, state.accountChanges) }
        return status
    }

    private mutating func execute(
        _ transaction: SignedTransaction, key: KnownKey
    ) throws -> (Outcome, String) {
        let signer = Signer(
            key: key.record.id, member: key.record.account, kind: key.record.kind,
            subject: key.record.subject)
        let context = Context(
            transactionSigner: signer, transactionID: transaction.id, time: time, height: height,
            chain: rules.chain, contract: transaction.payload.contract, hash: rules.hash,
            verify: rules.verify,
            state: state)
        do {
            try authorise(transaction.payload, key: key.record)
            try contracts.apply(transaction.payload, in: context)
            if let fault = state.fault { throw fault }
            return (.accepted, "")
        } catch let rejection as Rejection {
            if let fault = state.fault { throw fault }
            state.undo()
            return (.rejected(rejection.code), rejection.message)
        }
    }

    private mutating func authorise(_ payload: TransactionPayload, key: KeyRecord) throws {
        guard key.covers(contract: payload.contract, action: payload.action) else {
            throw Rejection(
                "key.out_of_scope", "this key may not sign \(payload.contract).\(payload.action)")
        }
        // An invitation's is its inviter: whom the board has stopped invites nobody any more.
        switch try status(of: key.account) {
        case nil: throw Rejection("member.unknown", "the key's member is not there")
        case .active: return
        case .suspended: throw Rejection("member.suspended", "\(key.account) is suspended")
        case .removed: throw Rejection("member.removed", "\(key.account) is no longer a member")
        }
    }

    /// Whether a transaction of the ledger has the id. One that has expired is not asked for.
    private func isUsed(_ id: TransactionID, from leaf: UInt64?) throws -> Bool {
        if ids.contains(id) { return true }
        guard let leaf else { return false }
        return try LeafIndex.leaf(of: id, in: leaf..<max(leaf, firstLeaf), state.read) != nil
    }

    /// Writes the quotas back, and the ids.
    func close() throws {
        state.change.position = 0
        try remember()
        for standing in standings {
            state.write(for: QuotaRecord.rowKey(standing.quota.id)) { standing.quota.write(to: &$0) }
        }
        state.keep()
    }

    /// Adds the ids to those of their moments.
    private func remember() throws {
        let moments = used.map { SeenRecord.Place(of: $0.expires) }
        let order = moments.indices.sorted { (moments[$0].moment, $0) < (moments[$1].moment, $1) }
        var start = 0
        while start < order.count {
            let place = moments[order[start]]
            let key = SeenRecord.rowKey(place)
            var record = try state.record(SeenRecord.self, key) ?? SeenRecord(place)
            while start < order.count, moments[order[start]] == place {
                record.add(used[order[start]].id, leaf: used[order[start]].leaf)
                start += 1
            }
            while let part = record.nextPart() {
                state.write(for: SeenRecord.rowKey(part.id)) { part.write(to: &$0) }
            }
            state.write(for: key) { record.write(to: &$0) }
        }
    }

    /// Where the transactions' leaves are found, by rising key.
    var leafRows: [RowChange] {
        let rows = used.map { LeafIndex.row($0.id, $0.leaf) }
        return KeySorting.order(of: rows.map(\.key.bytes)).map {
            RowChange(key: rows[$0].key, value: rows[$0].value)
        }
    }
}
