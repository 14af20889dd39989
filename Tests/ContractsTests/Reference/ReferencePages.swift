import Foundation
import TestSupport

/// The reference pages as text, and what the contracts' sources say of themselves.
enum ReferencePages {
    static let contracts = ["consortium", "machine", "telemetry", "agreement", "maintenance"]

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: SharedFiles.root.appendingPathComponent(path), encoding: .utf8)
    }

    static func overview() throws -> String { try text("docs/contracts.md") }
    static func page(_ contract: String) throws -> String { try text("docs/contracts/\(contract).md") }
    static func all() throws -> [String] { try [overview()] + contracts.map(page) }

    /// All rules of all pages.
    static func rules() throws -> CDDL {
        try CDDL(try all().map { blocks("cddl", in: $0) }.joined(separator: "\n"))
    }

    private static func blocks(_ language: String, in page: String) -> String {
        page.components(separatedBy: "```\(language)\n").dropFirst()
            .map { $0.components(separatedBy: "\n```")[0] }.joined(separator: "\n")
    }

    /// The words in back quotes in the first column of the tables below a heading.
    static func firstColumn(under heading: String, in page: String) -> [String] {
        let sections = page.components(separatedBy: "\n## ")
        guard let section = sections.first(where: { $0.hasPrefix(heading + "\n") }) else { return [] }
        return section.split(separator: "\n").filter { $0.hasPrefix("| `") }.flatMap { row in
            let parts = row.split(separator: "|")[0].components(separatedBy: "`")
            return parts.indices.filter { $0 % 2 == 1 }.map { parts[$0] }
        }
    }

    // MARK: Sources

    /// The text of all sources below a folder, without comments.
    static func sources(_ folder: String) throws -> String {
        let root = SharedFiles.root.appendingPathComponent(folder)
        let names = try FileManager.default.subpathsOfDirectory(atPath: root.path).filter {
            $0.hasSuffix(".swift")
        }
        return try names.sorted().map { try text("\(folder)/\($0)") }.joined(separator: "\n")
            .split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.components(separatedBy: "//")[0] }.joined(separator: "\n")
    }

    static func sources(of contract: String) throws -> String {
        try sources("Sources/Core/Contracts/\(contract.prefix(1).uppercased() + contract.dropFirst())")
    }

    /// An enumeration that is encoded: its name and its cases, by name or by raw value.
    struct Enumeration {
        let name: String
        let isText: Bool
        let cases: [String]
    }

    static func enumerations(in source: String) -> [Enumeration] {
        let header = /enum (\w+): ([^{]*Codable[^{]*)\{/
        return source.matches(of: header).map { match in
            let isText = match.output.2.contains("String")
            let cases = body(of: source[match.range.upperBound...]).split(separator: "\n").map {
                $0.trimmingCharacters(in: .whitespaces)
            }.filter { $0.hasPrefix("case ") }.flatMap { line in
                names(in: line.dropFirst(5), isText: isText)
            }
            return Enumeration(name: String(match.output.1), isText: isText, cases: cases)
        }
    }

    /// Up to the brace that closes it, without nested types and bodies.
    private static func body(of source: Substring) -> String {
        var depth = 1
        var result = ""
        for character in source {
            if character == "}" { depth -= 1 }
            if depth == 0 { break }
            if depth == 1 { result.append(character) }
            if character == "{" { depth += 1 }
        }
        return result
    }

    /// `a, b`, `a = "A"` or `a(B)`.
    private static func names(in line: Substring, isText: Bool) -> [String] {
        if !isText { return [String(line.prefix { $0.isLetter || $0.isNumber })] }
        return line.split(separator: ",").map { entry in
            let parts = entry.split(separator: "=").map { $0.trimmingCharacters(in: [" ", "\""]) }
            return parts[parts.count - 1]
        }
    }

    /// The tables of the record types.
    static func tables(in source: String) -> [String] {
        let declaration = /static let table = "(\w+)"/
        return source.matches(of: declaration).map { String($0.output.1) }
    }

    /// Literals that begin with a contract's name: rejection codes, and scopes.
    static func codes(of contract: String, in source: String) -> Set<String> {
        let literal = /"([a-z]+\.[A-Za-z_]+)"/
        return Set(
            source.matches(of: literal).map { String($0.output.1) }.filter { $0.hasPrefix(contract + ".") })
    }

    /// The reasons that get the contract's name in front.
    static func sharedReasons() throws -> Set<String> {
        let call = /code\("([a-z_]+)"\)/
        return Set(try sources("Sources/Core/Contracts").matches(of: call).map { String($0.output.1) })
    }
}
