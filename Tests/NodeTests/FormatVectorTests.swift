import Billing
import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Merkle
import Storage
import TestSupport
import Testing

@testable import Node

/// `docs/formats.md` shows what the code makes. `MILLWRIGHT_UPDATE=1` writes the examples anew; review their
/// diff as a change of format.
@Suite struct FormatVectorTests {
    private static let page = SharedFiles.root.appendingPathComponent("docs/formats.md")
    private static let start = Timestamp(milliseconds: 1_772_323_200_000)

    private static func signer(_ number: UInt8) throws -> MessageSigner {
        try Ed25519.SigningKey(seed: [UInt8](repeating: number, count: 32)).signer
    }

    /// Every example by name, made from fixed keys and times.
    private static func vectors() throws -> [String: [UInt8]] {
        let hash = SHA256.hash
        let (member, voter) = (try signer(2), try signer(1))
        let name = MemberID(unchecked: "chamber")
        let founder = Founder(
            id: name, name: "Chamber", roles: [.board],
            profile: MemberProfile(registrationName: "Chamber", city: "Ulm", country: "DE"),
            signingPublicKey: Bytes(member.publicKey),
            sealingPublicKey: Bytes([UInt8](repeating: 9, count: 32)))
        let genesis = Genesis(
            name: "Example", created: start, simulated: true,
            validators: [.init(member: name, votingKey: Bytes(voter.publicKey))], parameters: .init(),
            founders: Bytes(try CBOR.encode([founder])))
        let document = try genesis.encoded()
        let rules = LedgerNode.rules(chain: hash(document))
        let payload = try TransactionPayload(
            chain: rules.chain, expires: start + .minutes(10), nonce: Array(0..<16),
            contract: ConsortiumContract.self,
            action: .updateProfile(
                .init(name: "Chamber of Ulm", profile: founder.profile, endpoint: "")))
        let bytes = member.sign(payload, hash: hash)
        let transaction = try UnverifiedTransaction(decoding: bytes, hash: hash)
        var (replica, _) = try Replica.found(genesis, bytes: document, rules: rules, voters: [voter])
        let founded = try Executor.found(genesis, bytes: document, rules: rules).block
        let rows = VerifiedRows()
        rows.apply(founded.changes)
        let batch = Batch.signed(
            chain: rules.chain, epochBlock: founded.hash, clock: start + .seconds(1), transactions: [bytes],
            signer: voter, hash: hash)
        let verified = try #require(
            VerifiedTransaction(transaction, publicKey: member.publicKey, verifier: rules.verify, hash: hash))
        let effects = try replica.ordered(
            OrderedBatch(
                batch: try Batch(decoding: batch, chain: rules.chain), position: 0,
                candidates: [.verified(verified)]), reader: rows)
        let record = try #require(effects.storedBlocks.first)
        let leaf = try #require(try record.leaves().first)
        #expect(leaf.outcome == .accepted)
        let proof = InclusionProof(size: 1, index: 0, path: [])
        let point = VoteRecord.Point(record.header, hash: record.header.hashed(hash))
        let stop = Stop.signed(
            chain: rules.chain, epoch: 1, lock: point, clock: start + .seconds(2), wish: "embedded:chamber",
            signer: voter, hash: hash)
        let proposal = try EpochProposal.signed(
            chain: rules.chain, epoch: 1, parent: point.block, validators: genesis.validators,
            engine: "embedded:chamber", stops: [stop], lock: record.votes, signer: voter, hash: hash)
        let account = try #require(try rows.value(for: AccountRecord.rowKey(name)))
        let (chunk, manifest) = snapshot(
            .init(key: AccountRecord.rowKey(name).bytes, value: account), leaf, record.header)
        return [
            "key-id of the member's key": KeyID(publicKey: member.publicKey, hash: hash).digest.bytes,
            "genesis": document, "chain": rules.chain.bytes, "transaction": bytes,
            "transaction id": transaction.id.bytes, "batch": batch, "leaf": leaf.encoded,
            "leaf hash": LogTree.leafHash(of: leaf.encoded, hash: hash).bytes,
            "stored row of the member's account": account,
            "state root after the example block": record.header.stateRoot.bytes,
            "block header": record.header.encoded, "block hash": record.header.hashed(hash).bytes,
            "commit": record.commits[0].message().encoded,
            "receipt bundle": ReceiptBundle(
                chain: rules.chain, leaf: leaf, proof: proof, commits: record.commits
            ).encoded,
            "snapshot chunk": chunk, "snapshot manifest": manifest,
            "suspicion": Suspicion.signed(
                chain: rules.chain, epoch: 0, wish: nil, signer: voter, hash: hash
            ).bytes,
            "stop": stop.bytes, "epoch proposal": proposal.bytes,
            "telemetry message": try telemetry.signed(by: member, hash: hash),
        ]
    }

    /// A chunk of one row, and the manifest of a snapshot with nothing else in it.
    private static func snapshot(
        _ row: Row, _ leaf: Leaf, _ header: BlockHeader
    ) -> (chunk: [UInt8], manifest: [UInt8]) {
        let (hash, chunk) = (SHA256.hash, SnapshotChunk.encode([row]))
        var peaks = LogFrontier()
        peaks.append(LogTree.leafHash(of: leaf.encoded, hash: hash), hash: hash)
        let manifest = SnapshotManifest(
            chain: header.chain, height: header.height, block: header.hashed(hash), rowCount: 1,
            frontier: peaks, chunks: [.init(digest: hash(chunk), byteCount: chunk.count)])
        return (chunk, manifest.encoded)
    }

    private static let telemetry = TelemetryMessage(
        machine: "press-7", previous: .zero,
        entries: [
            TelemetryEntry(
                sequence: 1, time: start.milliseconds, state: .executing, mode: .processing,
                counters: [.init(name: "good", value: 12)],
                measures: [.init(name: "oil", value: Quantity(millionths: 41_500_000), unit: "CEL")])
        ])

    @Test func everyExampleOnThePageIsWhatTheCodeMakes() throws {
        let vectors = try FormatVectorTests.vectors()
        let page = try String(contentsOf: FormatVectorTests.page, encoding: .utf8)
        var result: [String] = []
        var names: [String] = []
        var skipping = false
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            if skipping && line != "```" { continue }
            skipping = false
            result.append(String(line))
            guard line.hasPrefix("```vector ") else { continue }
            let name = String(line.dropFirst(10))
            names.append(name)
            let hex = Array(Hex.encode(try #require(vectors[name], "no vector \(name)")))
            for start in stride(from: 0, to: hex.count, by: 100) {
                result.append(String(hex[start..<min(start + 100, hex.count)]))
            }
            skipping = true
        }
        #expect(Set(names) == Set(vectors.keys) && names.count == vectors.count)
        let text = result.joined(separator: "\n")
        if ProcessInfo.processInfo.environment["MILLWRIGHT_UPDATE"] != nil {
            try text.write(to: FormatVectorTests.page, atomically: true, encoding: .utf8)
        } else {
            #expect(
                text == page,
                "docs/formats.md differs from the code: MILLWRIGHT_UPDATE=1 swift test shows how")
        }
    }
}
