import Codec
import Contracts
import Cryptography
import Foundation
import Storage
import TestSupport
import Testing

@testable import Ledger
@testable import Node

/// A ledger of eight blocks, and what a forger makes of its log.
struct Forgery {
    let founded: FoundedHome
    let genesis: Genesis
    let bytes: [UInt8]
    let chain: ChainID
    /// The node's voting key: a forger who is the validator has it.
    let voter: MessageSigner
    var records: [BlockRecord] = []

    init() async throws {
        founded = try FoundedHome()
        (genesis, bytes, chain) = try founded.home.genesis()
        voter = try founded.home.votingKey().signer
        let node = try LedgerNode(home: founded.home)
        let signer = try founded.signer()
        for step in 0..<7 {
            let action = step == 3 ? FoundedHome.refusedAction : FoundedHome.action("step \(step)")
            _ = try await node.perform(ConsortiumContract.self, action, as: signer)
        }
        for height in 0...node.height { records.append(try node.block(height)) }
        try node.close()
    }

    /// Writes the records as a new log, and verifies that.
    func verify(_ records: [BlockRecord]) throws -> LedgerVerification.Summary {
        try verify(payloads: records.map(\.encoded))
    }

    func verify(payloads: [[UInt8]]) throws -> LedgerVerification.Summary {
        let folder = try TemporaryFolder()
        let log = try BlockLog(opening: folder.path + "/log", chain: chain)
        for (height, payload) in payloads.enumerated() {
            try log.append([LogRecord(height: UInt64(height), payload: payload)])
        }
        let rules = LedgerNode.rules(chain: chain)
        return try LedgerVerification(genesis: genesis, bytes: bytes, rules: rules, width: 1)
            .run(log) { _ in }
    }

    /// What verification says of a change to one block.
    func failure(
        at height: Int, _ change: (inout BlockRecord) throws -> Void
    ) throws -> LedgerVerification.Failure? {
        var records = records
        try change(&records[height])
        return failure(records)
    }

    func failure(_ records: [BlockRecord]) -> LedgerVerification.Failure? {
        do {
            _ = try verify(records)
            return nil
        } catch { return error as? LedgerVerification.Failure }
    }
}

/// Each kind of tampering with the log is found, and named by block, transaction and code.
@Suite struct VerificationTests {
    private func expect(
        _ failure: LedgerVerification.Failure?, _ code: String, at height: Height, transaction: Int? = nil,
        _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(failure?.code == code, sourceLocation: location)
        #expect(failure?.height == height, sourceLocation: location)
        #expect(failure?.transaction == transaction, sourceLocation: location)
    }

    @Test func anUntouchedLogVerifies() async throws {
        let forgery = try await Forgery()
        let summary = try forgery.verify(forgery.records)
        #expect(summary.blocks == 8 && summary.transactions == 7 && summary.rejected == 1)
        #expect(summary.stateRoot == forgery.records[7].header.stateRoot)
    }

    @Test func aChangedOutcomeIsFound() async throws {
        let forgery = try await Forgery()
        let accepted = BlockRecord.Entry(index: 0, outcome: .accepted)
        let rejected = BlockRecord.Entry(index: 0, outcome: .rejected("machine.unknown"))
        expect(
            try forgery.failure(at: 4) { $0.outcomes = [accepted] }, "verify.outcome", at: 4, transaction: 0)
        expect(
            try forgery.failure(at: 2) { $0.outcomes = [rejected] }, "verify.outcome", at: 2, transaction: 0)
        expect(try forgery.failure(at: 2) { $0.outcomes = [] }, "verify.outcome", at: 2, transaction: 0)
        let added = BlockRecord.Entry(index: 1, outcome: .accepted)
        expect(try forgery.failure(at: 2) { $0.outcomes += [added] }, "verify.outcome", at: 2, transaction: 1)
    }

    @Test func aChangedRowIsFound() async throws {
        let forgery = try await Forgery()
        for index in forgery.records[5].changes.indices {
            let row = forgery.records[5].changes[index]
            let flipped = row.value.map { $0.dropLast() + [($0.last ?? 0) ^ 1] } ?? [1]
            let failure = try forgery.failure(at: 5) {
                $0.changes[index] = RowChange(key: row.key, value: flipped)
            }
            expect(failure, "verify.rows", at: 5)
            #expect(failure?.detail.contains(row.key.table) == true)
            expect(try forgery.failure(at: 5) { $0.changes.remove(at: index) }, "verify.rows", at: 5)
        }
        expect(
            try forgery.failure(at: 0) { $0.changes[0] = RowChange(key: $0.changes[0].key, value: nil) },
            "verify.rows", at: 0)
    }

