import CNATS
import Codec
import Cryptography
import Foundation
import Ledger
import TestSupport
import Testing

@testable import Ordering

/// What a generated server configuration lets a member do.
@Suite(.enabled(if: NATSTestCluster.isPresent, Comment(rawValue: NATSTestCluster.absence)))
struct NATSPermissionTests {
    private struct Scene {
        let world: EngineWorld
        let cluster: NATSTestCluster
        let stream: LedgerStream
        let collector = Collector()
        let engine: any OrderingEngine

        init() async throws {
            world = try EngineKind.nats.world()
            cluster = try #require(world.cluster)
            stream = LedgerStream(chain: cluster.chain, epochBlock: world.epoch)
            engine = try world.running(into: collector)
            try await engine.order([1])
            try await collector.wait(for: 1)
        }
    }

    @Test func aMemberPublishesOnItsOwnSubjectOnly() async throws {
        let scene = try await Scene()
        let (alpha, beta) = (scene.cluster.members[0], scene.cluster.members[1])
        let client = try RawClient(scene.cluster, as: beta)
        #expect(client.publish([2], on: scene.stream.subject(of: beta)) == .done)
        #expect(client.publish([3], on: scene.stream.subject(of: alpha)) == .forbidden)
        try await scene.engine.order([4])
        try await scene.collector.wait(for: 3)
        #expect(scene.collector.batches == [[1], [2], [4]])
    }

    @Test func nobodyDeletesPurgesOrChangesTheStream() async throws {
        let scene = try await Scene()
        let client = try RawClient(scene.cluster, as: scene.cluster.members[1])
        #expect(client.deleteStream(scene.stream.name) == .forbidden)
        #expect(client.purge(scene.stream.name) == .forbidden)
        #expect(client.deleteMessage(scene.stream.name) == .forbidden)
        #expect(client.weaken(scene.stream, update: true) == .forbidden)
        #expect(client.deleteReader(scene.stream.name, of: "alpha") == .forbidden)
        // Creating it again with other settings is allowed, and changes nothing.
        #expect(client.weaken(scene.stream, update: false) == .refused(JSStreamNameExistErr.rawValue))
        try await scene.engine.order([2])
        try await scene.collector.wait(for: 2)
        #expect(scene.engine.health.state == .following)
    }

    @Test func nobodyListensToAnothersAnswersOrOutsideTheStream() async throws {
        let scene = try await Scene()
        let (alpha, beta) = (scene.cluster.members[0], scene.cluster.members[1])
        let client = try RawClient(scene.cluster, as: beta)
        let other = try RawClient(scene.cluster, as: alpha)
        let subject = scene.stream.subject(of: alpha)
        #expect(!client.overhears("_INBOX.alpha.>") { _ = other.publish([2], on: subject) })
        #expect(!client.overhears("mw.>") { _ = other.publish([3], on: subject) })
    }

    @Test func aKeyThatIsNoMembersIsRefused() throws {
        let cluster = try #require(try EngineKind.nats.world().cluster)
        let stranger = try RawClient(cluster, key: .generate(), inbox: "_INBOX.alpha")
        #expect(stranger.status == NATS_CONNECTION_AUTH_FAILED)
    }

    /// The library sends no signature that begins with a zero, one in 256.
    @Test func aMemberIsTakenWhateverItsSignatureBeginsWith() throws {
        let cluster = try #require(try EngineKind.nats.world().cluster)
        let configuration = try cluster.configuration(cluster.members[0], epochBlock: cluster.chain)
        for _ in 0..<1000 { try NATSConnection(configuration).close() }
    }

    /// The library's own signing with a seed's text gives the signature of the key.
    @Test func nkeysAreThoseOfTheLibrary() throws {
        nats_Open(-1)
        for _ in 0..<20 {
            let key = Ed25519.SigningKey.generate()
            var signature: UnsafeMutablePointer<UInt8>?
            var count: Int32 = 0
            try #require(nats_Sign(NKey.seedText(of: key), "challenge", &signature, &count) == NATS_OK)
            defer { free(signature) }
            let signed = Array(UnsafeBufferPointer(start: signature, count: Int(count)))
            #expect(signed == key.sign(Array("challenge".utf8)))
        }
    }
}
