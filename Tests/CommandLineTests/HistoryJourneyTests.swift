import API
import Contracts
import Cryptography
import Foundation
import Ledger
import Node
import TestSupport
import Testing

/// A company that joined with a snapshot fetches the ledger's history later, with processes and a shell
/// alone.
@Suite(.enabled(if: Binary.isBuilt, "millwright is not built"), .serialized)
struct HistoryJourneyTests {
    /// Blocks before the snapshot: a node that closes writes a checkpoint where there are so many.
    private static let changes = 70

    /// A ledger of the chamber's whose first blocks have reached a checkpoint, and the id of its first
    /// transaction.
    private static func founded(_ place: Workplace) async throws -> TransactionID {
        let endpoint = "https://127.0.0.1:\(try freePort())"
        try await place.succeed(
            "found Ring --board chamber --country DE --home chamber --endpoint \(endpoint)")
        let home = Home(place.folder.appendingPathComponent("chamber"))
        let node = try LedgerNode(home: home)
        let signer = try home.keystore(of: MemberID(unchecked: "chamber")).signingKey().signer
        var first: TransactionID?
        for step in 0..<changes {
            let profile = MemberProfile(registrationName: "Chamber", city: "City \(step)", country: "DE")
            let action = ConsortiumContract.Action.updateProfile(
                .init(name: "Chamber", profile: profile, endpoint: endpoint))
            let final = try await node.enact(ConsortiumContract.self, action, as: signer)
            first = first ?? final.id
        }
        try node.close()
        return try #require(first)
    }

    private static func firstHeight(_ place: Workplace) async throws -> Int? {
        try await place.succeed("node status --json --home press").object()["firstHeight"] as? Int
    }

    private static func keepBlocks(_ count: UInt64, _ place: Workplace) throws {
        let home = Home(place.folder.appendingPathComponent("press"))
        var configuration = try NodeConfiguration.read(home.configurationFile)
        configuration.keepBlocks = count
        try configuration.write(to: home)
    }

    @Test func aNewcomerFetchesTheHistoryThroughKillsAndUsesIt() async throws {
        let place = try Workplace()
        let id = try await HistoryJourneyTests.founded(place)
        var chamber: RunningNode? = try await RunningNode(place, home: "chamber")
        try await place.succeed("invite press --home chamber --role oem --out press.invitation")
        try await place.succeed(
            "join press.invitation --snapshot --home press --country DE --city Ulm "
                + "--endpoint https://127.0.0.1:\(try freePort())")
        let alone = try await place.call("fetch-history --home press")
        #expect(alone.status == 1 && alone.code == "node.not_running", "\(alone.error)")
        try HistoryJourneyTests.keepBlocks(1_000, place)
        var press: RunningNode? = try await RunningNode(place, home: "press")
        try await eventually("the newcomer follows", note: press?.output ?? "") {
            try await place.call("show member press --home press").status == 0
        }
        let first = try #require(try await HistoryJourneyTests.firstHeight(place))
        #expect(first >= HistoryJourneyTests.changes)
        let tail = try await place.succeed("verify --json --home press").object()
        #expect(tail["firstBlock"] as? Int == first)
        let early = try await place.call("receipt write \(id) --out early.receipt --home press")
        #expect(early.status == 1 && early.code == "block.pruned", "\(early.error)")

        let pruning = try await place.call("fetch-history --home press")
        #expect(pruning.status == 1 && pruning.code == "history.pruning", "\(pruning.error)")
        try HistoryJourneyTests.keepBlocks(0, place)
        (press, chamber) = (nil, nil)
        press = try await RunningNode(place, home: "press")
        let nobody = try await place.call("fetch-history --home press")
        #expect(nobody.status == 1 && nobody.code == "history.no_peer", "\(nobody.error)")
        chamber = try await RunningNode(place, home: "chamber")

        // Killed at any moment the node opens again, with its old beginning or the new one.
        for milliseconds in [20, 60, 120, 200, 350, 600] {
            // The program's own end is the fetch's.
            _ = try await Binary.shell(
                "timeout -s KILL 0.05 millwright fetch-history --home press", in: place.folder)
            async let fetch = place.call("fetch-history --home press")
            try await Task.sleep(for: .milliseconds(milliseconds))
            press = nil
            _ = try await fetch
            press = try await RunningNode(place, home: "press")
            let held = try await HistoryJourneyTests.firstHeight(place)
            #expect(held == first || held == 0)
            if held == first {
                #expect(
                    try await place.succeed("verify --json --home press").object()["firstBlock"] as? Int
                        == first)
            }
        }
        try await eventually("the history", note: press?.output ?? "") {
            let run = try await place.call("fetch-history --home press")
            return run.status == 0 && run.output.contains("are held")
        }
        #expect(chamber != nil)
        try await HistoryJourneyTests.expectWhole(place, "press", id)
        let nothing = try await place.succeed("fetch-history --home press")
        #expect(nothing.output.contains("nothing was missing; blocks 0 to "), "\(nothing.output)")
        let report = try await place.succeed("fetch-history --json --home press").object()
        #expect(report["first"] as? Int == 0 && report["fetched"] as? Int == 0)
        #expect(try await place.succeed("node status --home press").output.contains("from block 0"))

        // And a copy of it is as whole.
        try await place.succeed("backup --to copy --home press")
        press?.stop()
        press = nil
        try await HistoryJourneyTests.expectWhole(place, "press", id)
        try await place.succeed("restore copy --home restored")
        try await HistoryJourneyTests.expectWhole(place, "restored", id)
    }

    /// What a node with the whole log does, from its first transaction on.
    private static func expectWhole(_ place: Workplace, _ home: String, _ id: TransactionID) async throws {
        let verified = try await place.succeed("verify --json --home \(home)").object()
        #expect(verified["firstBlock"] as? Int == 0)
        try await place.succeed("receipt write \(id) --out \(home).receipt --home \(home)")
        try await place.succeed("receipt verify \(home).receipt --genesis \(home)/genesis.cbor")
        let history = try await place.succeed("history member chamber --json --home \(home)").list()
        #expect(history.count == changes + 1)
        let exported = try await place.succeed("export --home \(home)").output.split(separator: "\n")
        #expect(exported.first?.contains("\(id)") ?? false)
    }
}