    @Test func aChangedHistoryIsFound() async throws {
        let forgery = try await Forgery()
        let entry = forgery.records[6].history[0]
        let forged = HistoryEntry(
            change: entry.change, key: entry.key, previous: ChangeReference(height: 1, position: 1))
        expect(try forgery.failure(at: 6) { $0.history[0] = forged }, "verify.history", at: 6)
        expect(try forgery.failure(at: 6) { $0.history = [] }, "verify.history", at: 6)
    }

    @Test func everyChangedFieldOfAHeaderIsFound() async throws {
        let forgery = try await Forgery()
        let changes: [(String, (inout BlockHeader) -> Void)] = [
            ("verify.header", { $0.chain = .zero }), ("verify.header", { $0.epoch += 1 }),
            ("verify.order", { $0.height += 1 }), ("verify.header", { $0.previous = .zero }),
            ("verify.header", { $0.time = Timestamp(nanoseconds: $0.time.nanoseconds + 1) }),
            ("certificate.other_block", { $0.position += 1 }), ("verify.header", { $0.content = .zero }),
            ("verify.header", { $0.logSize += 1 }), ("verify.log_root", { $0.logRoot = .zero }),
            ("verify.state_root", { $0.stateRoot = .zero }), ("verify.header", { $0.contractsVersion = 2 }),
            ("verify.header", { $0.kind = .epoch }),
        ]
        for (code, change) in changes {
            expect(try forgery.failure(at: 3) { change(&$0.header) }, code, at: 3)
        }
    }

    @Test func droppedForgedAndRepeatedSignaturesAreFound() async throws {
        let forgery = try await Forgery()
        let rules = LedgerNode.rules(chain: forgery.chain)
        let stranger = Ed25519.SigningKey.generate().signer
        for path in [\BlockRecord.votes, \BlockRecord.commits] {
            let kind: AttestationKind = path == \BlockRecord.votes ? .vote : .commit
            expect(try forgery.failure(at: 5) { $0[keyPath: path] = [] }, "certificate.no_quorum", at: 5)
            expect(
                try forgery.failure(at: 5) { $0[keyPath: path] += $0[keyPath: path] },
                "certificate.repeated_validator", at: 5)
            let older = forgery.records[4][keyPath: path]
            expect(
                try forgery.failure(at: 5) { $0[keyPath: path] = older }, "certificate.other_block", at: 5)
            let signed = Attestation.sign(
                kind, forgery.records[5].header, hash: forgery.records[5].header.hashed(rules.hash),
                signer: stranger, hash: rules.hash)
            expect(
                try forgery.failure(at: 5) { $0[keyPath: path] = [signed] }, "certificate.unknown_validator",
                at: 5)
            expect(
                try forgery.failure(at: 5) {
                    $0[keyPath: path] = [Forgery.withFlippedSignature($0[keyPath: path][0])]
                }, "certificate.bad_signature", at: 5)
        }
        expect(
            try forgery.failure(at: 5) { ($0.votes, $0.commits) = ($0.commits, $0.votes) },
            "certificate.wrong_kind", at: 5)
        expect(
            try forgery.failure(at: 5) { $0.voteRecord.promised += 1 }, "verify.vote_record", at: 5)
        expect(try forgery.failure(at: 5) { $0.voteRecord.lock = nil }, "verify.vote_record", at: 5)
    }

    @Test func aReplacedTransactionIsFound() async throws {
        let forgery = try await Forgery()
        let rules = LedgerNode.rules(chain: forgery.chain)
        let batch = try Batch(decoding: forgery.records[3].content, chain: forgery.chain)
        let other = try Batch(decoding: forgery.records[2].content, chain: forgery.chain)
        let signedAnew = Batch.signed(
            chain: forgery.chain, epochBlock: batch.epochBlock, clock: batch.clock,
            transactions: Array(other.transactions), signer: forgery.voter, hash: rules.hash)
        // A transaction twice on the ledger: the second time it has no leaf.
        expect(
            try forgery.failure(at: 3) { $0.content = signedAnew }, "verify.outcome", at: 3, transaction: 0)
        var bytes = forgery.records[3].content
        bytes[bytes.count - 100] ^= 1
        expect(try forgery.failure(at: 3) { $0.content = bytes }, "verify.batch", at: 3)
        let foreign = Batch.signed(
            chain: forgery.chain, epochBlock: batch.epochBlock, clock: batch.clock,
            transactions: Array(batch.transactions), signer: Ed25519.SigningKey.generate().signer,
            hash: rules.hash)
        expect(try forgery.failure(at: 3) { $0.content = foreign }, "verify.batch", at: 3)
        let otherEpoch = Batch.signed(
            chain: forgery.chain, epochBlock: .zero, clock: batch.clock,
            transactions: Array(batch.transactions),
            signer: forgery.voter, hash: rules.hash)
        expect(try forgery.failure(at: 3) { $0.content = otherEpoch }, "verify.batch", at: 3)
        expect(try forgery.failure(at: 3) { $0.content = [] }, "verify.batch", at: 3)
        expect(try forgery.failure(at: 0) { $0.content[20] ^= 1 }, "verify.content", at: 0)
    }

