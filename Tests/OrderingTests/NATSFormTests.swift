import Codec
import Cryptography
import Foundation
import Ledger
import TestSupport
import Testing

@testable import Ordering

/// The forms of names, keys and files that NATS reads.
@Suite struct NATSFormTests {
    private let chain = SHA256.digest([1])
    private let epoch = SHA256.digest([2])
    private let member = MemberID(unchecked: "acme.works-2_a")

    @Test func keysHaveTheirTextForm() throws {
        // The pair that NATS's documentation shows.
        let seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
        let text = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"
        let key = try NKey.signingKey(seedText: seed.utf8)
        #expect(NKey.seedText(of: key) == seed)
        #expect(NKey.text(of: key.publicKey) == text)
        #expect(NKey.publicKey(text) == key.publicKey)
    }

    @Test func aChangedKeyIsRefused() throws {
        let key = Ed25519.SigningKey.generate()
        let (text, seed) = (NKey.text(of: key.publicKey), NKey.seedText(of: key))
        for index in text.indices {
            var changed = text
            changed.replaceSubrange(index...index, with: text[index] == "A" ? "B" : "A")
            #expect(NKey.publicKey(changed) == nil)
        }
        for index in seed.indices {
            var changed = seed
            changed.replaceSubrange(index...index, with: seed[index] == "A" ? "B" : "A")
            #expect(throws: CryptographyError.self) { try NKey.signingKey(seedText: changed.utf8) }
        }
        for wrong in ["", "U", seed, text.lowercased(), text + "A", String(text.dropLast())] {
            #expect(NKey.publicKey(wrong) == nil)
        }
    }

    @Test func aSeedFileMayHoldComments() throws {
        let key = Ed25519.SigningKey.generate()
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("# alpha's\n\(NKey.seedText(of: key))\n".utf8).write(to: URL(fileURLWithPath: path))
        #expect(try NKey.signingKey(seedFile: path).publicKey == key.publicKey)
        try Data("# nothing\n".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: CryptographyError.self) { try NKey.signingKey(seedFile: path) }
    }

    @Test func namesAreTokens() {
        let stream = LedgerStream(chain: chain, epochBlock: epoch)
        let (first, second) = (chain.description.prefix(16), epoch.description.prefix(16))
        #expect(stream.name == "mw-\(first)-\(second)")
        #expect(stream.subjects == "mw.\(first).\(second).*")
        #expect(stream.subject(of: member) == "mw.\(first).\(second).acme=works-2_a")
    }

    @Test func aMessageSaysItsPlace() {
        let plain = "$JS.ACK.mw-1.alpha.1.7.3.1700000000000000000.12"
        #expect(NATSReader.metadata(plain, stream: "mw-1")! == (7, 12))
        let long = "$JS.ACK.hub.ABC.mw-1.alpha.1.8.3.1700000000000000000.0.token"
        #expect(NATSReader.metadata(long, stream: "mw-1")! == (8, 0))
        for wrong in [
            "", "$JS.ACK", "$JS.ACK.mw-2.alpha.1.7.3.17.12", "$JS.ACK.mw-1.alpha.1.0.3.17.12",
            "$JS.ACK.mw-1.alpha.1.x.3.17.12", "_INBOX.a.b", "$JS.ACK.mw-1.alpha.1.7.3.17.12.1",
        ] { #expect(NATSReader.metadata(wrong, stream: "mw-1") == nil, "\(wrong)") }
    }

    @Test func textsInAServersConfigurationCannotEndEarly() {
        var configuration = NATSServerConfiguration(
            name: "a\"b\\c\nd", chain: chain, members: [], listen: "0.0.0.0:4222", directory: "/var/x y",
            maximumBytes: 1 << 40)
        #expect(configuration.text.contains("server_name: \"a\\\"b\\\\c\\nd\""))
        #expect(configuration.text.contains("sync_interval: always"))
        let tls = NATSServerConfiguration.TLS(certificate: "/c", key: "/k", authorities: "/a")
        configuration.cluster = .init(listen: "0.0.0.0:6222", routes: ["b.example:6222"], tls: tls)
        #expect(configuration.text.contains("tls://b.example:6222"))
    }
}

/// What a cursor makes of a stream.
@Suite struct StreamCursorTests {
    private func digest(_ byte: UInt8) -> Digest { SHA256.digest([byte]) }
    private func seen(_ first: UInt64, _ last: UInt64, created: Int64 = 5) -> StreamCursor.Sighting {
        StreamCursor.Sighting(created: created, first: first, last: last)
    }

    /// A cursor that has delivered messages 1 to 3.
    private func started() -> StreamCursor {
        var cursor = StreamCursor(position: 0)
        _ = cursor.sighted(seen(1, 3))
        for number in 1...3 as ClosedRange<UInt8> {
            _ = cursor.received(UInt64(number), digest: digest(number))
        }
        return cursor
    }

    @Test func beginsWhereItIsTold() {
        var fresh = StreamCursor(position: 0)
        #expect(fresh.isFresh && fresh.delivered == nil)
        #expect(fresh.sighted(seen(0, 0)) == .follow(from: 1))
        #expect(!fresh.isFresh, "a stream that it has seen it does not create again")
        var later = StreamCursor(position: 4)
        #expect(!later.isFresh && later.delivered == 3)
        #expect(later.sighted(seen(1, 4)) == .follow(from: 5))
        var last = StreamCursor(position: .max)
        guard case .behind = last.sighted(seen(1, 4)) else { return #expect(Bool(false)) }
    }

    @Test func takesUpAgainWithTheLastMessage() {
        var cursor = started()
        #expect(cursor.sighted(seen(1, 9)) == .follow(from: 3))
        #expect(cursor.received(3, digest: digest(3)) == .known)
        #expect(cursor.received(4, digest: digest(4)) == .deliver)
        #expect(cursor.delivered == 3)
    }

    @Test func aStreamThatGrewAnewIsLost() {
        var cursor = started()
        _ = cursor.sighted(seen(1, 9))
        guard case .lost = cursor.received(3, digest: digest(9)) else { return #expect(Bool(false)) }
    }

    @Test func aShorterStreamIsBehind() {
        var cursor = started()
        guard case .behind = cursor.sighted(seen(1, 2)) else { return #expect(Bool(false)) }
        guard case .behind = cursor.missing() else { return #expect(Bool(false)) }
        #expect(cursor.sighted(seen(1, 3)) == .follow(from: 3))
    }

    @Test func anotherStreamIsLost() {
        var cursor = started()
        guard case .lost = cursor.sighted(seen(1, 9, created: 6)) else { return #expect(Bool(false)) }
        var early = StreamCursor(position: 2)
        guard case .lost = early.sighted(seen(4, 9)) else { return #expect(Bool(false)) }
    }

    @Test func aGapIsAskedForAndAHoleIsLost() {
        var cursor = started()
        #expect(cursor.received(5, digest: digest(5)) == .gap)
        #expect(cursor.received(5, digest: digest(5)) == .gap)
        guard case .lost = cursor.received(5, digest: digest(5)) else { return #expect(Bool(false)) }
        var healed = started()
        #expect(healed.received(5, digest: digest(5)) == .gap)
        #expect(healed.received(4, digest: digest(4)) == .deliver)
        #expect(healed.received(6, digest: digest(6)) == .gap)
    }
}
