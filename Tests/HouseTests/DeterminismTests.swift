import Testing

/// The core gives the same bytes everywhere: nothing in it can see a clock, chance, an address or an order by
/// chance.
@Suite struct DeterminismTests {
    private static let refusesFloats = "Codable requires the method; it refuses the value"

    private static let exemptions = [
        Exemption(
            path: "Sources/Core/Codec/CBOREncoder.swift", containing: "throw CodecError(.floatingPoint",
            reason: "the place that refuses floating point"),
        Exemption(
            path: "Sources/Core/Codec/CBOREncoder.swift", containing: "func encodeIfPresent(_ value: Double?",
            reason: refusesFloats),
        Exemption(
            path: "Sources/Core/Codec/CBOREncoder.swift", containing: "func encodeIfPresent(_ value: Float?",
            reason: refusesFloats),
        Exemption(
            path: "Sources/Core/Codec/CBORDecoder.swift", containing: "throw CodecError(.floatingPoint",
            reason: "the place that refuses floating point"),
        Exemption(
            path: "Sources/Core/Codec/CBORKeyedDecodingContainer.swift",
            containing: "func decodeIfPresent(_ type: Double.Type", reason: refusesFloats),
        Exemption(
            path: "Sources/Core/Codec/CBORKeyedDecodingContainer.swift",
            containing: "func decodeIfPresent(_ type: Float.Type", reason: refusesFloats),
        Exemption(
            path: "Sources/Core/Ledger/State/Record.swift",
            containing: "func hash(into hasher: inout Hasher)",
            reason: "rows are found by it, eight bytes at a time; nothing shows its value or an order"),
    ]

    /// Forced unwrapping that cannot fail, each with the reason.
    private static let safeTraps = [
        Exemption(
            path: "Sources/Core/Codec/CBOREncoderState.swift", containing: "head.baseAddress!",
            reason: "a buffer of nine bytes has an address"),
        Exemption(
            path: "Sources/Core/Codec/CBORTape.swift", containing: "name.isEmpty || RawBytes.equal",
            reason: "a buffer that is not empty has an address"),
    ]

    @Test func coreUsesNothingThatDiffersBetweenNodes() {
        let found = Project.core.flatMap { PureCore.violations(in: $0) }
        expectNone(applying(Self.exemptions, to: found, in: Project.core))
    }

    @Test func coreForcesNothing() {
        let found = Project.core.flatMap { PureCore.traps(in: $0) }
        expectNone(applying(Self.safeTraps, to: found, in: Project.core))
    }

    @Test func coreNeverShowsTheOrderOfADictionaryOrASet() {
        var stored: [String: Set<String>] = [:]
        for file in Project.core {
            stored[module(file), default: []]
                .formUnion(UnorderedIteration.names(in: file.tokens, storedOnly: true))
        }
        expectNone(
            Project.core.flatMap { file in
                let names = UnorderedIteration.names(in: file.tokens).union(stored[module(file)] ?? [])
                return UnorderedIteration.violations(in: file, names: names)
            })
    }

    private func module(_ file: SourceFile) -> String {
        file.path.split(separator: "/").prefix(3).joined(separator: "/")
    }

    @Test(arguments: [
        "import Foundation", "import Synchronization", "let now = Date()", "let n = Int.random(in: 0..<9)",
        "let x: Double = 1", "let h = value.hashValue", "func f() async {}", "Task { }", "print(\"a\")",
        "let s = \"\\(Date())\"", "ContinuousClock().now", "ObjectIdentifier(x)",
    ])
    func findsWhatIsNotPure(_ snippet: String) {
        #expect(!PureCore.violations(in: SourceFile(snippet: snippet)).isEmpty)
    }

    @Test(arguments: [
        "import Codec", "// a Date from Foundation", "let s = \"print(Double)\"", "let d = CivilDate(day: 1)",
        "/* async */ let clocks = 1", "context.print(page)", "let randomly = 2",
    ])
    func leavesPureCodeAlone(_ snippet: String) {
        #expect(PureCore.violations(in: SourceFile(snippet: snippet)).isEmpty)
    }

    @Test(arguments: ["a!", "a()!.b", "a[0]!", "try! f()", "b as! C", "var x: Int!", "a?.b!"])
    func findsForcedUnwrapping(_ snippet: String) {
        #expect(PureCore.traps(in: SourceFile(snippet: snippet)).count == 1)
    }

    @Test(arguments: ["!a", "a != b", "f(!a)", "if !a {}", "// a!", "\"stop!\"", "a && !b", "return !a"])
    func leavesNegationAlone(_ snippet: String) {
        #expect(PureCore.traps(in: SourceFile(snippet: snippet)).isEmpty)
    }
}
