import Foundation

/// What a person sees: plain text on standard output, errors and progress on standard error.
enum Terminal {
    static let isInteractive = isatty(STDERR_FILENO) == 1
    private static let colours =
        isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil

    static func print(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }
    static func error(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

    /// Something that a person should know about a result, on standard error so that the result stays whole.
    static func note(_ text: String) { error(Help.wrap("note: " + text, indent: "  ")) }

    static func bold(_ text: String) -> String { colours ? "\u{1b}[1m\(text)\u{1b}[0m" : text }
    static func dim(_ text: String) -> String { colours ? "\u{1b}[2m\(text)\u{1b}[0m" : text }
    static func green(_ text: String) -> String { colours ? "\u{1b}[32m\(text)\u{1b}[0m" : text }
    static func red(_ text: String) -> String { colours ? "\u{1b}[31m\(text)\u{1b}[0m" : text }

    /// How many columns a person's terminal has; nil where standard output is none.
    private static let width: Int? = {
        guard isatty(STDOUT_FILENO) == 1 else { return nil }
        if let text = ProcessInfo.processInfo.environment["COLUMNS"], let columns = Int(text), columns > 0 {
            return columns
        }
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return Help.width }
        return Int(size.ws_col)
    }()

    /// A table as wide as it needs to be, within the terminal.
    static func table(_ header: [String], _ rows: [[String]]) -> String {
        Table(header, rows).text(within: width, bold: bold)
    }
}

/// A bar on standard error for work that takes long; silent where no terminal is attached.
struct ProgressBar {
    private let title: String
    private let total: UInt64
    private var shown = -1

    init(_ title: String, total: UInt64) { (self.title, self.total) = (title, max(1, total)) }

    mutating func show(_ done: UInt64) {
        guard Terminal.isInteractive else { return }
        let percent = Int(min(done, total) * 100 / total)
        guard percent != shown else { return }
        shown = percent
        let filled = percent * 30 / 100
        let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: 30 - filled)
        FileHandle.standardError.write(Data("\r\(title) \(bar) \(percent) %".utf8))
    }

    func end() {
        if Terminal.isInteractive { FileHandle.standardError.write(Data("\r\u{1b}[K".utf8)) }
    }
}
