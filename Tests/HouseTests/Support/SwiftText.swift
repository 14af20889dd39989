/// A Swift source split into what is compiled and what is said about it.
///
/// `code` and `comments` are as long as the source and keep its lines: what belongs to the other is blank.
/// Code inside a string's interpolation is code.
struct SwiftText {
    /// A string literal's characters, without those of its interpolations.
    struct Literal {
        let text: String
        let offset: Int
        let line: Int
    }

    private(set) var code: [UInt8]
    private(set) var comments: [UInt8]
    private(set) var literals: [Literal] = []
    private let source: [UInt8]
    private var at = 0
    private var line = 1

    init(_ source: [UInt8]) {
        self.source = source
        code = source.map { $0 == UInt8(ascii: "\n") ? $0 : UInt8(ascii: " ") }
        comments = code
        scanCode(untilParenthesis: false)
    }

    init(_ source: String) { self.init(Array(source.utf8)) }

    private func has(_ text: StaticString, at offset: Int) -> Bool {
        guard offset + text.utf8CodeUnitCount <= source.count else { return false }
        for index in 0..<text.utf8CodeUnitCount where source[offset + index] != text.utf8Start[index] {
            return false
        }
        return true
    }

    private mutating func step(_ count: Int = 1) {
        for _ in 0..<count where at < source.count {
            if source[at] == UInt8(ascii: "\n") { line += 1 }
            at += 1
        }
    }

    private mutating func keep() {
        code[at] = source[at]
        step()
    }

    private mutating func scanCode(untilParenthesis: Bool) {
        var depth = 0
        while at < source.count {
            if has("//", at: at) {
                scanLineComment()
            } else if has("/*", at: at) {
                scanBlockComment()
            } else if let hashes = hashesBeforeQuote() {
                scanString(hashes: hashes)
            } else {
                let byte = source[at]
                keep()
                if byte == UInt8(ascii: "(") { depth += 1 }
                if byte == UInt8(ascii: ")") {
                    depth -= 1
                    if untilParenthesis && depth == 0 { return }
                }
            }
        }
    }

    private mutating func scanLineComment() {
        while at < source.count, source[at] != UInt8(ascii: "\n") {
            comments[at] = source[at]
            step()
        }
    }

    private mutating func scanBlockComment() {
        var depth = 0
        repeat {
            let opens = has("/*", at: at)
            let closes = has("*/", at: at)
            depth += opens ? 1 : closes ? -1 : 0
            for _ in 0..<(opens || closes ? 2 : 1) where at < source.count {
                comments[at] = source[at]
                step()
            }
        } while depth > 0 && at < source.count
    }

    /// The number of `#` before a quote that opens a string here; nil where none opens.
    private func hashesBeforeQuote() -> Int? {
        var end = at
        while end < source.count, source[end] == UInt8(ascii: "#") { end += 1 }
        return end < source.count && source[end] == UInt8(ascii: "\"") ? end - at : nil
    }

    private func hashes(_ count: Int, at offset: Int) -> Bool {
        offset + count <= source.count
            && source[offset..<offset + count].allSatisfy { $0 == UInt8(ascii: "#") }
    }

    private mutating func scanString(hashes count: Int) {
        let (start, startLine) = (at, line)
        step(count)
        let quotes = has("\"\"\"", at: at) ? 3 : 1
        step(quotes)
        var text: [UInt8] = []
        while at < source.count {
            let isClosing = quotes == 3 ? has("\"\"\"", at: at) : has("\"", at: at)
            if isClosing && hashes(count, at: at + quotes) {
                step(quotes + count)
                break
            }
            if has("\\", at: at), hashes(count, at: at + 1) {
                step(1 + count)
                if has("(", at: at) { scanCode(untilParenthesis: true) } else { step() }
                continue
            }
            text.append(source[at])
            step()
        }
        literals.append(Literal(text: String(decoding: text, as: UTF8.self), offset: start, line: startLine))
    }
}
