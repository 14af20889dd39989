/// Shape of the sources: what a reader should not have to put up with.
enum Tidy {
    static let columns = 110
    static let linesPerFile = 500
    static let linesPerFunction = 70

    /// Words in a comment that stand for unfinished work, put together so that they are not found here.
    static let marks: Set = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]

    static func violations(in file: SourceFile) -> [Violation] {
        lines(of: file) + beginning(of: file) + unfinished(in: file) + functions(in: file)
    }

    static func lines(of file: SourceFile) -> [Violation] {
        var result: [Violation] = []
        let lines = file.lines
        for (index, line) in lines.enumerated() {
            func note(_ what: String, _ instead: String) {
                result.append(Violation(file.path, index + 1, what, instead: instead))
            }
            let width = line.unicodeScalars.count
            if width > columns { note("\(width) columns", "break the line before \(columns)") }
            if line.utf8.contains(UInt8(ascii: "\t")) { note("a tab", "use spaces") }
            if line.utf8.contains(UInt8(ascii: "\r")) {
                note("a carriage return", "end lines with a line feed")
            }
            if line.utf8.last == UInt8(ascii: " ") { note("space at the end", "remove it") }
        }
        // The last line feed makes one empty piece more.
        if lines.count - 1 > linesPerFile {
            result.append(
                Violation(file.path, linesPerFile, "\(lines.count - 1) lines", instead: "split it by topic"))
        }
        return result
    }

    /// A file begins with an import, a declaration or a doc comment: no banner, no author, no date.
    static func beginning(of file: SourceFile) -> [Violation] {
        let first = file.lines.first ?? ""
        let isComment =
            first.hasPrefix("//") && !first.hasPrefix("///") && !first.hasPrefix("// swift-tools-version")
        guard first.isEmpty || isComment || first.hasPrefix("/*") else { return [] }
        return [
            Violation(
                file.path, 1, "begins with «\(first)»", instead: "begin with the import or the doc comment")
        ]
    }

    static func unfinished(in file: SourceFile) -> [Violation] {
        Token.tokens(of: file.text.comments).filter { marks.contains($0.text) }
            .map {
                Violation(
                    file.path, $0.line, $0.text, instead: "do it, or write down why it is right as it is")
            }
    }

    static func functions(in file: SourceFile) -> [Violation] {
        let tokens = file.tokens
        return tokens.indices.compactMap { index in
            let isFunction = tokens[index].text == "func"
            let isInitialiser =
                tokens[index].text == "init" && ["(", "<", "?"].contains(tokens.text(index + 1))
                && tokens.text(index - 1) != "."
            guard isFunction || isInitialiser, let open = body(tokens, after: index) else { return nil }
            let close = tokens.closing(open)
            guard close < tokens.count else { return nil }
            let length = tokens[close].line - tokens[index].line + 1
            guard length > linesPerFunction else { return nil }
            let name = isFunction ? tokens.text(index + 1) : "init"
            return Violation(
                file.path, tokens[index].line, "\(name) has \(length) lines",
                instead: "take a part out and name it")
        }
    }

    /// The brace that opens the body; nil for a requirement without one.
    private static func body(_ tokens: [Token], after start: Int) -> Int? {
        var index = start + 1
        while index < tokens.count {
            switch tokens[index].text {
            case "(", "[": index = tokens.closing(index)
            case "{": return index
            case "}", "func", "var", "let", "init", "subscript", "associatedtype", "static", "mutating":
                return nil
            default: break
            }
            index += 1
        }
        return nil
    }
}
