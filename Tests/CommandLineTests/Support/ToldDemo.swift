import Foundation

/// One demonstration of the simulated press for all tests that look at what it leaves: each gets a copy.
enum ToldDemo {
    private static let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "millwright-demo-\(UUID().uuidString)")

    private static let telling = Task {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(at: ToldDemo.folder) }
        return try await Binary.run(["demo", "--home", "demo"], in: folder)
    }

    /// A workplace of its own, whose `demo` is the demonstration's data directory, and what was told.
    static func copy() async throws -> (place: Workplace, told: Run) {
        let told = try await telling.value
        guard told.status == 0, told.error.isEmpty else {
            throw Trouble("the demonstration ended with \(told.status): \(told.error)\(told.output)")
        }
        let place = try Workplace()
        try FileManager.default.copyItem(
            at: folder.appendingPathComponent("demo"), to: place.folder.appendingPathComponent("demo"))
        return (place, told)
    }
}
