import Foundation
import Testing

/// Documents say what is there.
@Suite struct DocumentTests {
    @Test func documentsNameOnlyFilesThatExist() throws {
        var found: [Violation] = []
        for path in Project.documents { found += Documents.missing(in: path, try Project.text(path)) }
        expectNone(found)
    }

    @Test func everyModuleIsOnTheMap() throws {
        let map = try Project.text("ARCHITECTURE.md")
        let layers: Set = ["Core", "Edge", "System"]
        let folders = Set(
            Project.paths(under: "Sources").filter { $0.hasSuffix(".swift") || $0.hasSuffix(".modulemap") }
                .map { path -> String in
                    let parts = path.split(separator: "/")
                    return String(layers.contains(String(parts[1])) ? parts[2] : parts[1])
                })
        expectNone(
            folders.sorted().filter { !map.contains("\($0)/") }
                .map {
                    Violation("ARCHITECTURE.md", 1, "says nothing of \($0)/", instead: "put it on the map")
                })
    }

    @Test func theReadmeIsShort() throws {
        guard Project.exists("README.md") else { return }
        let lines = try Project.text("README.md").split(separator: "\n", omittingEmptySubsequences: false)
            .count
        #expect(lines <= 150, "README.md has \(lines) lines: say less there and link to docs")
    }

    @Test func everyRequirementOfDeterminismHasItsTest() throws {
        let path = "docs/determinism.md"
        let requirements = Documents.requirements(in: try Project.text(path))
        #expect(
            requirements.map(\.number) == Array(1...max(1, requirements.count)), "D1, D2, … without a gap")
        let tests = Set(
            Project.swiftFiles(under: "Tests").flatMap { file in
                file.tokens.indices.filter { file.tokens[$0].text == "func" }.map { file.tokens.text($0 + 1) }
            })
        var found: [Violation] = []
        for requirement in requirements {
            if requirement.tests.isEmpty {
                found.append(
                    Violation(
                        path, requirement.line, "D\(requirement.number) has no test", instead: "name one"))
            }
            for test in requirement.tests where !tests.contains(test) {
                found.append(
                    Violation(
                        path, requirement.line, "there is no test \(test)()",
                        instead: "name one that is there"))
            }
        }
        expectNone(found)
    }

    @Test func findsLinksAndPaths() {
        let line = "See [a](docs/a.md#x), [b](https://b.org), [c](#d) and `Sources/Core/` or `make test`."
        #expect(Documents.linkTargets(in: line) == ["docs/a.md"])
        #expect(Documents.quotedPaths(in: line) == ["Sources/Core/"])
        let rows = Documents.requirements(in: "| D1 | order | `f()`, `g()` |\n| D2 | `x` | none |")
        #expect(rows.map(\.number) == [1, 2])
        #expect(rows.map(\.tests) == [["f", "g"], []])
    }
}
