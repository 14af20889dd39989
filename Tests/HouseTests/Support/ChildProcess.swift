import Foundation

/// A program that ran to its end.
struct ChildProcess {
    let status: Int32
    let output: String
    let errors: String
    let wasStopped: Bool

    /// Runs a program; after `seconds` it is stopped.
    /// - Throws: Foundation's error where it cannot be started.
    static func run(
        _ executable: URL, _ arguments: [String], environment: [String: String] = [:],
        in folder: URL = Project.root,
        seconds: Int
    ) async throws -> ChildProcess {
        // Files, not pipes: a full pipe would stop a program that says much.
        let scratch = try TemporaryFolder()
        let outputFile = scratch.url.appendingPathComponent("output")
        let errorFile = scratch.url.appendingPathComponent("errors")
        for file in [outputFile, errorFile] { try Data().write(to: file) }

        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.currentDirectoryURL = folder
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: outputFile)
        process.standardError = try FileHandle(forWritingTo: errorFile)
        let stop = DispatchWorkItem { if process.isRunning { process.terminate() } }
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do {
                try process.run()
                DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(seconds), execute: stop)
            } catch {
                process.terminationHandler = nil
                continuation.resume(throwing: error)
            }
        }
        stop.cancel()
        return ChildProcess(
            status: process.terminationStatus,
            output: String(decoding: try Data(contentsOf: outputFile), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: errorFile), as: UTF8.self),
            wasStopped: process.terminationReason == .uncaughtSignal)
    }

    /// The executable of that name on `PATH`.
    static func find(_ name: String) -> URL? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return folders.map { URL(fileURLWithPath: String($0)).appendingPathComponent(name) }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }
}

/// A folder that goes away with its owner.
final class TemporaryFolder: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("millwright-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }
}