    /// A validator who rewrites a block and signs everything anew still cannot change what the rest says.
    @Test func aBlockThatItsValidatorSignsAnewIsFoundAtTheNext() async throws {
        let forgery = try await Forgery()
        let rules = LedgerNode.rules(chain: forgery.chain)
        let failure = try forgery.failure(at: 4) { record in
            record.header.position += 5
            let hash = record.header.hashed(rules.hash)
            for (path, kind) in [(\BlockRecord.votes, AttestationKind.vote), (\BlockRecord.commits, .commit)]
            {
                record[keyPath: path] = [
                    Attestation.sign(
                        kind, record.header, hash: hash, signer: forgery.voter, hash: rules.hash)
                ]
            }
            let point = VoteRecord.Point(epoch: 0, height: 4, block: hash)
            (record.voteRecord.lastVote, record.voteRecord.lastCommit) = (point, point)
            record.voteRecord.lock = point
        }
        expect(failure, "verify.header", at: 5)
    }

    @Test func aRemovedSwappedOrRepeatedBlockIsFound() async throws {
        let forgery = try await Forgery()
        var removed = forgery.records
        removed.remove(at: 3)
        expect(forgery.failure(removed), "verify.order", at: 3)
        var swapped = forgery.records
        swapped.swapAt(3, 4)
        expect(forgery.failure(swapped), "verify.order", at: 3)
        var repeated = forgery.records
        repeated.insert(repeated[3], at: 4)
        expect(forgery.failure(repeated), "verify.order", at: 4)
        expect(forgery.failure([]), "verify.empty", at: 0)
    }

    @Test func aBlockThatIsNoneIsFound() async throws {
        let forgery = try await Forgery()
        var payloads = forgery.records.map(\.encoded)
        payloads[6].removeLast(10)
        #expect {
            try forgery.verify(payloads: payloads)
        } throws: {
            ($0 as? LedgerVerification.Failure).map { $0.code == "verify.malformed" && $0.height == 6 }
                ?? false
        }
    }

    /// The log alone cannot tell that its end is missing; the checkpointed state can.
    @Test func aTruncatedLogIsAnOlderLedgerWhichItsStateDoesNotFit() async throws {
        let forgery = try await Forgery()
        #expect(try forgery.verify(Array(forgery.records.prefix(5))).blocks == 5)
        let ledger = forgery.founded.home.ledgerFolder.path
        var options = LedgerNode.Options()
        options.blocksPerCheckpoint = 1
        try await LedgerNode(home: forgery.founded.home, options: options).tickAndClose()
        try FileManager.default.removeItem(atPath: ledger + "/log")
        let log = try BlockLog(opening: ledger + "/log", chain: forgery.chain)
        for record in forgery.records.prefix(5) {
            try log.append([LogRecord(height: record.header.height, payload: record.encoded)])
        }
        #expect { try LedgerNode(home: forgery.founded.home) } throws: {
            ($0 as? NodeError)?.code == "storage.log_behind_state"
        }
    }

    /// What the node serves is compared too, down to index rows, which no root covers.
    @Test func aChangedRowOfTheServedStateIsFound() async throws {
        let forgery = try await Forgery()
        let index = RowKey(table: "~member.board", key: [0, 1, 1] + Array("nobody".utf8))
        let ledger = try LedgerStore(opening: forgery.founded.home.ledgerFolder.path, chain: forgery.chain)
        // A checkpoint of all blocks, with one row too many.
        for record in forgery.records {
            var rows = NodeStore.rows(record.changes, record.history)
            if record.header.height == 7 { rows.append((.rows, .init(key: index.bytes, value: []))) }
            try ledger.overlay.apply(height: record.header.height, changes: rows, nodeCount: 0)
        }
        ledger.overlay.freeze()
        #expect(try ledger.checkpoint())
        let verification = LedgerVerification(
            genesis: forgery.genesis, bytes: forgery.bytes, rules: LedgerNode.rules(chain: forgery.chain),
            width: 1)
        do {
            _ = try verification.run(ledger.log, served: ledger.overlay.snapshot()) { _ in }
            Issue.record("it was not found")
        } catch {
            let failure = try #require(error as? LedgerVerification.Failure)
            expect(failure, "verify.served_state", at: 7)
            #expect(failure.detail.contains("~member.board"))
        }
    }
}

extension LedgerNode {
    fileprivate func tickAndClose() async throws {
        try await tick()
        try close()
    }
}

extension Forgery {
    static func withFlippedSignature(_ attestation: Attestation) -> Attestation {
        var signature = attestation.signature
        signature[0] ^= 1
        return Attestation(
            kind: attestation.kind, key: attestation.key, chain: attestation.chain, epoch: attestation.epoch,
            height: attestation.height, block: attestation.block, logSize: attestation.logSize,
            signature: signature)
    }
}
