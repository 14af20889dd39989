/// Finds code whose result may depend on the order of a dictionary or a set, which differs from process to
/// process.
///
/// A heuristic without types: it knows the names that a file, or a stored property of the same module,
/// declares with such a type, and looks at what follows wherever one is used.
enum UnorderedIteration {
    /// Members whose result shows the order.
    static let ordered: Set = [
        "map", "compactMap", "flatMap", "forEach", "reduce", "first", "last", "randomElement", "enumerated",
        "lazy",
        "makeIterator", "popFirst", "removeFirst", "prefix", "suffix", "dropFirst", "dropLast", "joined",
        "split",
        "elementsEqual", "starts", "description", "debugDescription", "startIndex", "indices",
    ]
    /// Members whose result is again without order.
    static let unordered: Set = [
        "keys", "values", "filter", "mapValues", "compactMapValues", "merging", "union", "intersection",
        "subtracting",
        "symmetricDifference",
    ]
    /// Initialisers and functions that take a sequence in its order.
    static let takers: Set = ["Array", "ContiguousArray", "zip", "ArraySlice", "AnySequence", "AnyIterator"]

    /// Names that the tokens declare with a dictionary's or a set's type.
    /// - Parameter storedOnly: only `let` and `var`, which another file of the module may use too.
    static func names(in tokens: [Token], storedOnly: Bool = false) -> Set<String> {
        Set(declarations(in: tokens).filter { $0.isUnordered && ($0.isStored || !storedOnly) }.map(\.name))
    }

    /// Uses that show the order.
    /// - Parameter names: what `names(in:)` gives for this file and for stored properties of the module.
    static func violations(in file: SourceFile, names: Set<String>) -> [Violation] {
        let tokens = file.tokens
        let declared = declarations(in: tokens).filter { names.contains($0.name) }
        var result: [Violation] = []
        for index in tokens.indices where names.contains(tokens[index].text) {
            if ["let", "var", "func", "case"].contains(tokens.text(index - 1)) { continue }
            if tokens.text(index + 1) == ":" { continue }
            // A bare name is the innermost declaration around it; behind a point it may be any.
            let name = tokens[index].text
            let inner = declared.last { $0.name == name && $0.scope.contains(index) }
            if tokens.text(index - 1) != ".", let inner, !inner.isUnordered { continue }
            if let member = use(tokens, index) {
                result.append(
                    Violation(
                        file.path, tokens[index].line, "order of \(tokens[index].text)\(member)",
                        instead: "sort into an array first"))
            }
        }
        return result
    }

    /// A name, whether its type has no order, and the tokens in which it means this.
    private struct Declaration {
        let name: String
        let isUnordered: Bool
        /// `let` or `var`.
        let isStored: Bool
        let scope: Range<Int>
    }

    private static func declarations(in tokens: [Token]) -> [Declaration] {
        var result: [Declaration] = []
        var blocks: [Int] = []
        var parentheses: [Int] = []
        for (index, token) in tokens.enumerated() {
            switch token.text {
            case "{": blocks.append(tokens.closing(index))
            case "}": _ = blocks.popLast()
            case "(": parentheses.append(index)
            case ")": _ = parentheses.popLast()
            default: break
            }
            guard token.isWord else { continue }
            let block = blocks.last ?? tokens.count
            let isStored = ["let", "var"].contains(tokens.text(index - 1))
            func add(_ isUnordered: Bool, until end: Int) {
                result.append(
                    Declaration(
                        name: token.text, isUnordered: isUnordered, isStored: isStored,
                        scope: index..<max(index + 1, end)))
            }
            if tokens.text(index - 1) == "func", let type = resultType(tokens, index) {
                if isType(tokens, type) { add(true, until: block) }
            } else if isStored, tokens.text(index + 1) == ":" {
                add(isType(tokens, index + 2), until: block)
            } else if isStored, tokens.text(index + 1) == "=" {
                let isUnordered = isValue(tokens, index + 2)
                if isUnordered || tokens.text(index + 2) == "[" { add(isUnordered, until: block) }
            } else if tokens.text(index + 1) == ":", let open = parentheses.last,
                isParameterList(tokens, open)
            {
                add(isType(tokens, index + 2), until: bodyEnd(tokens, tokens.closing(open)))
            }
        }
        return result
    }

    /// Whether the parenthesis opens the parameters of a function or an initialiser, not the arguments of a
    /// call.
    private static func isParameterList(_ tokens: [Token], _ open: Int) -> Bool {
        var index = open - 1
        // Past the generic parameters.
        if tokens.text(index) == ">" { while index > 0, tokens[index].text != "<" { index -= 1 } }
        if tokens.text(index) == "<" { index -= 1 }
        let isNamed = tokens.text(index - 1) == "func"
        return isNamed
            || (["init", "subscript"].contains(tokens.text(index)) && tokens.text(index - 1) != ".")
    }

    /// Where the body that follows a parameter list ends.
    private static func bodyEnd(_ tokens: [Token], _ close: Int) -> Int {
        guard close < tokens.count else { return tokens.count }
        for index in close..<tokens.count {
            if tokens[index].text == "{" { return tokens.closing(index) }
            if ["}", "func", "var", "let"].contains(tokens[index].text) { return index }
        }
        return tokens.count
    }

