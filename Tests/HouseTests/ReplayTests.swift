import Foundation
import Testing

/// The same blocks, executed again in other processes and other builds, have the same roots at every height.
///
/// `make test` builds the release binary and sets `MILLWRIGHT_REQUIRE_RELEASE`, so that nothing is passed
/// over there.
@Suite struct ReplayTests {
    private static let debug = Project.url(".build/debug/millwright")
    private static let release = Project.url(".build/release/millwright")
    private static let isRequired = ProcessInfo.processInfo.environment["MILLWRIGHT_REQUIRE_RELEASE"] == "1"

    private static func isBuilt(_ binary: URL) -> Bool {
        FileManager.default.isExecutableFile(atPath: binary.path)
    }

    @Test(
        .enabled(
            if: isRequired || isBuilt(release),
            "there is no release binary: `make test` builds it and then requires this test"))
    func debugAndReleaseBuildsReplayToTheSameRootsAtEveryHeight() async throws {
        try #require(Self.isBuilt(Self.debug), "build it with: swift build --product millwright")
        try #require(Self.isBuilt(Self.release), "build it with: make release")
        let folder = try TemporaryFolder()
        let home = folder.url.appendingPathComponent("home").path
        let demo = try await ChildProcess.run(
            Self.release, ["demo", "--home", home, "--quiet"], in: folder.url, seconds: 240)
        try #require(demo.status == 0, "millwright demo: \(demo.errors)")

        let first = try await roots(Self.debug, home)
        // A hasher seeded otherwise gives dictionaries and sets another order.
        let unseeded = try await roots(Self.debug, home, ["SWIFT_DETERMINISTIC_HASHING": "1"])
        let optimised = try await roots(Self.release, home)
        #expect(first.count > 10, "a demonstration has more blocks than \(first.count)")
        for other in [unseeded, optimised] {
            #expect(other.count == first.count)
            let differing = zip(first, other).first { $0 != $1 }
            #expect(differing == nil, "the first height that differs")
        }
    }

    /// Of each block: height, state root, log root.
    private func roots(_ binary: URL, _ home: String, _ environment: [String: String] = [:]) async throws
        -> [String]
    {
        let verify = try await ChildProcess.run(
            binary, ["verify", "--roots", "--json", "--home", home], environment: environment, seconds: 240)
        try #require(verify.status == 0, "\(binary.path) verify --roots: \(verify.errors)")
        let report = try JSONSerialization.jsonObject(with: Data(verify.output.utf8)) as? [String: Any]
        let roots = try #require(report?["roots"] as? [[String: Any]])
        // Every height once, from the genesis: otherwise equal lists would prove little.
        #expect(roots.map { $0["height"] as? Int } == Array(0..<roots.count))
        return try roots.map { block in
            let (state, log) = (block["stateRoot"] as? String, block["logRoot"] as? String)
            return "\(try #require(state)) \(try #require(log))"
        }
    }
}
