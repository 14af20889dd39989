import API
import Contracts
import Cryptography
import Foundation
import Ledger
import Node
import Testing

/// Companies with nodes of their own, each a process: from founding to a ledger that they validate together.
@Suite(.enabled(if: Binary.isBuilt, "millwright is not built"), .serialized)
struct OnboardingTests {
    private static func founded() async throws -> Workplace {
        let place = try Workplace()
        try await place.succeed(
            "found Ring --board chamber --country DE --home chamber "
                + "--endpoint https://127.0.0.1:\(try freePort())")
        return place
    }

    private static func validators(_ place: Workplace, _ home: String) async throws -> [String] {
        let run = try await place.call("node status --json --home \(home)")
        guard run.status == 0 else { return [] }
        return try run.object()["validators"] as? [String] ?? []
    }

    @Test func aCompanyJoinsWithAFileAndValidates() async throws {
        let place = try await OnboardingTests.founded()
        let chamber = try await RunningNode(place, home: "chamber")
        try await place.succeed("invite press-works --home chamber --role oem --out press.invitation")
        let mode = try FileManager.default.attributesOfItem(
            atPath: place.folder.appendingPathComponent("press.invitation").path)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        try FileManager.default.copyItem(
            at: place.folder.appendingPathComponent("press.invitation"),
            to: place.folder.appendingPathComponent("copy.invitation"))

        let joined = try await place.succeed(
            "join press.invitation --home press --country DE --city Ulm "
                + "--endpoint https://127.0.0.1:\(try freePort())")
        #expect(joined.output.contains("next:   millwright node --home press"), "\(joined.output)")
        for (line, code) in [
            ("join copy.invitation --home another --country DE", "invitation.used"),
            ("join press.invitation --home press --country DE", "home.exists"),
        ] {
            let run = try await place.call(line)
            #expect(run.status == 1 && run.code == code, "\(line): \(run.error)")
        }

        let press = try await RunningNode(place, home: "press")
        // Before the board's word it may look and not write.
        try await eventually("the newcomer has the ledger", note: press.output) {
            let run = try await place.call("show member press-works --json --home press")
            guard run.status == 0 else { return false }
            return try run.object()["status"] as? String == "applied"
        }
        let early = try await place.call("member update --as press-works --city Bonn --home press")
        #expect(early.status == 1, "\(early.error)")

        let set = "validators set chamber press-works --as chamber --home chamber"
        let unadmitted = try await place.call(set)
        #expect(unadmitted.status == 1 && unadmitted.code == "validators.no_key", "\(unadmitted.error)")
        #expect(unadmitted.error.contains("it is applied") && unadmitted.output.isEmpty)

        // The newcomer's node brings its voting key a moment after the board's word, and the verb waits.
        try await place.succeed("admit press-works --home chamber")
        try await place.succeed(set)
        try await eventually("both validate", note: press.output + chamber.output) {
            try await OnboardingTests.validators(place, "press") == ["chamber", "press-works"]
        }
        try await place.succeed("member update --as press-works --city Neu-Ulm --home press")
        try await eventually("the founder has it") {
            let member = try await place.succeed("show member press-works --json --home chamber").object()
            return (member["profile"] as? [String: Any])?["city"] as? String == "Neu-Ulm"
        }
        for home in ["chamber", "press"] { try await place.succeed("verify --home \(home)") }
        chamber.stop()
        press.stop()
        // The ledger was founded by one validator, and two have to agree now.
        for home in ["chamber", "press"] {
            try await OnboardingTests.expectReadable(place, home, member: "press-works")
        }
    }