    /// How the use of the name at an index shows its order; nil where it does not.
    private static func use(_ tokens: [Token], _ index: Int) -> String? {
        var next = index + 1
        func skipCall() {
            if tokens.text(next) == "(", tokens[next].isAttached { next = tokens.closing(next) + 1 }
            if tokens.text(next) == "{", isTrailingClosure(tokens, next) { next = tokens.closing(next) + 1 }
            if ["?", "!"].contains(tokens.text(next)), tokens[next].isAttached { next += 1 }
        }
        if tokens.text(next) == "(", tokens[next].isAttached { next = tokens.closing(next) + 1 }
        if ["?", "!"].contains(tokens.text(next)), tokens[next].isAttached { next += 1 }
        var path = ""
        while tokens.text(next) == "." {
            let member = tokens.text(next + 1)
            path += ".\(member)"
            if ordered.contains(member) { return path }
            guard unordered.contains(member) else { return nil }
            next += 2
            skipCall()
        }
        if ["{", "where"].contains(tokens.text(next)), isLoop(tokens, index) { return "\(path) in a loop" }
        guard [")", ","].contains(tokens.text(next)) else { return nil }
        return isTaken(tokens, chainStart(tokens, index)) ? "\(path) as a sequence" : nil
    }

    /// Whether a brace after a member belongs to it, and not to a loop or a condition.
    private static func isTrailingClosure(_ tokens: [Token], _ brace: Int) -> Bool {
        var index = brace - 1
        while index >= 0, tokens[index].line == tokens[brace].line {
            if ["for", "if", "guard", "while", "switch", "else"].contains(tokens[index].text) {
                return false
            }
            index -= 1
        }
        return true
    }

    /// The first token of `a.b.c`, for the index of any of its words.
    private static func chainStart(_ tokens: [Token], _ index: Int) -> Int {
        var start = index
        while tokens.text(start - 1) == ".", start >= 2, tokens[start - 2].isWord { start -= 2 }
        return start
    }

    /// Whether the chain stands right after a loop's `in`.
    private static func isLoop(_ tokens: [Token], _ index: Int) -> Bool {
        var before = chainStart(tokens, index) - 1
        guard tokens.text(before) == "in" else { return false }
        while before >= 0, !["{", "}", ";"].contains(tokens.text(before)) {
            if tokens.text(before) == "for" { return true }
            before -= 1
        }
        return false
    }

    private static func isTaken(_ tokens: [Token], _ start: Int) -> Bool {
        switch tokens.text(start - 1) {
        case "(": takers.contains(tokens.text(start - 2))
        case ",": isArgument(tokens, start, of: "zip")
        case ":": tokens.text(start - 2) == "contentsOf"
        default: false
        }
    }

    private static func isArgument(_ tokens: [Token], _ start: Int, of function: String) -> Bool {
        var index = start - 1
        var depth = 0
        while index > 0 {
            if [")", "]", "}"].contains(tokens[index].text) { depth += 1 }
            if ["(", "[", "{"].contains(tokens[index].text) {
                if depth == 0 { return tokens.text(index - 1) == function }
                depth -= 1
            }
            index -= 1
        }
        return false
    }

    /// Whether a dictionary's or a set's type begins here.
    private static func isType(_ tokens: [Token], _ start: Int) -> Bool {
        var index = start
        while ["inout", "borrowing", "consuming", "sending"].contains(tokens.text(index)) { index += 1 }
        if ["Set", "Dictionary"].contains(tokens.text(index)) {
            return ["<", "="].contains(tokens.text(index + 1))
        }
        return isKeyed(tokens, index)
    }

    /// Whether a dictionary's or a set's value begins here.
    private static func isValue(_ tokens: [Token], _ start: Int) -> Bool {
        if ["Set", "Dictionary"].contains(tokens.text(start)) {
            return ["<", "("].contains(tokens.text(start + 1))
        }
        return isKeyed(tokens, start)
    }

    /// Whether square brackets with a colon of their own begin here: `[K: V]`, `[:]`, `["a": 1]`.
    private static func isKeyed(_ tokens: [Token], _ open: Int) -> Bool {
        guard tokens.text(open) == "[" else { return false }
        let end = tokens.closing(open)
        var index = open + 1
        while index < end {
            switch tokens[index].text {
            // A question mark in a literal may be a ternary's, whose colon is no key's.
            case "?" where !tokens[index].isAttached: return false
            case ":": return true
            case "(", "[", "{": index = tokens.closing(index)
            default: break
            }
            index += 1
        }
        return false
    }

    /// Where the result type of the function with this name begins.
    private static func resultType(_ tokens: [Token], _ name: Int) -> Int? {
        var index = name + 1
        while index < tokens.count {
            switch tokens[index].text {
            case "(", "[": index = tokens.closing(index)
            case "->": return index + 1
            case "{", "}", "func", "var", "let": return nil
            default: break
            }
            index += 1
        }
        return nil
    }
}
