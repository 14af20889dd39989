/// Plain text laid out in 80 columns; a column holds one character.
struct TextPage {
    static let width = 80

    private(set) var text = ""

    mutating func line(_ line: String = "") {
        var line = line[...]
        while line.last == " " { line.removeLast() }
        text += line + "\n"
    }

    mutating func rule(_ character: Character = "-") {
        line(String(repeating: character, count: TextPage.width))
    }

    /// Two texts, at the left and the right edge; the left one wraps where they do not fit beside each
    /// other.
    mutating func row(_ left: String, _ right: String, indent: Int = 0) {
        let room = max(20, TextPage.width - right.count - 2 - indent)
        let parts = TextPage.wrap(left, to: room)
        let margin = String(repeating: " ", count: indent)
        for part in parts.dropLast() { line(margin + part) }
        let last = margin + (parts.last ?? "")
        line(last + TextPage.right(right, TextPage.width - last.count))
    }

    /// Wrapped text under a label.
    mutating func entry(_ label: String, _ value: String, labelWidth: Int = 16) {
        for (index, part) in TextPage.wrap(value, to: TextPage.width - labelWidth).enumerated() {
            line(TextPage.left(index == 0 ? label : "", labelWidth) + part)
        }
    }

    /// Two columns of texts side by side.
    mutating func columns(_ left: [String], _ right: [String]) {
        let half = TextPage.width / 2
        let (left, right) = (
            left.flatMap { TextPage.wrap($0, to: half - 2) },
            right.flatMap { TextPage.wrap($0, to: half) }
        )
        for index in 0..<max(left.count, right.count) {
            let first = index < left.count ? left[index] : ""
            line(TextPage.left(first, half) + (index < right.count ? right[index] : ""))
        }
    }

    static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    /// Lines of at most a width, broken at spaces; a longer word is cut. A text that fits stays as it
    /// is.
    static func wrap(_ text: String, to width: Int) -> [String] {
        if text.count <= width { return [text] }
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            var word = word[...]
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            while word.count > width {
                lines.append(String(word.prefix(width)))
                word = word.dropFirst(width)
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        return line.isEmpty && !lines.isEmpty ? lines : lines + [line]
    }

    /// Decimal text with spaces between thousands (ISO 80000-1).
    static func grouped(_ number: String) -> String {
        let point = number.firstIndex(of: ".") ?? number.endIndex
        let isNegative = number.hasPrefix("-")
        let whole = Array(number[..<point].drop { $0 == "-" })
        var result = ""
        for (index, digit) in whole.enumerated() {
            if index > 0, (whole.count - index) % 3 == 0 { result.append(" ") }
            result.append(digit)
        }
        return (isNegative ? "-" : "") + result + number[point...]
    }
}
