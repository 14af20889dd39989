import Codec
import Foundation
import Ledger
import TestSupport
import Testing

@testable import Node

/// What the load process was told, as it wrote it.
private struct Acknowledgement: Hashable {
    let id: TransactionID
    let height: Height
    let leaf: UInt64
    let isAccepted: Bool

    init?(_ line: Substring) {
        let words = line.split(separator: " ")
        guard words.count == 5, words[0] == "ack", let id = Acknowledgement.digest(words[1]),
            let height = Height(words[2]), let leaf = UInt64(words[3])
        else { return nil }
        (self.id, self.height, self.leaf, isAccepted) = (id, height, leaf, words[4] == "accepted")
    }

    private static func digest(_ hex: Substring) -> Digest? {
        let digits = Array(hex.utf8)
        guard digits.count == 2 * Digest.count else { return nil }
        return Digest(
            stride(from: 0, to: digits.count, by: 2).compactMap {
                UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16)
            })
    }
}

/// `millwright-load` under this test's control.
private final class LoadProcess {
    private let process = Process()
    private let pipe = Pipe()
    private var bytes: [UInt8] = []

    init(home: Home, tasks: Int) throws {
        let folders = [URL(fileURLWithPath: CommandLine.arguments[0]), Bundle.main.bundleURL]
        let program = folders.map { $0.deletingLastPathComponent().appendingPathComponent("millwright-load") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
        let url: URL = try #require(program, "millwright-load is built beside the tests")
        process.executableURL = url
        process.arguments = [home.folder.path, "\(tasks)"]
        process.standardOutput = pipe
        try process.run()
    }

    /// Takes in what the process writes until a moment, or until its first line is there, or to its end.
    func read(until deadline: ContinuousClock.Instant?, firstLineOnly: Bool = false) {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while !(firstLineOnly && bytes.contains(0x0a)) {
            var wait: Int32 = -1
            if let deadline {
                let left = ContinuousClock.now.duration(to: deadline)
                guard left > .zero else { return }
                wait = Int32(left / .milliseconds(1)) + 1
            }
            var descriptor = pollfd(
                fd: pipe.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&descriptor, 1, wait) > 0 else { continue }
            let count = Foundation.read(descriptor.fd, &chunk, chunk.count)
            guard count > 0 else { return }
            bytes += chunk[..<count]
        }
    }

    /// Kills the process and gives every whole line that it wrote.
    func kill() -> [Substring] {
        Foundation.kill(process.processIdentifier, SIGKILL)
        read(until: nil)
        process.waitUntilExit()
        let text = String(decoding: bytes, as: UTF8.self)
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { $0 }
    }
}

/// Kills a node at random moments, again and again. One ledger after the other: the test waits on a pipe, and
/// must not take all of the threads that other tests run on.
@Suite(.serialized) struct CrashTests {
    private static let seed =
        ProcessInfo.processInfo.environment["MILLWRIGHT_SEED"].flatMap { UInt64($0) } ?? 20_261_121

    /// More than two hundred kills under load, after each of which everything that was told is verified; of
    /// each ledger's last two, the second while the node opens again, before anybody has looked. Many short
    /// ledgers: what verifying one costs grows with all that it was told before.
    @Test(.timeLimit(.minutes(30)), arguments: 0..<24 as Range<UInt64>)
    func everyAcknowledgedTransactionSurvivesAKill(ledger: UInt64) throws {
        print("crash test: MILLWRIGHT_SEED=\(CrashTests.seed), ledger \(ledger)")
        var random = SeededGenerator(seed: CrashTests.seed &+ ledger)
        let founded = try FoundedHome()
        var told: [Acknowledgement] = []
        for kill in 1...10 {
            let process = try LoadProcess(home: founded.home, tasks: Int.random(in: 1...8, using: &random))
            let isOpening = kill == 10
            if !isOpening { process.read(until: nil, firstLineOnly: true) }
            let moment = Duration.microseconds(
                Int.random(in: 0...(isOpening ? 150_000 : 120_000), using: &random))
            process.read(until: .now + moment)
            let lines = process.kill()
            #expect(
                lines.allSatisfy { $0 == "open" || $0.hasPrefix("ack ") }, "kill \(kill): \(lines.last ?? "")"
            )
            told += lines.compactMap { Acknowledgement($0) }
            // The last process finds what the one before it left, with nobody's help.
            if kill == 9 { continue }
            try check(founded.home, told, "kill \(kill)")
        }
        // How many, the machine's other load decides.
        #expect(!told.isEmpty)
    }

    private func check(
        _ home: Home, _ told: [Acknowledgement], _ comment: Comment
    ) throws {
        let node = try LedgerNode(home: home)
        for acknowledged in told {
            let found = try node.find(acknowledged.id)
            #expect(found?.height == acknowledged.height, comment)
            #expect(found?.leaf == acknowledged.leaf, comment)
            #expect((found?.outcome == .accepted) == acknowledged.isAccepted, comment)
        }
        let summary = try node.verify(width: 2) { _ in }
        #expect(summary.blocks == node.height + 1, comment)
        try node.close()
    }
}
