import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Merkle
import TestSupport
import Testing

@testable import Node

/// Python with the package `scitt-cose`, an implementation of COSE receipts (RFC 9942) and signed statements
/// (RFC 9943) that shares nothing with this one.
private enum SCITT {
    /// One receipt to verify.
    struct Question: Encodable {
        let receipt: String
        let leaf: String
        let key: String

        init(_ receipt: [UInt8], leaf: [UInt8], key: [UInt8]) {
            (self.receipt, self.leaf) = (hex(receipt), hex(leaf))
            self.key = SCITT.pem(key)
        }
    }

    struct Answer: Decodable {
        let ok: Bool
        let size: UInt64?
        let index: UInt64?
        let root: String?
        let failedAt: String?
        let errors: [String]
    }

    private struct Reply: Decodable {
        let answers: [Answer]
        let receipts: [[String]]
    }

    private struct Request: Encodable {
        let questions: [Question]
        let statements: [String]
    }

    static let tool = PythonTool(
        modules: ["scitt_cose"],
        script: """
            import json, sys
            from scitt_cose import extract_receipts
            from scitt_cose.receipt import verify_receipt
            request = json.load(sys.stdin)
            def answer(q):
                r = verify_receipt(bytes.fromhex(q["receipt"]), leaf_entry_hex=q["leaf"],
                                   log_public_key_pem=q["key"].encode())
                root = r.root.hex() if isinstance(r.root, bytes) else r.root
                return {"ok": r.ok, "size": r.tree_size, "index": r.leaf_index, "root": root,
                        "failedAt": r.failed_at, "errors": [str(e) for e in r.errors]}
            json.dump({"answers": [answer(q) for q in request["questions"]],
                       "receipts": [[r.hex() for r in extract_receipts(bytes.fromhex(s))]
                                    for s in request["statements"]]}, sys.stdout)
            """)

    static func ask(
        _ questions: [Question], statements: [[UInt8]] = []
    ) throws -> (answers: [Answer], receipts: [[String]]) {
        let reply: Reply = try tool.ask(
            Request(questions: questions, statements: statements.map(hex)))
        return (reply.answers, reply.receipts)
    }

    static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// An Ed25519 public key as PEM (RFC 8410).
    private static func pem(_ key: [UInt8]) -> String {
        let prefix: [UInt8] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]
        let body = Data(prefix + key).base64EncodedString()
        return "-----BEGIN PUBLIC KEY-----\n\(body)\n-----END PUBLIC KEY-----\n"
    }
}

/// Our receipts under another implementation's verifier.
@Suite(.enabled(if: SCITT.tool.isWanted, "\(SCITT.tool.comment)")) struct ReceiptInteroperabilityTests {
    private struct Sample {
        let bundle: ReceiptBundle
        let final: FinalTransaction
        let logSize: UInt64
        let logRoot: Digest
        let key: [UInt8]
    }

    /// Receipts for an accepted and for a refused transaction, near both ends of a log whose size is no power
    /// of two.
    private func samples() async throws -> [Sample] {
        let founded = try FoundedHome()
        let node = try LedgerNode(home: founded.home)
        var finals: [FinalTransaction] = []
        for step in 0..<11 {
            let action = step == 7 ? FoundedHome.refusedAction : FoundedHome.action("step \(step)")
            finals.append(
                try await node.perform(ConsortiumContract.self, action, as: try founded.signer()))
        }
        let head = try node.block(node.height).header
        let samples = try [0, 5, 7, 10].map { index in
            Sample(
                bundle: try node.receipt(for: finals[index].id), final: finals[index], logSize: head.logSize,
                logRoot: head.logRoot, key: try founded.home.votingKey().publicKey.bytes)
        }
        try node.close()
        return samples
    }

    @Test func everyReceiptVerifiesWithTheSamePlaceInTheSameTree() async throws {
        let samples = try await samples()
        for sample in samples {
            let (answers, _) = try SCITT.ask(
                sample.bundle.receipts.map { .init($0, leaf: sample.bundle.leaf, key: sample.key) })
            #expect(answers.count == 1)
            for answer in answers {
                #expect(answer.ok, "\(answer.errors)")
                #expect(answer.size == sample.logSize && answer.index == sample.final.leaf)
                #expect(answer.root == SCITT.hex(sample.logRoot.bytes))
            }
        }
    }

    @Test func aTamperedReceiptDoesNotVerify() async throws {
        let sample = try #require(try await samples().last)
        let receipt = sample.bundle.receipts[0]
        var questions: [SCITT.Question] = []
        for position in stride(from: 2, to: receipt.count, by: 3) {
            var changed = receipt
            changed[position] ^= 1
            questions.append(.init(changed, leaf: sample.bundle.leaf, key: sample.key))
        }
        var leaf = try Leaf(decoding: sample.bundle.leaf)
        leaf.outcome = .rejected("machine.unknown")
        questions.append(.init(receipt, leaf: leaf.encoded, key: sample.key))
        let stranger = Ed25519.SigningKey.generate().publicKey.bytes
        questions.append(.init(receipt, leaf: sample.bundle.leaf, key: stranger))
        let (answers, _) = try SCITT.ask(questions)
        #expect(answers.count == questions.count)
        #expect(answers.allSatisfy { !$0.ok })
        #expect(answers.last?.failedAt == "signature")
    }

    @Test func theTransparentStatementCarriesTheSameReceipts() async throws {
        for sample in try await samples() {
            let (_, receipts) = try SCITT.ask([], statements: [try sample.bundle.transparentStatement()])
            #expect(receipts == [sample.bundle.receipts.map(SCITT.hex)])
        }
    }
}
