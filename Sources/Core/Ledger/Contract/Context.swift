import Codec

/// What a contract sees of the world: the signer, consensus time, and the typed tables.
///
/// It is valid only during the call that it is handed to. Reads and writes go to the block under execution; a
/// rejection undoes what the transaction wrote.
@usableFromInline package struct Context {
    /// Who signed; nil for a deadline.
    package let transactionSigner: Signer?
    /// The transaction's id; nil for a deadline.
    package let transactionID: TransactionID?
    package let time: Timestamp
    package let height: Height
    package let chain: ChainID
    package let contract: String
    package let hash: HashFunction
    package let verify: SignatureVerifier
    let state: BlockState

    /// Who signed the transaction.
    /// - Throws: `context.no_signer` in a deadline, where nobody did.
    package var signer: Signer {
        get throws(Rejection) {
            guard let transactionSigner else { throw Rejection("context.no_signer") }
            return transactionSigner
        }
    }

    // MARK: Records

    /// The record, or nil where there is none.
    @usableFromInline package func get<R: Record>(_ type: R.Type, _ id: R.ID) throws(Rejection) -> R? {
        let key = R.rowKey(id)
        return key.isStorable ? try state.record(type, key) : nil
    }

    /// The record.
    /// - Throws: `<table>.unknown` where there is none.
    @usableFromInline package func existing<R: Record>(_ type: R.Type, _ id: R.ID) throws(Rejection) -> R {
        guard let record = try get(type, id) else {
            throw Rejection("\(R.table).unknown", "there is no \(R.table) of that name")
        }
        return record
    }

    /// Adds or replaces the record and keeps its indexes in step.
    /// - Throws: `ledger.key_too_long` where its key, or one of its indexes', is longer than a store keeps.
    @usableFromInline package func put<R: Record>(_ record: R) throws(Rejection) {
        let key = R.rowKey(record.id)
        try require(key.isStorable, else: "ledger.key_too_long")
        try state.put(record, at: key)
    }

    /// Removes the record and its index entries; nothing happens where there is none.
    @usableFromInline package func delete<R: Record>(_ type: R.Type, _ id: R.ID) throws(Rejection) {
        let key = R.rowKey(id)
        if key.isStorable { try state.delete(type, key) }
    }

    /// Records that an index lists under a value, in order of their keys, at most `limit`.
    @usableFromInline package func records<R: Record>(
        _ type: R.Type, where index: String, equals value: [UInt8], limit: Int = 1000
    ) throws(Rejection) -> [R] {
        guard R.indexKey(index, value).isStorable else { return [] }
        return try state.records(type, where: index, equals: value, limit: limit)
    }

    /// Records whose keys begin with a prefix and are at or after `start`, in order of their keys, at most
    /// `limit`.
    @usableFromInline package func records<R: Record>(
        _ type: R.Type, keysBeginWith prefix: [UInt8], from start: [UInt8], limit: Int
    ) throws(Rejection) -> [R] {
        try state.records(type, keysBeginWith: prefix, from: start, limit: limit)
    }

    /// All records of a table in order of their keys, at most `limit`. Only for tables with a known small
    /// bound.
    @usableFromInline package func all<R: Record>(_ type: R.Type, limit: Int = 1000) throws(Rejection) -> [R]
    {
        try state.all(type, limit: limit)
    }

    // MARK: Rules

    /// - Throws: the rejection with this code where the condition does not hold.
    package func require(
        _ condition: Bool, else code: @autoclosure () -> String, _ message: @autoclosure () -> String = ""
    ) throws(Rejection) {
        if !condition { throw Rejection(code(), message()) }
    }

    /// Whether a signature (64 bytes) over the message was made with the Ed25519 public key (32 bytes).
    package func verifies(signature: [UInt8], message: [UInt8], publicKey: [UInt8]) -> Bool {
        verify(publicKey: publicKey, signature: signature, message: message)
    }

    // MARK: Effects

    /// Tells those who listen that something happened.
    @usableFromInline package func emit(_ name: String, _ subject: some CustomStringConvertible) {
        state.emit(Event(contract: contract, name: name, subject: subject.description))
    }

    /// Sets a deadline for this contract. A deadline in the past is due in the next block.
    package func schedule(_ kind: String, at due: Timestamp, subject: [UInt8]) throws(Rejection) {
        try state.schedule(Timer(contract: contract, due: due, kind: kind, subject: subject))
    }

    /// Takes a deadline back; nothing happens where there is none.
    package func cancel(_ kind: String, at due: Timestamp, subject: [UInt8]) throws(Rejection) {
        try state.cancel(Timer(contract: contract, due: due, kind: kind, subject: subject))
    }

    /// This contract's deadlines of one kind that are due before a time, in order, at most `limit`, among the
    /// ledger's first 4096.
    package func timers(_ kind: String, before time: Timestamp, limit: Int) throws(Rejection) -> [Timer] {
        var timers: [Timer] = []
        let prefix = RowKey(table: TimerRow.table, key: []).bytes
        for key in try state.keys(withPrefix: prefix, limit: 4096) {
            guard let timer = TimerRow(key: key)?.timer, timer.due < time, timers.count < limit else { break }
            if timer.contract == contract && timer.kind == kind { timers.append(timer) }
        }
        return timers
    }

    /// The same for another contract.
    func named(_ contract: String) -> Context {
        Context(
            transactionSigner: transactionSigner, transactionID: transactionID, time: time, height: height,
            chain: chain, contract: contract, hash: hash, verify: verify, state: state)
    }
}
