import Codec
import Merkle
import Testing

@testable import Ledger

@Suite struct AttestationTests {
    /// What a node that follows the ledger keeps of a block that somebody serves it; nil where it does not
    /// become final there.
    private func kept(_ record: BlockRecord, of ledger: TestLedger) throws -> BlockRecord? {
        let bytes = try ledger.genesis.encoded()
        var (follower, effects) = try Replica.found(
            ledger.genesis, bytes: bytes, rules: ledger.rules, voters: [])
        let rows = MemoryRows()
        for record in effects.storedBlocks { rows.apply(record.changes) }
        guard
            let block = try? CandidateBlock(record, chain: ledger.rules.chain, hash: TestLedger.hash)
        else { return nil }
        effects = try follower.received([block], now: ledger.clock, reader: rows)
        return follower.finalHeader.height == 1 ? effects.storedBlocks.last : nil
    }

    /// Every bit of what is served of a block, and every part of it changed, left out or repeated.
    @Test func noChangedBlockIsKept() throws {
        let ledger = try TestLedger()
        try ledger.run([try ledger.add(5), try ledger.add(7, by: "beta")])
        let genuine = ledger.records[1]
        var record = genuine
        (record.changes, record.history, record.voteRecord) = ([], [], VoteRecord())
        /// What was signed and what follows from it is as it was; who else signed may be left out.
        func isRefused(_ forged: BlockRecord) throws -> Bool {
            guard let kept = try kept(forged, of: ledger) else { return true }
            #expect(kept.header == genuine.header && kept.content == genuine.content)
            #expect(kept.outcomes == genuine.outcomes && kept.changes == genuine.changes)
            #expect(kept.history == genuine.history)
            return false
        }
        #expect(try !isRefused(record))
        let bytes = record.encoded
        for bit in 0..<(bytes.count * 8) {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let forged = try? BlockRecord(decoding: changed) else { continue }
            // A lone validator's commit says all that its vote does, and outcomes are a peer's word for
            // where its execution differs: the follower's own are kept.
            let wasSigned =
                (forged.header, forged.content, forged.commits)
                != (record.header, record.content, record.commits)
            #expect(try isRefused(forged) || !wasSigned, "bit \(bit % 8) of byte \(bit / 8)")
        }
        func refuses(_ change: (inout BlockRecord) -> Void) throws {
            var forged = record
            change(&forged)
            #expect(forged != record)
            #expect(try isRefused(forged))
        }
        let other = try TestLedger()
        try other.run([try other.add(6)])
        try refuses { $0.commits = [] }
        try refuses { $0.commits = other.records[1].commits }
        try refuses { $0.content = other.records[1].content }
        try refuses { $0.header = other.records[1].header }
        try refuses { $0.content = [] }
        record.outcomes.swapAt(0, 1)
        #expect(try !isRefused(record))
    }

    @Test func everyBitOfABlockHeaderIsBoundOrRefused() throws {
        let ledger = try TestLedger()
        try ledger.run([try ledger.add(5)])
        let record = ledger.records[1]
        #expect(try BlockRecord(decoding: record.encoded) == record)
        let header = record.header.encoded
        let set = Quorum([ledger.replica.inForce.validators])
        for bit in 0..<(header.count * 8) {
            var changed = header
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let forged = try? BlockHeader(decoding: changed) else { continue }
            let hash = forged.hashed(TestLedger.hash)
            #expect(throws: Certificate.Failure.otherBlock) {
                try Certificate(
                    .commit, record.commits, over: forged, hash: hash, quorum: set,
                    verifier: TestLedger.verifier)
            }
        }
    }

    @Test func everyBitOfACommitIsRefused() throws {
        let ledger = try TestLedger()
        let block = try ledger.run([try ledger.add(5)])
        let commit = ledger.records[1].commits[0]
        let message = commit.message().encoded
        for bit in 0..<(message.count * 8) {
            var changed = message
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let parsed = try? COSESign1(decoding: changed), let forged = try? Attestation(parsed) else {
                continue
            }
            #expect(throws: Certificate.Failure.self, "bit \(bit)") {
                try Certificate(
                    .commit, [forged], over: block.header, hash: block.hash,
                    quorum: Quorum([ledger.replica.inForce.validators]), verifier: TestLedger.verifier)
            }
        }
    }

    @Test func certificateNeedsAQuorumOfDifferentValidators() throws {
        let ledger = try TestLedger()
        let block = try ledger.run([try ledger.add(5)])
        let keys = (10..<14).map { TestLedger.key(UInt8($0)) }
        let set = ValidatorSet(
            keys.enumerated().map {
                .init(member: MemberID("v\($0)")!, votingKey: Bytes($1.publicKey.bytes))
            }, hash: TestLedger.hash)
        #expect(set.quorum == 3)
        func commits(_ indexes: [Int]) -> [Attestation] {
            indexes.map {
                Attestation.sign(
                    .commit, block.header, hash: block.hash, signer: TestLedger.signer(keys[$0]),
                    hash: TestLedger.hash)
            }
        }
        func certificate(_ attestations: [Attestation], _ kind: AttestationKind = .commit) throws {
            _ = try Certificate(
                kind, attestations, over: block.header, hash: block.hash, quorum: Quorum([set]),
                verifier: TestLedger.verifier)
        }
        try certificate(commits([0, 2, 3]))
        #expect(throws: Certificate.Failure.noQuorum) { try certificate(commits([0, 2])) }
        #expect(throws: Certificate.Failure.repeatedValidator) { try certificate(commits([0, 2, 2])) }
        #expect(throws: Certificate.Failure.wrongKind) { try certificate(commits([0, 1, 2]), .vote) }
        #expect(throws: Certificate.Failure.unknownValidator) {
            try certificate(commits([0, 1, 2]) + ledger.records[1].commits)
        }
    }

    @Test func quorumIsMoreThanTwoThirds() {
        let expected = [1: 1, 2: 2, 3: 3, 4: 3, 5: 4, 6: 5, 7: 5, 10: 7, 100: 67]
        for (count, quorum) in expected {
            let set = ValidatorSet(
                (0..<count).map {
                    .init(
                        member: MemberID("v\($0)")!,
                        votingKey: Bytes([UInt8](repeating: UInt8($0), count: 32)))
                }, hash: TestLedger.hash)
            #expect(set.quorum == quorum)
        }
    }

    @Test func voteRecordAllowsOnlyTheNextBlockOfItsEpoch() throws {
        let ledger = try TestLedger()
        let first = try ledger.run([])
        let second = try ledger.run([])
        let afterFirst = ledger.records[1].voteRecord
        #expect(afterFirst.allowsVote(second.header, parentIsCertified: false))
        #expect(!afterFirst.allowsVote(first.header, parentIsCertified: true), "the same height again")
        var fork = second.header
        fork.previous = .zero
        #expect(!afterFirst.allowsVote(fork, parentIsCertified: false))
        var promised = afterFirst
        promised.promised = 1
        #expect(!promised.allowsVote(second.header, parentIsCertified: false), "a later epoch is promised")
    }
}
