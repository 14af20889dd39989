import Foundation

/// What documents say about files and tests.
enum Documents {
    /// Links to files that are not there, and paths in back quotes that are not there.
    static func missing(in path: String, _ text: String) -> [Violation] {
        let folder =
            path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]) + "/" : ""
        var result: [Violation] = []
        var isFenced = false
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.trimmingCharacters(in: .whitespaces).hasPrefix("```") { isFenced.toggle() }
            if isFenced { continue }
            for target in linkTargets(in: String(line)) where !exists(folder + target) {
                result.append(
                    Violation(path, index + 1, "link to \(target)", instead: "name a file that is there"))
            }
            for name in quotedPaths(in: String(line)) where !exists(name) {
                result.append(
                    Violation(path, index + 1, "speaks of \(name)", instead: "name a file that is there"))
            }
        }
        return result
    }

    /// The targets of `[text](target)` that are files, without their fragments.
    static func linkTargets(in line: String) -> [String] {
        line.components(separatedBy: "](").dropFirst().compactMap { rest in
            guard let target = rest.split(separator: ")", omittingEmptySubsequences: false).first else {
                return nil
            }
            let file = target.split(separator: "#", omittingEmptySubsequences: false)[0]
            let isFile = !file.isEmpty && !target.contains(":")
            return isFile ? String(file) : nil
        }
    }

    /// Words in back quotes that are plain paths below a folder of the project.
    static func quotedPaths(in line: String) -> [String] {
        let parts = line.components(separatedBy: "`")
        return parts.indices.filter { $0 % 2 == 1 }.map { parts[$0] }.filter { word in
            let roots = ["Sources/", "Tests/", "Benchmarks/", "docs/", "examples/", "tools/", ".ci/"]
            return roots.contains { word.hasPrefix($0) } && !word.contains { "*<>{} ".contains($0) }
        }
    }

    private static func exists(_ path: String) -> Bool {
        Project.exists(path.hasSuffix("/") ? String(path.dropLast()) : path)
    }

    /// The rows `| D1 | requirement | … |` of a table, with the names in back quotes that end in `()`.
    static func requirements(in text: String) -> [(number: Int, line: Int, tests: [String])] {
        text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { index, line in
            guard line.hasPrefix("| D"), let number = Int(line.dropFirst(3).prefix { $0.isNumber }) else {
                return nil
            }
            let quoted = String(line).components(separatedBy: "`")
            let tests = quoted.indices.filter { $0 % 2 == 1 }.map { quoted[$0] }.filter { $0.hasSuffix("()") }
            return (number, index + 1, tests.map { String($0.dropLast(2)) })
        }
    }
}
