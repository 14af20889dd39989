import Foundation
import Testing

/// The benchmark goes on working: its smallest run prints every figure, accepts everything and ends well.
@Suite struct BenchmarkTests {
    private static let binary = Project.url(".build/debug/millwright-bench")

    @Test(
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: binary.path),
            "build it with: swift build --product millwright-bench"))
    func quickRunPrintsEveryFigure() async throws {
        let folder = try TemporaryFolder()
        let run = try await ChildProcess.run(
            Self.binary, ["--quick", "--directory", folder.url.path], in: folder.url, seconds: 120)
        try #require(run.status == 0, "millwright-bench --quick: \(run.errors)")
        let figures = [
            "durable commits", "Ed25519 verifications", "before and after each run",
            "ratio to that limit",
            "ledger per transaction", "one lone transaction, p99", "receipt made", "restart",
            "state proof made",
            "growth", "reference root",
        ]
        for figure in figures { #expect(run.output.contains(figure), "no line on \(figure)") }
        for line in run.output.split(separator: "\n").dropFirst() {
            #expect(line.count <= 80, "wider than 80 columns: \(line)")
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
        #expect(!left.contains("home"), "the ledger is removed")
    }
}
