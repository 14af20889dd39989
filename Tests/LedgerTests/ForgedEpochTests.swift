import Codec
import Cryptography
import Testing

@testable import Ledger

/// What a peer may serve that no validator of the ledger has signed.
@Suite struct ForgedEpochTests {
    private let hash = TestLedger.hash

    /// A ledger of four validators, as a node that follows it opens it.
    private func follower() throws -> (replica: Replica, rows: MemoryRows, rules: Rules) {
        let genesis = Genesis(
            name: "test", created: TestLedger.start, simulated: false,
            validators: (10..<14).map {
                .init(
                    member: MemberID("v\($0)")!,
                    votingKey: Bytes(TestLedger.key(UInt8($0)).publicKey.bytes))
            }, parameters: .init(), founders: Bytes([]))
        let bytes = try genesis.encoded()
        let rules = Rules(
            chain: hash(bytes), hash: hash, verify: TestLedger.verifier, contracts: [TestLedger.contracts()])
        let (replica, effects) = try Replica.found(genesis, bytes: bytes, rules: rules, voters: [])
        let rows = MemoryRows()
        for record in effects.storedBlocks { rows.apply(record.changes) }
        return (replica, rows, rules)
    }

    @Test func anEpochBlockThatNamesItsOwnValidatorsIsNotFollowed() throws {
        var (replica, rows, rules) = try follower()
        let mallory = TestLedger.signer(TestLedger.key(99))
        let forged = try EpochProposal.signed(
            chain: rules.chain, epoch: 1, parent: replica.finalHash,
            validators: [.init(member: MemberID("mallory")!, votingKey: Bytes(mallory.publicKey))],
            engine: "embedded:mallory", stops: [], lock: [], signer: mallory, hash: hash)
        var executor = replica.executor
        let epoch = try executor.execute(forged, clocks: [], reader: rows)
        let own = MemoryRows()
        own.apply(rows.rows.map { RowChange(key: $0.key, value: $0.value) } + epoch.changes)
        let batch = try Batch(
            decoding: Batch.signed(
                chain: rules.chain, epochBlock: epoch.hash, clock: TestLedger.start, transactions: [],
                signer: mallory, hash: hash), chain: rules.chain)
        let ordered = OrderedBatch(batch: batch, position: 0, candidates: [])
        let block = try executor.execute(ordered, sender: MemberID("mallory")!, reader: own)
        func candidate(
            _ block: ExecutedBlock, _ content: CandidateBlock.Content
        ) -> CandidateBlock {
            let (votes, commits) = (AttestationKind.vote, AttestationKind.commit)
            func signed(_ kind: AttestationKind) -> [Attestation] {
                [Attestation.sign(kind, block.header, hash: block.hash, signer: mallory, hash: hash)]
            }
            return CandidateBlock(
                header: block.header, content: content, votes: signed(votes), commits: signed(commits))
        }
        let effects = try replica.received(
            [candidate(epoch, .epoch(forged)), candidate(block, .batch(ordered))],
            now: TestLedger.start, reader: rows)
        #expect(effects.storedBlocks.isEmpty)
        #expect(replica.finalHeader.height == 0 && replica.executor.head.height == 0)
    }
}
