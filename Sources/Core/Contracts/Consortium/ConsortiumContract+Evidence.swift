import Codec
import Ledger

extension ConsortiumContract {
    /// The longest message that is taken as evidence, in bytes.
    static let longestMessage = 4096

    /// Records that a validator contradicted itself. Whoever is a member may say so: the signatures prove it.
    static func reportEvidence(_ body: ReportEvidence, _ context: Context) throws(Rejection) {
        let reporter = try context.member()
        for signed in [body.first, body.second] {
            try context.requireNumber(signed.message.count, "message", in: 1...longestMessage)
        }
        let (fault, key) =
            switch body.kind {
            case .conflictingVotes: try conflict(body, .vote, context)
            case .conflictingCommits: try conflict(body, .commit, context)
            case .conflictingStops: try conflictingStops(body, context)
            case .staleLock: try staleLock(body, context)
            }
        try context.require(
            try context.get(EvidenceRecord.self, fault) == nil, else: "consortium.evidence_known",
            "the fault is on the ledger")
        let digests = [body.first, body.second].map { context.hash($0.message.array) }
        try context.put(
            EvidenceRecord(
                id: fault, key: key.id, messages: digests.sorted(), reporter: reporter.id,
                time: context.time))
        context.emit("evidenceReported", fault)
    }

    /// Two attestations of one kind by one voting key, for one epoch and height, of different blocks.
    /// - Throws: `consortium.evidence_invalid`, `consortium.voting_key_unknown`.
    private static func conflict(
        _ body: ReportEvidence, _ kind: AttestationKind, _ context: Context
    ) throws(Rejection) -> (EvidenceRecord.Fault, VotingKeyRecord) {
        let first = try attestation(body.first, context)
        let second = try attestation(body.second, context)
        try context.require(
            [first.kind, second.kind] == [kind, kind]
                && [first.chain, second.chain] == [context.chain, context.chain]
                && first.key == second.key && first.epoch == second.epoch && first.height == second.height
                && first.block != second.block,
            else: "consortium.evidence_invalid", "the messages do not contradict each other")
        let key = try votingKey(first.key, context)
        try requireSigned(first, body.first, by: key, context)
        try requireSigned(second, body.second, by: key, context)
        let fault = EvidenceRecord.Fault(
            validator: key.member, kind: body.kind, epoch: first.epoch, height: first.height)
        return (fault, key)
    }

    /// Two stops by one voting key for one epoch, which differ in what they say.
    /// - Throws: as `conflict`.
    private static func conflictingStops(
        _ body: ReportEvidence, _ context: Context
    ) throws(Rejection) -> (EvidenceRecord.Fault, VotingKeyRecord) {
        let first = try stop(body.first, context)
        let second = try stop(body.second, context)
        // The same words signed twice contradict nothing.
        let isSame =
            first.lock == second.lock && first.clock == second.clock
            && first.wish.map { Array($0.utf8) } == second.wish.map { Array($0.utf8) }
        try context.require(
            first.key == second.key && first.epoch == second.epoch && !isSame,
            else: "consortium.evidence_invalid", "the stops do not contradict each other")
        let key = try votingKey(first.key, context)
        for stop in [first, second] { try requireSigned(stop, by: key, context) }
        return (fault(of: key, body.kind, stop: first), key)
    }

    /// A stop, and a commit by the same voting key in an epoch before, which its lock should have reached:
    /// whoever commits a block holds a lock on it, and whoever has stopped commits nothing below.
    /// - Throws: as `conflict`.
    private static func staleLock(
        _ body: ReportEvidence, _ context: Context
    ) throws(Rejection) -> (EvidenceRecord.Fault, VotingKeyRecord) {
        let stop = try stop(body.first, context)
        let commit = try attestation(body.second, context)
        let committed = VoteRecord.Point(epoch: commit.epoch, height: commit.height, block: commit.block)
        try context.require(
            commit.kind == .commit && commit.chain == context.chain && commit.key == stop.key
                && commit.epoch < stop.epoch && stop.lock < committed,
            else: "consortium.evidence_invalid", "the commit does not contradict the stop")
        let key = try votingKey(stop.key, context)
        try requireSigned(stop, by: key, context)
        try requireSigned(commit, body.second, by: key, context)
        return (fault(of: key, body.kind, stop: stop), key)
    }

    private static func fault(
        of key: VotingKeyRecord, _ kind: EvidenceRecord.Kind, stop: Stop
    ) -> EvidenceRecord.Fault {
        EvidenceRecord.Fault(validator: key.member, kind: kind, epoch: stop.epoch, height: 0)
    }

    private static func votingKey(_ id: KeyID, _ context: Context) throws(Rejection) -> VotingKeyRecord {
        guard let key = try context.votingKey(id) else {
            throw Rejection("consortium.voting_key_unknown", "no validator has or had this key")
        }
        return key
    }

    // MARK: Messages

    /// A stop of this ledger, with nothing beside it.
    private static func stop(_ signed: SignedMessage, _ context: Context) throws(Rejection) -> Stop {
        let stop: Stop
        do throws(CodecError) { stop = try Stop(decoding: signed.message.array) } catch {
            throw Rejection("consortium.evidence_invalid", error.description)
        }
        try context.require(
            stop.chain == context.chain && signed.payload == nil, else: "consortium.evidence_invalid",
            "the stop is another ledger's, or comes with a payload beside its own")
        return stop
    }

    private static func requireSigned(
        _ stop: Stop, by key: VotingKeyRecord, _ context: Context
    ) throws(Rejection) {
        try context.require(
            stop.isSigned(by: key.publicKey.array, verifier: context.verify),
            else: "consortium.evidence_invalid", "a signature does not verify")
    }

    private static func attestation(
        _ signed: SignedMessage, _ context: Context
    ) throws(Rejection) -> Attestation {
        do throws(CodecError) {
            return try Attestation(COSESign1(decoding: signed.message.array))
        } catch { throw Rejection("consortium.evidence_invalid", error.description) }
    }

    private static func requireSigned(
        _ attestation: Attestation, _ signed: SignedMessage, by key: VotingKeyRecord, _ context: Context
    ) throws(Rejection) {
        // A vote's payload is its block; a second place for it would be a second form of the same evidence.
        let payload = attestation.kind == .vote ? attestation.block : signed.payload
        let isSigned =
            (attestation.kind == .commit || signed.payload == nil)
            && payload.map {
                attestation.isSigned(by: key.publicKey.array, payload: $0, verifier: context.verify)
            } ?? false
        try context.require(
            isSigned, else: "consortium.evidence_invalid", "a signature does not verify")
    }
}
