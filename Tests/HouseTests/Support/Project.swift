import Foundation
import TestSupport

/// The project's own files, by paths relative to its root.
enum Project {
    static let root = SharedFiles.root
    static let core = swiftFiles(under: "Sources/Core")
    static let swift =
        ["Sources", "Tests", "Benchmarks"].flatMap { swiftFiles(under: $0) } + [SourceFile("Package.swift")]

    static func swiftFiles(under folder: String) -> [SourceFile] {
        paths(under: folder).filter { $0.hasSuffix(".swift") }.map { SourceFile($0) }
    }

    /// Files and folders below a folder, sorted; nothing where there is no such folder.
    static func paths(under folder: String) -> [String] {
        let names = try? FileManager.default.subpathsOfDirectory(atPath: url(folder).path)
        return (names ?? []).sorted().map { "\(folder)/\($0)" }
    }

    /// Documents: at the root, and below `docs` and `examples`.
    static var documents: [String] {
        let top = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
        return (top.sorted() + paths(under: "docs") + paths(under: "examples")).filter { $0.hasSuffix(".md") }
    }

    static func url(_ path: String) -> URL { root.appendingPathComponent(path) }
    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: url(path).path) }
    static func text(_ path: String) throws -> String { try String(contentsOf: url(path), encoding: .utf8) }
}

/// One Swift source.
struct SourceFile {
    let path: String
    let bytes: [UInt8]
    let text: SwiftText
    let tokens: [Token]

    init(_ path: String) {
        // A file that cannot be read is empty, and an empty file breaks the rule on how files begin.
        self.init(path: path, bytes: (try? Data(contentsOf: Project.url(path))).map { [UInt8]($0) } ?? [])
    }

    init(path: String, bytes: [UInt8]) {
        (self.path, self.bytes) = (path, bytes)
        text = SwiftText(bytes)
        tokens = Token.tokens(of: text.code)
    }

    /// A snippet for the tests of the rules themselves.
    init(snippet: String) { self.init(path: "snippet.swift", bytes: Array(snippet.utf8)) }

    var lines: [Substring] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The line of a number, without the spaces around it.
    func line(_ number: Int) -> String {
        let lines = lines
        guard lines.indices.contains(number - 1) else { return "" }
        return lines[number - 1].trimmingCharacters(in: .whitespaces)
    }

    /// The modules it imports, each with its line.
    var imports: [(module: String, line: Int)] {
        tokens.indices.filter { tokens[$0].text == "import" }.map { index in
            // `import struct Foundation.Data` names its module after the kind.
            let kinds: Set = ["struct", "class", "enum", "protocol", "typealias", "func", "var", "let"]
            let name = tokens.text(index + 1)
            return (kinds.contains(name) ? tokens.text(index + 2) : name, tokens[index].line)
        }
    }
}
