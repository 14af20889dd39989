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
    /// Of each of the batch's transactions, whether an earlier block's state remembers its id.
    let areKnown: [Bool]
    private(set) var included: [Included] = []
    private(set) var skipped: [Skip] = []
    private(set) var leafHashes: [Digest] = []
    /// What becomes of the transactions' ids.
    private var remembered = RememberedIDs()
    private var quotas: [MemberID: QuotaRecord] = [:]
    /// The keys of `quotas`, in order of first use.
    private var quotaMembers: [MemberID] = []

    init(
        rules: Rules, contracts: ContractSet, parameters: ParametersRecord, state: BlockState, height: Height,
        time: Timestamp, firstLeaf: UInt64, areKnown: [Bool]
    ) {
        (self.rules, self.contracts, self.parameters, self.state) = (rules, contracts, parameters, state)
        (self.height, self.time, self.firstLeaf) = (height, time, firstLeaf)
        self.areKnown = areKnown
    }

    /// Carries out one transaction: a leaf, or a reason for none.
    mutating func process(_ candidate: Candidate, at index: Int) throws {
        state.change.position = UInt32(index) + 1
        let transaction: SignedTransaction
        var unverified: UnverifiedTransaction?
        switch candidate {
        case .invalid(let reason):
            skipped.append(Skip(index: index, reason: reason))
            return
        case .verified(let verified): transaction = verified.transaction
        case .unknownKey(let found): (transaction, unverified) = (found.transaction, found)
        }
        guard let key = try state.record(KeyRecord.self, KeyRecord.rowKey(transaction.key)),
            key.since < height
        else {
            return skip(index, .unknownKey)
        }
        if let unverified {
            let verified = VerifiedTransaction(
                unverified, publicKey: key.publicKey.array, verifier: rules.verify, hash: rules.hash)
            guard verified != nil else { return skip(index, .badSignature) }
        }
        let seen = SeenRecord.rowKey(transaction.id)
        let isKnown = areKnown[index] || state.holds(seen)
        if let reason = try admissible(transaction, isKnown: isKnown, key: key) {
            return skip(index, reason)
        }
        let signer = Signer(
            key: key.id, member: key.account, kind: key.kind, subject: key.subject)
        let (outcome, message) = try execute(transaction, key: key, signer: signer)
        remember(transaction, at: seen)
        state.keep()
        let leaf = Leaf(height: height, time: time, transaction: transaction.bytes, outcome: outcome)
        leafHashes.append(LogTree.leafHash(of: leaf.encoded, hash: rules.hash))
        included.append(Included(index: index, id: transaction.id, outcome: outcome, message: message))
    }

    private mutating func skip(_ index: Int, _ reason: Skip.Reason) {
        skipped.append(Skip(index: index, reason: reason))
    }

    /// Chain, expiry, replay, key and quota: what decides whether there is a leaf at all. A key that has
    /// ended is nobody's any more, so that whoever holds a stolen one uses up none of its member's quota.
    private mutating func admissible(
        _ transaction: SignedTransaction, isKnown: Bool, key: KeyRecord
    ) throws -> Skip.Reason? {
        guard transaction.payload.chain == rules.chain else { return .wrongChain }
        guard transaction.payload.expires > time else { return .expired }
        guard transaction.payload.expires <= time + SeenRecord.maximumLifetime else { return .expiryTooFar }
        guard !isKnown else { return .duplicate }
        guard key.isInForce(at: time) else { return .keyEnded }
        let account = key.account
        var quota: QuotaRecord
        if let known = quotas[account] {
            quota = known
        } else {
            quota =
                try state.record(QuotaRecord.self, QuotaRecord.rowKey(account))
                ?? .full(account, at: time)
            quota.refill(at: time)
            quotaMembers.append(account)
        }
        let taken = quota.take(bytes: transaction.bytes.count, parameters: parameters)
        quotas[account] = quota
        return taken ? nil : .overQuota
    }

    private func execute(
        _ transaction: SignedTransaction, key: KeyRecord, signer: Signer
    ) throws -> (Outcome, String) {
        let context = Context(
            transactionSigner: signer, transactionID: transaction.id, time: time, height: height,
            chain: rules.chain, contract: transaction.payload.contract, hash: rules.hash,
            verify: rules.verify,
            state: state)
        do {
            try authorise(transaction.payload, key: key)
            try contracts.apply(transaction.payload, in: context)
            if let fault = state.fault { throw fault }
            return (.accepted, "")
        } catch let rejection as Rejection {
            if let fault = state.fault { throw fault }
            state.undo()
            return (.rejected(rejection.code), rejection.message)
        }
    }

    private func authorise(_ payload: TransactionPayload, key: KeyRecord) throws(Rejection) {
        guard key.covers(contract: payload.contract, action: payload.action) else {
            throw Rejection(
                "key.out_of_scope", "this key may not sign \(payload.contract).\(payload.action)")
        }
        // An invitation's is its inviter: whom the board has stopped invites nobody any more.
        guard let account = try state.record(AccountRecord.self, AccountRecord.rowKey(key.account)) else {
            throw Rejection("member.unknown", "the key's member is not there")
        }
        switch account.status {
        case .active: return
        case .suspended: throw Rejection("member.suspended", "\(key.account) is suspended")
        case .removed: throw Rejection("member.removed", "\(key.account) is no longer a member")
        }
    }

    private mutating func remember(_ transaction: SignedTransaction, at key: RowKey) {
        let seen = SeenRecord(
            id: transaction.id, expires: transaction.payload.expires,
            leaf: firstLeaf + UInt64(leafHashes.count))
        state.write(for: key) { seen.write(to: &$0) }
        remembered.note(seen, state.change)
    }

    /// Writes the quotas back, and the list of the ids.
    func close() {
        state.change.position = 0
        for row in remembered.rows { state.write(row.value, for: row.key) }
        for member in quotaMembers {
            guard let quota = quotas[member] else { continue }
            state.write(for: QuotaRecord.rowKey(member)) { quota.write(to: &$0) }
        }
        state.keep()
    }
}
