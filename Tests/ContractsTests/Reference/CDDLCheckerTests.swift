import Testing

/// The checker itself: a renamed, retyped or missing field is named with its rule.
@Suite struct CDDLCheckerTests {
    private static let rules = """
        point = { "x": int, "y": uint, ? "name": label }   ; a comment
        label = "a" / "b"
        path  = { "points": [+ point], "key": bstr .size 2 } / { "none": {} }
        """

    private static func problem(_ item: CBORItem, _ rule: String) throws -> String? {
        var checker = CDDLChecker(try CDDL(rules))
        do {
            _ = try checker.check(item, rule: rule)
            return nil
        } catch { return "\(error)" }
    }

    private static func point(_ pairs: [(String, CBORItem)]) -> CBORItem {
        .map(pairs.map { CBORItem.Pair(key: $0.0, value: $0.1) })
    }

    private static let good = point([("x", .integer(-1)), ("y", .integer(1)), ("name", .text("b"))])

    @Test func acceptsWhatFollowsTheRule() throws {
        #expect(try CDDLCheckerTests.problem(CDDLCheckerTests.good, "point") == nil)
        let path = CDDLCheckerTests.point([
            ("points", .array([CDDLCheckerTests.good])), ("key", .bytes([1, 2])),
        ])
        #expect(try CDDLCheckerTests.problem(path, "path") == nil)
        #expect(
            try CDDLCheckerTests.problem(CDDLCheckerTests.point([("none", .map([]))]), "path") == nil)
    }

    @Test(arguments: [
        (point([("x", .integer(1))]), "point at /: the key y is missing"),
        (point([("x", .integer(1)), ("z", .integer(1))]), "point at /: the rule has no key z"),
        (point([("x", .integer(1)), ("y", .integer(-1))]), "point at /y: integer(-1) is not unsigned"),
        (point([("x", .text("1")), ("y", .integer(1))]), "point at /x: text(\"1\") is not integer"),
        (point([("name", .text("c"))]), "label at /name: text(\"c\") is not in the rule"),
        (.array([]), "point at /: array([]) is not map"),
    ])
    func namesTheRuleThatIsBroken(item: CBORItem, message: String) throws {
        #expect(try CDDLCheckerTests.problem(item, "point")?.hasPrefix(message) == true)
    }

    @Test func boundsListsAndBytes() throws {
        let empty = CDDLCheckerTests.point([("points", .array([])), ("key", .bytes([1, 2]))])
        #expect(
            try CDDLCheckerTests.problem(empty, "path")?.contains("path at /points: an empty list") == true)
        let long = CDDLCheckerTests.point([
            ("points", .array([CDDLCheckerTests.good])), ("key", .bytes([1, 2, 3])),
        ])
        #expect(try CDDLCheckerTests.problem(long, "path")?.contains("path at /key: 3 bytes") == true)
    }

    @Test func tellsWhichPlacesNothingHasUsed() throws {
        var checker = CDDLChecker(try CDDL(CDDLCheckerTests.rules))
        _ = try checker.check(CDDLCheckerTests.point([("none", .map([]))]), rule: "path")
        #expect(checker.unused.contains("point: key name") && checker.unused.contains("path: alternative 1"))
        #expect(!checker.unused.contains("path: alternative 2"))
    }

    @Test func refusesRulesThatItCannotRead() {
        for text in ["a = { b: int }", "a = [int]", "a = int a = int", "a = bstr .size x", "a = {", "a = %"] {
            #expect(throws: CDDL.SyntaxError.self, "\(text)") { try CDDL(text) }
        }
    }
}
