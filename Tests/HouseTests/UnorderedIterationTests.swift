import Testing

/// The heuristic that looks for iteration over dictionaries and sets, on snippets.
@Suite struct UnorderedIterationTests {
    private func violations(_ snippet: String) -> [Violation] {
        let file = SourceFile(snippet: snippet)
        return UnorderedIteration.violations(in: file, names: UnorderedIteration.names(in: file.tokens))
    }

    @Test(arguments: [
        "let d: [String: Int] = x\nfor (k, v) in d { }",
        "var d: [Key: [UInt8]?] = [:]\nfor e in d where e.value != nil { }",
        "let d = [1: 2]\nlet a = d.map { $0 }",
        "let s: Set<Int> = [1, 2]\ns.forEach { use($0) }",
        "let s = Set(list)\nlet a = Array(s)",
        "let s = Set<Int>()\nreturn s.first",
        "func f(d: [Int: Int]) { for k in d.keys { } }",
        "func f(d: inout [Int: Int]) { for v in self.d.values { } }",
        "let d: Dictionary<Int, Int> = x\nlet l = d.values.map { $0 }",
        "func rows() -> [Int: Int] { x }\nfor r in rows() { }",
        "let d: [Int: Int]? = x\nlet y = d?.values.first",
        "let d: [Int: Int] = x\nlist.append(contentsOf: d.values)",
        "let s: Set<Int> = []\nfor (a, b) in zip(list, s) { }",
        "let d: [Int: Int] = x\nlet l = d.filter { $0.value > 1 }.map { $0.key }",
        "let a: [Int: Int]\nfunc f(a: [Int]) { }\nfunc g() { for i in a { } }",
        "let a: [Int: Int]\nfunc f(a: [Int]) { for i in self.a { } }",
        "let s: Set<Int> = []\nlet text = \"\\(s.description)\"",
    ])
    func findsWhatShowsTheOrder(_ snippet: String) {
        #expect(violations(snippet).count == 1, "\(violations(snippet))")
    }

    @Test(arguments: [
        "let d: [String: Int] = x\nfor k in d.keys.sorted() { }",
        "let d: [String: Int] = x\nlet v = d[\"a\"]",
        "let s: Set<Int> = []\nif s.contains(1) { }",
        "let s: Set<Int> = []\nlet l = s.sorted { $0 < $1 }",
        "let d: [Int: [Int]] = x\nfor i in d[1] ?? [] { }",
        "let list: [Int] = []\nfor i in list { }",
        "let list = [a ? b : c]\nlet m = list.map { $0 }",
        "let d: [Int: Int] = x\nlet n = d.count + d.values.count",
        "let d: [Int: Int] = x\nlet top = d.values.max()",
        "let d: [Int: Int] = x\nlet e = d.mapValues { $0 + 1 }",
        "// for k in d.keys\nlet d: [Int: Int] = x",
        "let d: [Int: Int] = x\nfor i in 0..<d.count { }",
        "let pairs: [(key: Int, value: Int)] = []\nfor p in pairs { }",
        "let d: [Int: Int] = x\nlet l = d.filter { $0.value > 1 }.sorted { $0.key < $1.key }",
        "func f(rows: [Int: Int]) { if rows.isEmpty { } }",
        "let a: [Int: Int]\ninit(a: [Int]) { for i in a { } }",
        "let a: [Int: Int]\nfunc f<T>(a: [T]) { a.forEach { } }",
        "func f() { let a = [1: 2] }\nfunc g() { let a = [1]\nfor i in a { } }",
    ])
    func leavesWhatHasAnOrderAlone(_ snippet: String) {
        #expect(violations(snippet).isEmpty, "\(violations(snippet))")
    }

    @Test func splitsCodeFromCommentsAndLiterals() {
        let text = SwiftText(
            "let a = \"x\\(b.map { \"y\" })z\" // c \"d\"\nlet e = #\"\\(f)\"# /* g /* h */ i */ + j")
        let words = Token.tokens(of: text.code).map(\.text).filter { $0.first?.isLetter ?? false }
        #expect(words == ["let", "a", "b", "map", "let", "e", "j"])
        #expect(text.literals.map(\.text) == ["y", "xz", "\\(f)"])
        #expect(Token.tokens(of: text.code).last?.line == 2)
    }
}