    /// They would make each other's keys, and put a company on the ledger that has none of them.
    @Test func ofTwoThatJoinAtOnceInOneFolderOneDoes() async throws {
        let place = try await OnboardingTests.founded()
        let chamber = try await RunningNode(place, home: "chamber")
        try await place.succeed("invite press-works --home chamber --role oem --out press.invitation")
        let join = "join press.invitation --home press --country DE"
        let home = place.folder.appendingPathComponent("press")
        do {
            let held = try HeldFolder(home)
            defer { withExtendedLifetime(held) {} }
            let busy = try await place.call(join)
            #expect(busy.status == 1 && busy.code == "home.busy" && busy.output.isEmpty, "\(busy.error)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: home.path) == [])
        }
        async let one = place.call(join)
        async let other = place.call(join)
        let runs = try await [one, other].sorted { $0.status < $1.status }
        #expect(runs[0].status == 0 && runs[0].output.contains("has joined in block"), "\(runs[0].error)")
        #expect(
            runs[1].status == 1 && ["home.busy", "home.exists"].contains(runs[1].code), "\(runs[1].error)")
        let member = try await place.succeed("show member press-works --json --home chamber").object()
        #expect(member["status"] as? String == "applied")
        chamber.stop()
    }

    /// A newcomer whose node does not run brings no voting key: the board is told when to come back.
    @Test func theBoardWaitsForAVotingKeyAsLongAsItSays() async throws {
        let place = try await OnboardingTests.founded()
        let chamber = try await RunningNode(place, home: "chamber")
        try await place.succeed("invite press-works --home chamber --role oem --out press.invitation")
        try await place.succeed("join press.invitation --home press --country DE")
        try await place.succeed("admit press-works --home chamber")
        let set = "validators set chamber press-works --as chamber --home chamber"
        let waited = try await place.call("\(set) --wait 2s")
        #expect(waited.status == 1 && waited.code == "validators.no_key", "\(waited.error)")
        #expect(waited.output == "waiting up to 2 s for the voting key of press-works\n")
        #expect(waited.error.contains("give the command again when its node runs"), "\(waited.error)")
        let atOnce = try await place.call("\(set) --wait 0s")
        #expect(atOnce.code == "validators.no_key" && atOnce.output.isEmpty, "\(atOnce.error)")
        chamber.stop()
        let alone = try await place.call(set)
        #expect(alone.code == "validators.no_key" && alone.output.isEmpty, "\(alone.error)")
        #expect(alone.error.contains("while it and the node here run"), "\(alone.error)")
    }

    /// A stopped validator's home is verified and read, and written by nobody.
    private static func expectReadable(_ place: Workplace, _ home: String, member: String) async throws {
        let before = try await place.succeed("status --json --home \(home)").output
        let verified = try await place.succeed("verify --json --home \(home)").object()
        let status = try await place.succeed("status --json --home \(home)").object()
        #expect(verified["stateRoot"] as? String == status["stateRoot"] as? String)
        #expect(verified["blocks"] as? Int == (status["height"] as? Int ?? -1) + 1)
        for line in ["list members", "show member \(member)", "history member \(member)", "export"] {
            try await place.succeed("\(line) --home \(home)")
        }
        let last = try await place.succeed("export --home \(home)").output.split(separator: "\n").last
        let line = try #require(last)
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        let id = try #require(object?["transaction"] as? String)
        try await place.succeed("receipt write \(id) --out \(home).receipt --home \(home)")
        try await place.succeed("receipt verify \(home).receipt --genesis \(home)/genesis.cbor")
        let write = try await place.call("member update --as \(member) --city Bonn --home \(home)")
        #expect(write.status == 1 && write.code == "node.several_validators", "\(write.error)")
        #expect(try await place.succeed("status --json --home \(home)").output == before)
    }

    @Test func anInviterThatIsAwayIsNoObstacleWhereAnotherAnswers() async throws {
        let place = try await OnboardingTests.founded()
        let chamber = try await RunningNode(place, home: "chamber")
        try await place.succeed("invite stamper --home chamber --role customer --out stamper.invitation")
        var invitation = try Invitation(parsing: try place.read("stamper.invitation"))
        let away = Invitation.Peer(
            member: MemberID(unchecked: "press-works"), endpoint: "https://127.0.0.1:\(try freePort())",
            pins: [SHA256.digest([1])])
        invitation.peers.insert(away, at: 0)
        try place.write(try invitation.text(note: ""), to: "two.invitation")
        let joined = try await place.succeed("join two.invitation --home stamper --country DE")
        #expect(joined.output.contains("chamber"), "\(joined.output)")
        let member = try await place.succeed("show member stamper --json --home chamber").object()
        #expect(member["status"] as? String == "applied")
        chamber.stop()
    }

    @Test func whatIsWrongWithAnInvitationIsSaid() async throws {
        let place = try await OnboardingTests.founded()
        let lonely = try await place.call("invite stamper --home chamber --role customer --out no/where")
        #expect(lonely.status == 2 && lonely.code == "cli.bad_file", "\(lonely.error)")
        try await place.succeed("invite stamper --home chamber --role customer --out stamper.invitation")
        let away = try await place.call("join stamper.invitation --home stamper --country DE")
        #expect(away.status == 1 && away.code == "join.unreachable", "\(away.error)")

        let chamber = try await RunningNode(place, home: "chamber")
        var invitation = try Invitation(parsing: try place.read("stamper.invitation"))
        let peer = invitation.peers[0]
        invitation.peers = [
            .init(member: peer.member, endpoint: peer.endpoint, pins: [SHA256.digest([1])])
        ]
        try place.write(try invitation.text(note: ""), to: "pin.invitation")
        let pin = try await place.call("join pin.invitation --home pin --country DE")
        #expect(pin.status == 1 && pin.code == "join.wrong_pin", "\(pin.error)")

        invitation.peers = [peer]
        invitation.expires = .zero
        try place.write(try invitation.text(note: ""), to: "old.invitation")
        let old = try await place.call("join old.invitation --home old --country DE")
        #expect(old.status == 1 && old.code == "invitation.expired", "\(old.error)")

        invitation = try Invitation(parsing: try place.read("stamper.invitation"))
        let stranger = Invitation(
            chain: invitation.chain, ledger: "Ring", member: invitation.member, name: "Stamper",
            roles: [.customer],
            expires: invitation.expires, key: .generate(), peers: invitation.peers)
        try place.write(try stranger.text(note: ""), to: "stranger.invitation")
        let unknown = try await place.call("join stranger.invitation --home stranger --country DE")
        #expect(unknown.status == 1 && unknown.code == "invitation.unknown", "\(unknown.error)")

        try place.write("nothing", to: "nothing.invitation")
        let nothing = try await place.call("join nothing.invitation --home nothing --country DE")
        #expect(nothing.status == 1 && nothing.code == "invitation.malformed", "\(nothing.error)")
        // The one that found nobody before goes on where it was.
        try await place.succeed("join stamper.invitation --home stamper --country DE")
        chamber.stop()
    }

    @Test func aNodeTellsWhenTheKeysThatItActsWithEnd() async throws {
        let place = try await OnboardingTests.founded()
        let chamber = try await RunningNode(place, home: "chamber")
        let soon = Date(timeIntervalSinceNow: 4.5 * 86_400).ISO8601Format()
        try await place.succeed(
            "key delegate node --as chamber --scope consortium.setNode --until \(soon) --home chamber")
        try await eventually("the node has looked at its keys", note: chamber.output) {
            let status = try await place.succeed("node status --json --home chamber").object()
            let days = status["keyDaysLeft"] as? [String: Int]
            return days?["node"] == 4 && (days?["nats"] ?? 0) > 1_400
        }
        #expect(chamber.output.contains(#"event="a key of this node ends soon" key=node days=4"#))
        #expect(try await place.succeed("node status --home chamber").output.contains("key «node» ends in 4"))
        chamber.stop()
    }

    @Test func aLoneNodeIsBackedUpPrunedAndMovedWhileItRuns() async throws {
        let place = try await OnboardingTests.founded()
        let chamber = try await RunningNode(place, home: "chamber")
        try await place.succeed("invite stamper --home chamber --role customer --out stamper.invitation")

        let engine = try await place.succeed("engine show --json --home chamber").object()
        #expect(engine["listed"] as? [String] == ["embedded:"] && engine["epoch"] as? Int == 0, "\(engine)")
        let unlisted = try await place.call("engine move nats://127.0.0.1:4222 --home chamber")
        #expect(unlisted.status == 1 && unlisted.code == "engine.not_listed", "\(unlisted.error)")
        try await place.succeed("engine list set embedded:chamber --home chamber")
        let listed = try await place.succeed("engine list --home chamber").output
        #expect(listed == "embedded:chamber\nembedded:\n")
        try await place.succeed("engine move embedded: --home chamber")
        #expect(try await place.succeed("engine show --json --home chamber").object()["epoch"] as? Int == 1)

        try await eventually("the NATS key is on the ledger", note: chamber.output) {
            try await place.call("engine nats-config --out nats --home chamber").status == 0
        }
        #expect(try place.read("nats/nats-server.conf").contains("# chamber\n      { nkey: U"))

        try await place.succeed("backup --to copy --with-keys --home chamber")
        let again = try await place.call("backup --to copy --home chamber")
        #expect(again.status == 1 && again.code == "backup.not_empty", "\(again.error)")
        let files = FileManager.default
        let copy = place.folder.appendingPathComponent("copy")
        for name in ["voting.key", "voting.store", "ledger/store"] {
            #expect(!files.fileExists(atPath: copy.appendingPathComponent(name).path), "\(name)")
        }
        // Nothing is old enough: whole files of blocks go.
        let pruned = try await place.succeed("prune --keep-blocks 1 --json --home chamber").object()
        #expect(pruned["segments"] as? Int == 0)
        for line in ["prune", "prune --below 0"] {
            #expect(try await place.call("\(line) --home chamber").status == 2)
        }

        // The ledger is too young for a snapshot: the newcomer takes every block.
        let joined = try await place.succeed("join stamper.invitation --snapshot --home stamper --country DE")
        #expect(joined.output.contains("there is no snapshot yet"), "\(joined.output)")
        let stamper = try await RunningNode(place, home: "stamper")
        try await eventually("the newcomer goes on from there", note: stamper.output) {
            let run = try await place.call("show member stamper --json --home stamper")
            guard run.status == 0 else { return false }
            return try run.object()["status"] as? String == "applied"
        }
        chamber.stop()
        stamper.stop()
        let full = try await place.call("restore copy --home chamber")
        #expect(full.status == 1 && full.code == "home.exists", "\(full.error)")
        let restored = try await place.succeed("restore copy --home restored")
        #expect(restored.output.contains("next:   millwright node --home restored"))
        try files.removeItem(at: copy.appendingPathComponent("backup.json"))
        let incomplete = try await place.call("restore copy --home other")
        #expect(incomplete.status == 1 && incomplete.code == "backup.incomplete", "\(incomplete.error)")
    }

    /// Four companies that founded together, each with a data directory.
    private static func four(_ place: Workplace) throws {
        let names = ["a", "b", "c", "d"]
        let homes = names.map { Home(place.folder.appendingPathComponent($0)) }
        let members = try names.map { name in
            Founding.Member(
                id: MemberID(unchecked: name), name: name, roles: name == "a" ? [.board] : [.customer],
                profile: MemberProfile(registrationName: name, country: "DE"),
                endpoint: "https://127.0.0.1:\(try freePort())")
        }
        let founding = Founding(
            name: "Four", members: members, validator: members[0].id,
            created: Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)), simulated: false)
        _ = try founding.found(
            in: Dictionary(uniqueKeysWithValues: zip(members.map(\.id), homes)),
            validators: members.map(\.id))
        for (member, home) in zip(members, homes) {
            try NodeConfiguration.defaults(member: member.id, endpoint: member.endpoint).write(to: home)
        }
    }

    @Test func aRestoredValidatorVotesAgainWithAnotherKey() async throws {
        let place = try Workplace()
        try OnboardingTests.four(place)
        var nodes: [RunningNode] = []
        for name in ["a", "b", "c", "d"] { nodes.append(try await RunningNode(place, home: name)) }
        let logs = { [nodes] in nodes.map { String($0.output.suffix(800)) }.joined(separator: "\n\n") }
        try await eventually("the first transaction is final", note: logs()) {
            try await place.call("member update --city Ulm --as a --home a").status == 0
        }
        try await place.succeed("backup --to copy --with-keys --home d")
        nodes[3].stop()
        try FileManager.default.removeItem(at: place.folder.appendingPathComponent("d"))
        // Three of four go on.
        try await place.succeed("member update --city Bonn --as b --home b")

        try await place.succeed("restore copy --home d")
        nodes[3] = try await RunningNode(place, home: "d")
        try await eventually("the restored node has what it missed", note: logs()) {
            let run = try await place.call("show member b --json --home d")
            guard run.status == 0 else { return false }
            return (try run.object()["profile"] as? [String: Any])?["city"] as? String == "Bonn"
        }
        let observer = try await place.succeed("node status --json --home d").object()
        #expect(observer["isValidator"] as? Bool == false)

        try await place.succeed("voting-key rotate --home d")
        nodes[3].stop()
        nodes[3] = try await RunningNode(place, home: "d")
        try await eventually("it votes again", note: nodes.map(\.output).joined()) {
            let run = try await place.call("node status --json --home d")
            return run.status == 0 ? try run.object()["isValidator"] as? Bool == true : false
        }
        try await place.succeed("member update --city Kiel --as d --home d")
        try await place.succeed("verify --home d")
        for node in nodes { node.stop() }
        for home in ["a", "d"] { try await OnboardingTests.expectReadable(place, home, member: home) }
    }
}
