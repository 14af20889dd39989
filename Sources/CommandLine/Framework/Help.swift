import Foundation

/// Help that a person can learn from, fitting 80 columns.
enum Help {
    static let width = 80

    /// The overview: groups of verbs.
    static func overview(_ groups: [VerbGroup]) -> String {
        var text = """
            millwright: a shared ledger for machines that are rented, maintained and traced

            usage: millwright VERB [options]        millwright VERB --help explains one verb

            """
        for group in groups {
            text += "\n\(group.title)\n"
            text += group.verbs.map { line($0.title, $0.summary, column: 26) }.joined()
        }
        return text + "\nFirst steps: millwright demo tells the whole story in under a minute.\n"
    }

    /// The verbs of one group, such as `machine`.
    static func group(_ name: String, _ verbs: [Verb]) -> String {
        "usage: millwright \(name) VERB [options]\n\n"
            + verbs.map { line($0.title, $0.summary, column: 26) }.joined()
    }

    /// One verb.
    /// - Parameter verbs: all of them, for those whose names go on from this one's.
    static func verb(_ verb: Verb, of verbs: [Verb]) -> String {
        let positionals = verb.options.filter(\.isPositional).map {
            $0.isRequired ? $0.usage : "[\($0.usage)]"
        }
        let needed = verb.options.filter { $0.isRequired && !$0.isPositional }.map(\.usage)
        let usage = (["millwright", verb.title] + positionals + needed + ["[options]"]).joined(separator: " ")
        var text = wrap("usage: \(usage)", indent: "           ") + "\n\n" + wrap(verb.summary + ".") + "\n"
        if !verb.detail.isEmpty { text += "\n" + wrap(verb.detail) + "\n" }
        text += "\noptions:\n"
        for option in verb.allOptions {
            let mark = option.isRepeated ? " (repeatable)" : option.isRequired ? " (required)" : ""
            text += line(option.usage, option.help + mark, column: 26)
        }
        if !verb.examples.isEmpty {
            text += "\nexamples:\n" + verb.examples.map { example($0) }.joined()
        }
        let more = verbs.filter { $0.words.count > verb.words.count && $0.words.starts(with: verb.words) }
        if !more.isEmpty {
            text += "\nsee also:\n" + more.map { line($0.title, $0.summary, column: 26) }.joined()
        }
        return text
    }

    /// A command line, continued before an option where it is longer than a line; it can still be copied.
    private static func example(_ text: String) -> String {
        var lines: [String] = []
        var line = "  "
        for (index, part) in text.components(separatedBy: " --").enumerated() {
            let word = index == 0 ? part : " --" + part
            // Two columns are left for the mark that the line goes on.
            if index > 0, line.count + word.count > width - 2 {
                lines.append(line + " \\")
                line = "   "
            }
            line += word
        }
        return (lines + [line]).joined(separator: "\n") + "\n"
    }

    private static func line(_ left: String, _ right: String, column: Int) -> String {
        let indent = String(repeating: " ", count: column)
        let head = "  " + left
        let lines = wrapped(right, width: width - column)
        if head.count + 2 > column {
            return head + "\n" + lines.map { indent + $0 + "\n" }.joined()
        }
        return head + String(repeating: " ", count: column - head.count)
            + lines.joined(separator: "\n" + indent) + "\n"
    }

    /// Breaks a text into lines of at most 80 columns; further lines are indented.
    static func wrap(_ text: String, indent: String = "") -> String {
        let lines = wrapped(text, width: width - indent.count)
        return lines.joined(separator: "\n" + indent)
    }

    static func wrapped(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
            var line = ""
            for word in paragraph.split(separator: " ") {
                if !line.isEmpty, line.count + 1 + word.count > width {
                    lines.append(line)
                    line = ""
                }
                line += (line.isEmpty ? "" : " ") + word
            }
            lines.append(line)
        }
        return lines
    }
}
