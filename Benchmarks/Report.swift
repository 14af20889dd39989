import Foundation

/// Figures in aligned columns, 80 wide: what it is, how much, and what limits or explains it.
enum Report {
    static func heading(_ text: String) { write("\n\(text)") }

    static func line(_ name: String, _ value: String, _ note: String = "") {
        let left = "  " + name.padding(to: 33)
        let right = String(repeating: " ", count: max(0, 13 - value.count)) + value
        write(note.isEmpty ? left + right : left + right + "  " + note)
    }

    /// A row of a table of numbers.
    static func row(_ cells: [String]) {
        let widths = [12, 12, 12, 13, 14, 14]
        let padded = zip(cells, widths).map { cell, width in
            String(repeating: " ", count: max(0, width - cell.count)) + cell
        }
        write("  " + padded.joined())
    }

    /// How far a long step has come, on a line of a terminal that the next one takes the place of.
    static func progress(_ text: String) {
        guard isatty(STDERR_FILENO) == 1 else { return }
        FileHandle.standardError.write(Data("\r\u{1b}[K\(text)".utf8))
    }

    static func write(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

    /// A number with thousands apart.
    static func count(_ value: some BinaryInteger) -> String {
        var digits = Array("\(value)")
        var index = digits.count - 3
        while index > 0 {
            digits.insert(" ", at: index)
            index -= 3
        }
        return String(digits)
    }

    static func rate(_ value: Double) -> String { count(Int(value.rounded())) + " /s" }

    /// The least and the most of several values.
    static func span(_ values: [Double]) -> String {
        guard let least = values.min(), let most = values.max() else { return "-" }
        return "\(count(Int(least.rounded())))–\(count(Int(most.rounded())))"
    }

    static func ratio(_ value: Double) -> String { String(format: "%.2f", value) }
    static func megabytes(_ bytes: Int) -> String { String(format: "%.0f MB", Double(bytes) / 1e6) }

    /// A time with a fitting unit.
    static func time(_ seconds: Double) -> String {
        switch seconds {
        case ..<1e-3: String(format: "%.1f µs", seconds * 1e6)
        case ..<1: String(format: "%.2f ms", seconds * 1e3)
        default: String(format: "%.2f s", seconds)
        }
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String {
        self + String(repeating: " ", count: Swift.max(0, width - count))
    }
}
