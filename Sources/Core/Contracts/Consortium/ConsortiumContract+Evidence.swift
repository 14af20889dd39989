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
        let fault: EvidenceRecord.Fault
        let key: VotingKeyRecord
        switch body.kind {
        case .conflictingVotes:
            (fault, key) = try conflict(body, .vote, context)
        case .conflictingCommits:
            (fault, key) = try conflict(body, .commit, context)
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
        guard let key = try context.votingKey(first.key) else {
            throw Rejection("consortium.voting_key_unknown", "no validator has or had this key")
        }
        try requireSigned(first, body.first, by: key, context)
        try requireSigned(second, body.second, by: key, context)
        let fault = EvidenceRecord.Fault(
            validator: key.member, kind: body.kind, epoch: first.epoch, height: first.height)
        return (fault, key)
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
