import Foundation
import Testing

/// The sources are easy on whoever reads them.
@Suite struct TidyTests {
    @Test func sourcesAreTidy() { expectNone(Project.swift.flatMap { Tidy.violations(in: $0) }) }

    @Test func nothingIsAPlaceholder() {
        expectNone(
            Project.swift.filter { $0.path.hasSuffix("/Placeholder.swift") }
                .map {
                    Violation($0.path, 1, "a placeholder", instead: "write what belongs there, or remove it")
                })
    }

    @Test func findsWhatIsUntidy() {
        let body = Array(repeating: "    step()", count: 70).joined(separator: "\n")
        let long = "struct A {\n    func f() {\n\(body)\n    }\n    func g()\n}\n"
        #expect(Tidy.functions(in: SourceFile(snippet: long)).count == 1)
        #expect(Tidy.beginning(of: SourceFile(snippet: "// Made by nobody\nimport A\n")).count == 1)
        #expect(Tidy.beginning(of: SourceFile(snippet: "/// A claim.\nstruct A {}\n")).isEmpty)
        let wide = String(repeating: "a", count: 111)
        #expect(Tidy.lines(of: SourceFile(snippet: "\(wide)\nb \n\tc\n")).count == 3)
        let mark = "TO" + "DO"
        #expect(Tidy.unfinished(in: SourceFile(snippet: "// \(mark): later\n")).count == 1)
        #expect(Tidy.unfinished(in: SourceFile(snippet: "let a = \"\(mark)\"\n")).isEmpty)
    }

    @Test func swiftFormatHasNothingToSay() async throws {
        guard let swift = ChildProcess.find("swift") else {
            print("swift is not on PATH: the sources' format was not checked")
            return
        }
        let lint = try await ChildProcess.run(
            swift,
            ["format", "lint", "--recursive", "--strict", "Sources", "Tests", "Benchmarks", "Package.swift"],
            seconds: 120)
        #expect(!lint.wasStopped, "swift format took longer than two minutes")
        #expect(lint.status == 0, "run `make format`:\n\(lint.errors)")
    }

    @Test func rejectionCodesHaveOneShape() {
        let files = Project.swiftFiles(under: "Sources/Core/Contracts")
        expectNone(
            files.flatMap { file in
                RejectionCodes.literals(in: file).filter { !RejectionCodes.isWellFormed($0.text) }.map {
                    Violation(
                        file.path, $0.line, "rejection code «\($0.text)»",
                        instead: "write <contract>.<reason> in small letters and underscores")
                }
            })
    }

    @Test func knowsARejectionCode() {
        let file = SourceFile(
            snippet: """
                throw Rejection("a.b", "text")
                try context.require(x, else: "C.d", "text")
                try c.require(
                    x, else:
                        "e.f_g")
                let other = "H"
                """)
        #expect(RejectionCodes.literals(in: file).map(\.text) == ["a.b", "C.d", "e.f_g"])
        #expect(["machine.not_accepted", "a.b.c"].allSatisfy(RejectionCodes.isWellFormed))
        #expect(
            !["machine", "Machine.x", "machine.", "machine.x-y", ".x", "a_b.c"].contains(
                where: RejectionCodes.isWellFormed))
    }
}
