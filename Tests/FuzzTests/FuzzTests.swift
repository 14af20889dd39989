import Foundation
import TestSupport
import Testing

/// How a run of the fuzzers is set.
enum FuzzRun {
    private static let environment = ProcessInfo.processInfo.environment
    static let seed = environment["MILLWRIGHT_SEED"].flatMap { UInt64($0) } ?? 20_261_121
    /// `MILLWRIGHT_FUZZ_SECONDS`: how long each target runs; unset, it runs its number of inputs.
    static let seconds = environment["MILLWRIGHT_FUZZ_SECONDS"].flatMap { Int64($0) }
    /// `MILLWRIGHT_WRITE_CORPUS`: the corpus is written anew before it is used.
    static let writesCorpus = environment["MILLWRIGHT_WRITE_CORPUS"] != nil

    /// Hands inputs over until the run is over. The input at work lies in `.build/fuzz/<name>` so that a
    /// crash leaves it behind.
    static func run(
        _ name: String, inputs: Int, next: (Int) throws -> [UInt8], take: ([UInt8]) throws -> Void
    ) throws {
        let note = try FuzzNote(name)
        let end = seconds.map { ContinuousClock.now + .seconds($0) }
        var number = 0
        while end.map({ ContinuousClock.now < $0 }) ?? (number < inputs) {
            let input = try next(number)
            note.set(input)
            do { try take(input) } catch {
                Issue.record(
                    "\(name), MILLWRIGHT_SEED=\(seed), input \(number), kept in \(note.path): \(error)")
                return
            }
            number += 1
        }
        note.remove()
    }

    /// The most resident memory that the process has had, in bytes (proc(5), VmHWM); nil where the system
    /// does not say.
    static func peakBytes() -> Int? {
        let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map {
            $0 << 10
        }
    }
}

/// The input at work, on the disk.
private struct FuzzNote {
    let path: String
    private let descriptor: Int32

    init(_ name: String) throws {
        let folder = SharedFiles.root.appendingPathComponent(".build/fuzz")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.appendingPathComponent(name).path
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        #expect(descriptor >= 0)
    }

    func set(_ input: [UInt8]) {
        #expect(ftruncate(descriptor, 0) == 0)
        #expect(pwrite(descriptor, input, input.count, 0) == input.count)
    }

    func remove() {
        close(descriptor)
        unlink(path)
    }
}

/// Changed and random bytes into everything that reads bytes from outside: nothing fails, nothing that is
/// signed can be changed, nothing has two forms, and memory stays bounded.
@Suite struct FuzzTests {
    @Test(arguments: FuzzTarget.all) func theCorpusIsThereAndIsTaken(target: FuzzTarget) throws {
        if FuzzRun.writesCorpus { try target.writeCorpus() }
        let corpus = try target.corpus()
        #expect(!corpus.isEmpty)
        for input in corpus { try target.take(input, Set(corpus)) }
    }

    @Test(.timeLimit(.minutes(60)), arguments: FuzzTarget.all)
    func takesAnyBytes(target: FuzzTarget) throws {
        let corpus = try target.corpus()
        let known = Set(corpus)
        let name = target.name.utf8.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) }
        var mutator = Mutator(seed: FuzzRun.seed &+ name, seeds: corpus)
        let before = FuzzRun.peakBytes()
        try FuzzRun.run(target.name, inputs: target.runs) { _ in
            mutator.next()
        } take: { input in
            try target.take(input, known)
        }
        // Other suites run beside this one: the bound is for what a length field could ask for.
        if let before, let after = FuzzRun.peakBytes() {
            #expect(after - before < 1 << 30, "\(target.name) took \(after - before) bytes")
        }
    }
}
