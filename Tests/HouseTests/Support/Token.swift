/// A word, a number or a mark of Swift code.
struct Token {
    let text: String
    let offset: Int
    let line: Int
    /// Whether it follows the token before without a space.
    let isAttached: Bool

    var isWord: Bool { text.utf8.first.map(Token.isWordByte) ?? false }

    static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"), 0x80...:
            true
        default: false
        }
    }

    /// The tokens of code without comments and literals. `->`, `!=` and `==` are one token; other marks are
    /// one each.
    static func tokens(of code: [UInt8]) -> [Token] {
        var tokens: [Token] = []
        var at = 0
        var line = 1
        var end = -1
        while at < code.count {
            let byte = code[at]
            if byte == UInt8(ascii: "\n") { line += 1 }
            if byte <= 0x20 || byte == UInt8(ascii: "`") {
                at += 1
                continue
            }
            var next = at + 1
            if isWordByte(byte) {
                while next < code.count, isWordByte(code[next]) { next += 1 }
            } else if next < code.count, isPair(byte, code[next]) {
                next += 1
            }
            tokens.append(
                Token(
                    text: String(decoding: code[at..<next], as: UTF8.self), offset: at, line: line,
                    isAttached: at == end))
            at = next
            end = next
        }
        return tokens
    }

    private static func isPair(_ first: UInt8, _ second: UInt8) -> Bool {
        switch (first, second) {
        case (UInt8(ascii: "-"), UInt8(ascii: ">")), (UInt8(ascii: "!"), UInt8(ascii: "=")),
            (UInt8(ascii: "="), UInt8(ascii: "=")):
            true
        default: false
        }
    }
}

extension [Token] {
    /// The text at an index, or nothing beyond the ends.
    func text(_ index: Int) -> String { indices.contains(index) ? self[index].text : "" }

    /// The index of the bracket that closes the one at `open`; the end where none does.
    func closing(_ open: Int) -> Int {
        var depth = 0
        for index in open..<count {
            switch self[index].text {
            case "(", "[", "{": depth += 1
            case ")", "]", "}": depth -= 1
            default: continue
            }
            if depth == 0 { return index }
        }
        return count
    }
}
