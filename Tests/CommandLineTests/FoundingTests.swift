import Foundation
import Testing

/// A founding that is refused, and the folder that it was to happen in.
@Suite(.enabled(if: Binary.isBuilt, "millwright is not built"))
struct FoundingTests {
    private static let refused = "found \(String(repeating: "n", count: 201)) --board chamber --country DE"

    private func refuse(_ place: Workplace) async throws {
        let run = try await place.call(Self.refused + " --home home")
        #expect(run.status == 1 && run.code == "genesis.bad_name", "\(run.error)")
    }

    @Test func anEmptyFolderThatWasThereStays() async throws {
        let place = try Workplace()
        let home = place.folder.appendingPathComponent("home")
        try FileManager.default.createDirectory(
            at: home, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
        try await refuse(place)
        #expect(try FileManager.default.contentsOfDirectory(atPath: home.path) == [])
        let mode = try FileManager.default.attributesOfItem(atPath: home.path)[.posixPermissions]
        #expect((mode as? NSNumber)?.intValue == 0o750)
        try await place.succeed("found Ring --board chamber --country DE --home home")
    }

    @Test func noFolderIsLeftWhereThereWasNone() async throws {
        let place = try Workplace()
        try await refuse(place)
        #expect(
            !FileManager.default.fileExists(atPath: place.folder.appendingPathComponent("home").path))
    }

    /// Folders on the way that were made for this go too, as far as nobody else has put something there.
    @Test func theFoldersOnTheWayGoToo() async throws {
        let place = try Workplace()
        let files = FileManager.default
        try files.createDirectory(
            at: place.folder.appendingPathComponent("mine"), withIntermediateDirectories: true)
        for (home, left) in [("a/b/c", "a"), ("mine/b/c", "mine/b")] {
            let run = try await place.call(Self.refused + " --home \(home)")
            #expect(run.status == 1 && run.code == "genesis.bad_name", "\(run.error)")
            #expect(!files.fileExists(atPath: place.folder.appendingPathComponent(left).path))
        }
        #expect(files.fileExists(atPath: place.folder.appendingPathComponent("mine").path))
        try await place.succeed("found Ring --board chamber --country DE --home a/b/c")
        let restored = try await place.call("restore nowhere --home x/y")
        #expect(restored.status == 1 && restored.code == "backup.incomplete", "\(restored.error)")
        #expect(!files.fileExists(atPath: place.folder.appendingPathComponent("x").path))
    }

    /// Whoever comes later touches nothing of the first one's, whose ledger is whole.
    @Test(arguments: [true, false])
    func ofSeveralAtOnceExactlyOneFounds(isThere: Bool) async throws {
        let place = try Workplace()
        let home = place.folder.appendingPathComponent("home")
        if isThere { try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true) }
        let runs = try await withThrowingTaskGroup(of: Run.self) { group in
            for number in 1...4 {
                group.addTask {
                    try await place.call("found Ring --board board-\(number) --country DE --home home --json")
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let winners = runs.filter { $0.status == 0 }
        #expect(winners.count == 1)
        for run in runs where run.status != 0 {
            #expect(run.status == 1 && ["home.busy", "home.exists"].contains(run.code), "\(run.error)")
        }
        let status = try await place.succeed("status --home home --json").object()
        #expect(try winners.first?.object()["chain"] as? String == status["chain"] as? String)
        #expect((status["keys"] as? [String])?.count == 1)
        try await place.succeed("verify --home home")
    }
}
