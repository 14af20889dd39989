import Foundation
import TestSupport
import Testing

/// Six nodes and three NATS servers as processes: a few faults here, more with `make chaos`. They want the
/// machine for themselves, so they run only where `MILLWRIGHT_CHAOS` is set.
@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["MILLWRIGHT_CHAOS"] != nil && NATSTestCluster.isPresent,
        "MILLWRIGHT_CHAOS is not set, or nats-server is missing"))
struct ChaosTests {
    /// Everything that anybody was told is final is on every node afterwards, and each verifies.
    @Test(.timeLimit(.minutes(10)))
    func nothingFinalIsLostWhateverFails() async throws {
        let beside = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("millwright-chaos")
        let built = SharedFiles.root.appendingPathComponent(".build/debug/millwright-chaos")
        let process = Process()
        process.executableURL = FileManager.default.isExecutableFile(atPath: beside.path) ? beside : built
        process.arguments = ["--seed", "1", "--only", "killNode,killLeader,loseServers,wipeNode"]
        let output = Pipe()
        (process.standardOutput, process.standardError) = (output, output)
        try process.run()
        // A test that is given up leaves nothing behind: the run ends its processes when it is told to.
        let words = try await withTaskCancellationHandler {
            try output.fileHandleForReading.readToEnd() ?? Data()
        } onCancel: {
            process.terminate()
        }
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(String(decoding: words, as: UTF8.self))")
    }
}
