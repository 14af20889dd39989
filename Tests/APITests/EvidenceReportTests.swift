import Codec
import Contracts
import Cryptography
import Foundation
import Node
import Synchronization
import Testing

@testable import API
@testable import Ledger

/// What a node sees a validator sign against its word.
@Suite(.serialized) struct EvidenceReportTests {
    private final class Lines: Sendable {
        let text = Mutex("")
        var log: NodeLog { NodeLog(.debug) { line in self.text.withLock { $0 += line } } }
        func count(_ part: String) -> Int { text.withLock { $0.components(separatedBy: part).count - 1 } }
    }

    /// The validator's attestation of a block that there is not, as a message that others send on.
    private static func message(
        _ kind: AttestationKind, _ world: NodeWorld, height: Height, block: UInt8
    ) throws -> ReplicaMessage {
        let root = SHA256.digest([block, 1])
        let header = BlockHeader(
            kind: .batch, chain: world.chain, epoch: 0, height: height, previous: .zero, time: .zero,
            position: 1, content: .zero, logSize: 7, logRoot: root, stateRoot: .zero, contractsVersion: 1)
        let key = try world.home(0).votingKey()
        let signed = Attestation.sign(
            kind, header, hash: SHA256.digest([block]), signer: key.signer, hash: SHA256.hash)
        return kind == .vote ? .vote(signed) : .commit(signed, logRoot: root)
    }

    private static func fault(_ kind: EvidenceRecord.Kind, _ height: Height) -> EvidenceRecord.Fault {
        .init(validator: .init(unchecked: "anvil"), kind: kind, epoch: 0, height: height)
    }

    @Test(arguments: [AttestationKind.vote, .commit])
    func aFaultGoesOnTheLedgerOnceByItself(kind: AttestationKind) async throws {
        let world = try NodeWorld(["anvil"])
        let lines = Lines()
        let configuration = try NodeConfiguration.read(world.home(0).configurationFile)
        let process = try NodeProcess(home: world.home(0), configuration: configuration, log: lines.log)
        defer { process.stop() }
        let node = process.node
        // Three blocks at one height, and the same again: one fault.
        for block: UInt8 in [1, 2, 3, 1, 2] {
            node.received(try Self.message(kind, world, height: 90, block: block), from: world.members[0])
        }
        let fault = Self.fault(kind == .vote ? .conflictingVotes : .conflictingCommits, 90)
        try await wait("the fault on the ledger") {
            try node.view().get(EvidenceRecord.self, fault) != nil
        }
        let record = try node.view().existing(EvidenceRecord.self, fault)
        #expect(record.reporter == world.members[0] && record.messages.count == 2)
        // Another fault follows, and the first is not reported again.
        for block: UInt8 in [4, 5] {
            node.received(try Self.message(kind, world, height: 91, block: block), from: nil)
        }
        try await wait("the next fault on the ledger") {
            try node.view().get(EvidenceRecord.self, Self.fault(fault.kind, 91)) != nil
        }
        try await wait("two lines in the log") { lines.count("a validator's fault is on the ledger") >= 2 }
        #expect(lines.count("a validator's fault is on the ledger") == 2, "\(lines.text.withLock { $0 })")
        #expect(try node.view().all(EvidenceRecord.self).count == 2)
    }

    @Test func aRestartForgetsNoFault() async throws {
        let world = try NodeWorld(["anvil"])
        let lines = Lines()
        let home = world.home(0)
        func signed(_ block: UInt8) throws -> Replica.Evidence.Signed {
            guard case .vote(let vote) = try Self.message(.vote, world, height: 90, block: block) else {
                throw CancellationError()
            }
            return .init(vote, logRoot: .zero)
        }
        let before = EvidenceReports(home: home, member: world.members[0], log: lines.log)
        before.note(.conflicting(try signed(1), try signed(2)))
        try before.save()
        // What is not evidence at all is passed over.
        let waiting = home.folder.appendingPathComponent("evidence/waiting")
        try Data([0xff]).write(to: waiting.appendingPathComponent("broken.cbor"))
        let configuration = try NodeConfiguration.read(home.configurationFile)
        let process = try NodeProcess(home: home, configuration: configuration, log: lines.log)
        defer { process.stop() }
        try await wait("the fault on the ledger") {
            try process.node.view().get(EvidenceRecord.self, Self.fault(.conflictingVotes, 90)) != nil
        }
        try await wait("nothing waits") {
            try FileManager.default.contentsOfDirectory(atPath: waiting.path) == ["broken.cbor"]
        }
        #expect(lines.count("evidence that waits cannot be read") == 1)
    }

    @Test func aNodeWithoutAKeySaysWhichVerbReports() async throws {
        let world = try NodeWorld(["anvil"])
        let lines = Lines()
        let home = world.home(0)
        let signer = try home.keystore(of: world.members[0]).signingKey().signer
        let configuration = try NodeConfiguration.read(home.configurationFile)
        // As where the member's keys are kept elsewhere.
        try FileManager.default.removeItem(at: home.keystore(of: world.members[0]).folder)
        let process = try NodeProcess(home: home, configuration: configuration, log: lines.log)
        defer { process.stop() }
        let node = process.node
        for block: UInt8 in [1, 2] {
            node.received(try Self.message(.commit, world, height: 90, block: block), from: nil)
        }
        try await wait("the warning") { lines.count("millwright evidence report --as MEMBER") == 1 }
        // What it left is what the ledger takes.
        let text = lines.text.withLock { $0 }
        func word(after option: String) throws -> String {
            let rest = try #require(text.range(of: "--\(option) ")?.upperBound)
            return String(text[rest...].prefix { !$0.isWhitespace && $0 != "\"" })
        }
        func message(_ name: String) throws -> ConsortiumContract.SignedMessage {
            let data = try Data(contentsOf: URL(fileURLWithPath: try word(after: name)))
            let root = try #require(Hex.decode(try word(after: "\(name)-root")).flatMap { Digest($0) })
            return .init(message: Bytes([UInt8](data)), payload: root)
        }
        let final = try await node.perform(
            ConsortiumContract.self,
            .reportEvidence(
                .init(
                    kind: .conflictingCommits, first: try message("first"), second: try message("second"))),
            as: signer)
        #expect(final.outcome == .accepted)
        #expect(try node.view().get(EvidenceRecord.self, Self.fault(.conflictingCommits, 90)) != nil)
    }
}
