import Foundation
import TestSupport

/// Something that takes bytes from outside, what it must hold to, and a corpus to begin with.
struct FuzzTarget: Sendable, CustomStringConvertible {
    /// A folder of the corpus.
    let name: String
    /// The corpus as it is generated: valid inputs.
    let seeds: @Sendable () throws -> [[UInt8]]
    /// Inputs in a run of the tests.
    var runs = 1500
    /// Takes one input. It may refuse it and must not fail; what it takes must keep the target's promise.
    /// - Throws: `Broken` where it does not.
    let take: @Sendable (_ input: [UInt8], _ corpus: Set<[UInt8]>) throws(Broken) -> Void

    var description: String { name }

    /// A promise that was not kept.
    struct Broken: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    private var folder: URL { SharedFiles.root.appendingPathComponent("Tests/FuzzCorpus/\(name)") }

    /// The corpus' files, in order of their names.
    func corpus() throws -> [[UInt8]] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        return try names.map { [UInt8](try Data(contentsOf: folder.appendingPathComponent($0))) }
    }

    /// Writes the generated seeds as the corpus; inputs that once failed, `found-*`, stay.
    func writeCorpus() throws {
        let files = FileManager.default
        try files.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in try files.contentsOfDirectory(atPath: folder.path) where name.hasPrefix("seed-") {
            try files.removeItem(at: folder.appendingPathComponent(name))
        }
        for (number, seed) in try seeds().enumerated() {
            let name = "seed-\(String(100 + number).dropFirst())"
            try Data(seed).write(to: folder.appendingPathComponent(name))
        }
    }
}
