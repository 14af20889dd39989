import Codec
import Contracts
import Cryptography
import Foundation
import Testing

@testable import Ledger

/// Nodes, validators and their faults, by commands alone. `chamber` validates.
@Suite(.enabled(if: Binary.isBuilt, "millwright is not built"))
struct ValidatorJourneyTests {
    private static func pin(_ digit: String) -> String { String(repeating: digit, count: 64) }

    @Test func aNodeRenewsItsTLSKeyWithADelegatedKey() async throws {
        let consortium = try await Consortium()
        let place = consortium.place
        try await place.succeed(
            "member node --as press-works --endpoint https://node.example:8443 --pin \(Self.pin("b"))")
        try await place.succeed(
            "key delegate node --as press-works --scope consortium.setNode --until 2026-12-31")
        try await place.succeed(
            "member node --as press-works --key node --pin \(Self.pin("b")) --pin \(Self.pin("a"))")
        var member = try await consortium.record("member", "press-works")
        #expect(member["tlsPins"] as? [String] == [Self.pin("a"), Self.pin("b")])
        #expect(member["endpoint"] as? String == "https://node.example:8443")
        try await place.succeed("member node --as press-works --key node --pin \(Self.pin("a"))")
        member = try await consortium.record("member", "press-works")
        #expect(member["tlsPins"] as? [String] == [Self.pin("a")])

        for (line, code) in [
            ("--as press-works --key node --offer-vote", "consortium.own_key_required"),
            // This home's voting key is the validator's.
            ("--as press-works --offer-vote", "consortium.key_taken"),
            ("--as stamper --pin \(Self.pin("a"))", "consortium.pin_taken"),
            ("--as stamper --endpoint http://node.example", "consortium.endpoint_invalid"),
        ] {
            let run = try await place.call("member node \(line)")
            #expect(run.status == 1 && run.code == code, "\(line): \(run.error)")
        }
        for line in ["--pin abcd", "--pin \(Self.pin("a")) --no-pins"] {
            let run = try await place.call("member node --as stamper \(line)")
            #expect(run.status == 2 && run.code == "cli.bad_value", "\(line): \(run.error)")
        }
        try await place.succeed("member node --as press-works --no-pins --endpoint https://[::1]:1")
        #expect(try await consortium.record("member", "press-works")["tlsPins"] == nil)
    }

    @Test func theBoardSetsValidatorsByName() async throws {
        let consortium = try await Consortium()
        let place = consortium.place
        let missing = try await place.call("validators set chamber press-works --as chamber")
        #expect(missing.status == 1 && missing.code == "validators.no_key", "\(missing.error)")
        let shown = try await place.succeed("validators show --json").object()
        #expect(shown["quorum"] as? Int == 1)
        let validators = try #require(shown["validators"] as? [[String: Any]])
        #expect(validators.map { $0["member"] as? String } == ["chamber"])
        let key = try #require(validators[0]["current"] as? String)

        let other = Hex.encode(try Ed25519.SigningKey(seed: Array(repeating: 1, count: 32)).publicKey.bytes)
        let own = try await Self.votingKey(place)
        try await place.succeed(
            "proposal validators --as chamber --validator chamber=\(Hex.encode(own.publicKey.bytes)) "
                + "--validator press-works=\(other)")
        let next = try await place.succeed("validators show").output
        #expect(next.contains("1 of 1 signatures"))
        #expect(
            next.split(separator: "\n").contains { $0.hasPrefix("press-works  active  -           ") },
            "\(next)")
        // The names suffice where the keys are known, and the set in force takes the change back.
        try await place.succeed("validators set press-works chamber --as chamber")
        try await place.succeed("validators set chamber --as chamber")
        let after =
            try await place.succeed("validators show --json").object()["validators"] as? [[String: Any]]
        #expect(after?.count == 1 && after?[0]["next"] as? String == key)
        #expect(try await place.succeed("list voting-keys --json").list().count == 2)
    }

    private static func votingKey(_ place: Workplace) async throws -> Ed25519.SigningKey {
        let file = place.folder.appendingPathComponent("millwright-data/voting.key")
        return try Ed25519.SigningKey(seed: [UInt8](try Data(contentsOf: file).suffix(32)))
    }

    @Test func aValidatorsFaultIsReportedAndShown() async throws {
        let consortium = try await Consortium()
        let place = consortium.place
        let status = try await place.succeed("status --json").object()
        let chain = try #require((status["chain"] as? String).flatMap(Hex.decode).flatMap { Digest($0) })
        let voter = try await Self.votingKey(place)
        var roots: [String] = []
        for (number, name) in (["a", "b"] as [String]).enumerated() {
            let root = SHA256.digest(Array(name.utf8))
            let header = BlockHeader(
                kind: .batch, chain: chain, epoch: 0, height: 99, previous: .zero, time: .zero, position: 1,
                content: .zero, logSize: 7, logRoot: root, stateRoot: .zero, contractsVersion: 1)
            let commit = Attestation.sign(
                .commit, header, hash: SHA256.digest([UInt8(number)]),
                signer: MessageSigner(publicKey: voter.publicKey.bytes) { voter.sign($0) }, hash: SHA256.hash
            )
            try Data(commit.message().encoded).write(to: place.folder.appendingPathComponent("\(name).cose"))
            roots.append(root.description)
        }
        #expect(try await place.succeed("evidence list").output.contains("there is no evidence"))
        let report = "evidence report --as stamper --kind conflictingCommits --first a.cose --second b.cose "
        let wrong = try await place.call(report + "--first-root \(roots[0])")
        #expect(wrong.status == 1 && wrong.code == "consortium.evidence_invalid", "\(wrong.error)")
        let whole = report + "--first-root \(roots[0]) --second-root \(roots[1])"
        try await place.succeed(whole)
        let again = try await place.call(whole)
        #expect(again.status == 1 && again.code == "consortium.evidence_known")
        let id = "chamber/conflictingCommits/0/99"
        #expect(try await place.succeed("evidence list").output.contains(id))
        let fault = try await place.succeed("evidence show \(id) --json").object()
        #expect(fault["reporter"] as? String == "stamper")
        let unknown = try await place.call("evidence show chamber/conflictingVotes/0/99")
        #expect(unknown.status == 1 && unknown.code == "evidence.unknown")
        try await place.succeed("verify")
    }
}
