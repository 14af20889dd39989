/// The part of CDDL (RFC 8610) that the reference pages use.
///
/// Rules `name = type`; maps with text keys and `?`; arrays `[* type]` and `[+ type]`; `tstr`, `int`, `uint`,
/// `bool`, `bstr`, `bstr .size n`; literal texts; choices with `/`; names of rules; comments from `;`.
struct CDDL {
    indirect enum Kind {
        case text, integer, unsigned, bool
        case bytes(count: Int?)
        case literal(String)
        case name(String)
        case array(CDDL.Kind, isEmptyAllowed: Bool)
        case map([Member])
        /// Each with the place that counts its use.
        case choice([Alternative])
    }

    struct Member {
        let key: String
        let isOptional: Bool
        let kind: Kind
        let place: Int
    }

    struct Alternative {
        let kind: Kind
        let place: Int
    }

    struct SyntaxError: Error, CustomStringConvertible { let description: String }

    private(set) var rules: [String: Kind] = [:]
    /// Every member of a map and every alternative of a choice, as `rule: what it is`.
    private(set) var places: [String] = []

    private var tokens: [String] = []
    private var position = 0
    private var rule = ""

    /// - Throws: `SyntaxError`, naming the rule.
    init(_ text: String) throws {
        tokens = try CDDL.tokens(of: text)
        while let name = take() {
            rule = name
            try expect("=")
            guard rules[name] == nil else { throw SyntaxError(description: "\(name) is there twice") }
            rules[name] = try type()
        }
    }

    private static func tokens(of text: String) throws -> [String] {
        var tokens: [String] = []
        var rest = Substring(text)
        while let first = rest.first {
            switch first {
            case " ", "\n": rest = rest.dropFirst()
            case ";": rest = rest.drop { $0 != "\n" }
            case "\"":
                let body = rest.dropFirst().prefix { $0 != "\"" }
                tokens.append("\"" + body)
                rest = rest.dropFirst(body.count + 2)
            case "{", "}", "[", "]", ",", ":", "/", "=", "?", "*", "+":
                tokens.append(String(first))
                rest = rest.dropFirst()
            default:
                let word = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || ".-".contains($0)) }
                guard !word.isEmpty else { throw SyntaxError(description: "what is \(first)?") }
                tokens.append(String(word))
                rest = rest.dropFirst(word.count)
            }
        }
        return tokens
    }

    // MARK: Grammar

    private mutating func take() -> String? {
        guard position < tokens.count else { return nil }
        position += 1
        return tokens[position - 1]
    }

    private mutating func takes(_ token: String) -> Bool {
        guard position < tokens.count, tokens[position] == token else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ token: String) throws {
        guard takes(token) else {
            let found = position < tokens.count ? tokens[position] : "the end"
            throw SyntaxError(description: "\(rule): \(token) expected, not \(found)")
        }
    }

    private mutating func place(_ what: String) -> Int {
        places.append("\(rule): \(what)")
        return places.count - 1
    }

    private mutating func type() throws -> Kind {
        var kinds = [try single()]
        while takes("/") { kinds.append(try single()) }
        if kinds.count == 1 { return kinds[0] }
        return .choice(
            kinds.enumerated().map { index, kind in
                Alternative(kind: kind, place: place("alternative \(index + 1)"))
            })
    }

    private mutating func single() throws -> Kind {
        guard let token = take() else { throw SyntaxError(description: "\(rule) ends early") }
        switch token {
        case "tstr": return .text
        case "int": return .integer
        case "uint": return .unsigned
        case "bool": return .bool
        case "bstr":
            guard takes(".size") else { return .bytes(count: nil) }
            guard let count = take().flatMap({ Int($0) }) else {
                throw SyntaxError(description: "\(rule): .size wants a number")
            }
            return .bytes(count: count)
        case "{": return .map(try members())
        case "[":
            let isEmptyAllowed = takes("*")
            if !isEmptyAllowed { try expect("+") }
            let kind = try type()
            try expect("]")
            return .array(kind, isEmptyAllowed: isEmptyAllowed)
        default:
            if token.hasPrefix("\"") { return .literal(String(token.dropFirst())) }
            return .name(token)
        }
    }

    private mutating func members() throws -> [Member] {
        var members: [Member] = []
        while !takes("}") {
            if !members.isEmpty { try expect(",") }
            let isOptional = takes("?")
            guard let key = take(), key.hasPrefix("\"") else {
                throw SyntaxError(description: "\(rule): a key in quotes expected")
            }
            try expect(":")
            let name = String(key.dropFirst())
            let place = place("key \(name)")
            members.append(Member(key: name, isOptional: isOptional, kind: try type(), place: place))
        }
        return members
    }

    // MARK: Texts

    /// The literal texts of each choice that has nothing else.
    var literalSets: [Set<String>] {
        rules.values.flatMap(CDDL.literalSets)
    }

    private static func literalSets(in kind: Kind) -> [Set<String>] {
        switch kind {
        case .array(let item, _): return literalSets(in: item)
        case .map(let members): return members.flatMap { literalSets(in: $0.kind) }
        case .choice(let alternatives):
            if let literals = literals(of: alternatives) { return [Set(literals)] }
            return alternatives.flatMap { literalSets(in: $0.kind) }
        default: return []
        }
    }

    /// The texts of a choice that has nothing else, else nil.
    static func literals(of alternatives: [Alternative]) -> [String]? {
        let texts = alternatives.compactMap { alternative -> String? in
            if case .literal(let text) = alternative.kind { text } else { nil }
        }
        return texts.count == alternatives.count ? texts : nil
    }
}
