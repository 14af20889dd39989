/// Rows under a header, whole where a program reads them, no wider than a person's terminal.
///
/// Where it does not fit, times lose what they have in common. What is then still too long goes on below
/// itself at its spaces; where that is not enough, long names in all columns but the first are shortened in
/// their middle (`show` has them whole); and where the first column alone is too wide, each row becomes a
/// block of lines.
struct Table {
    private var header: [String]
    private var rows: [[String]]
    /// Between columns.
    private static let gap = 2
    /// What is left of a shortened name at least.
    private static let shortest = 12

    init(_ header: [String], _ rows: [[String]]) { (self.header, self.rows) = (header, rows) }

    /// - Parameter limit: the terminal's width; nil where nobody looks on.
    func text(within limit: Int?, bold: (String) -> String = { $0 }) -> String {
        let natural = widths
        guard let limit, total(natural) > limit else { return layOut(natural, bold) }
        var table = self
        table.nameZonesOnce()
        if table.total(table.widths) > limit { table.leaveOutSeconds() }
        for shortest in [Int.max, Table.shortest] {
            let choices = [true, false].compactMap {
                table.widths(within: limit, shortest: shortest, oneByOne: $0)
            }.map { table.layOut($0, bold) }
            // The first of those with the fewest lines.
            if let text = choices.min(by: { $0.lineCount < $1.lineCount }) { return text }
        }
        return table.blocks(limit, bold)
    }

    // MARK: Widths

    private var lines: [[String]] { [header] + rows }

    /// As wide as the widest cell.
    private var widths: [Int] {
        header.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    }

    private func total(_ widths: [Int]) -> Int {
        widths.reduce(0, +) + Table.gap * max(0, widths.count - 1)
    }

    /// The widest column gives way first, down to its longest word.
    /// - Parameters:
    ///   - shortest: to what a longer word may be shortened, in all columns but the first.
    ///   - oneByOne: whether one column gives all that it can before the next gives anything.
    private func widths(within limit: Int, shortest: Int, oneByOne: Bool) -> [Int]? {
        let natural = self.widths
        var widths = natural
        let least = header.indices.map { column in
            let longest =
                lines.flatMap { $0[column].split(separator: " ") }.map(\.count).max() ?? 0
            return column == 0 ? longest : min(longest, shortest)
        }
        while total(widths) > limit {
            let givers = widths.indices.filter { widths[$0] > least[$0] }
            guard let widest = givers.max(by: { widths[$0] < widths[$1] }) else { return nil }
            let giving = oneByOne ? givers.first { widths[$0] < natural[$0] } : nil
            widths[giving ?? widest] -= 1
        }
        return widths
    }

    /// A column of times names their zone in its header.
    private mutating func nameZonesOnce() {
        for column in header.indices {
            let times = rows.indices.filter { rows[$0][column].hasSuffix(" UTC") }
            let others = rows.filter { !$0[column].hasSuffix(" UTC") }.map { $0[column] }
            guard !times.isEmpty, others.allSatisfy({ $0 == "-" }) else { continue }
            header[column] += " UTC"
            for row in times { rows[row][column].removeLast(4) }
        }
    }

    /// Where all of a column's times are whole minutes.
    private mutating func leaveOutSeconds() {
        for column in header.indices where header[column].hasSuffix(" UTC") {
            let times = rows.indices.filter { rows[$0][column] != "-" }
            guard times.allSatisfy({ rows[$0][column].count == 19 && rows[$0][column].hasSuffix(":00") })
            else { continue }
            for row in times { rows[row][column].removeLast(3) }
        }
    }

    // MARK: Text

    private func layOut(_ widths: [Int], _ bold: (String) -> String) -> String {
        let texts = lines.map { row in
            let cells = zip(row, widths).map { Table.wrapped($0, width: $1) }
            let height = cells.map(\.count).max() ?? 1
            return (0..<height).map { line in
                zip(cells, widths).map { cell, width in
                    let text = line < cell.count ? cell[line] : ""
                    return text + String(repeating: " ", count: max(0, width - text.count))
                }.joined(separator: String(repeating: " ", count: Table.gap)).trimmed
            }
        }
        return texts.enumerated().flatMap { $0 == 0 ? $1.map(bold) : $1 }.joined(separator: "\n")
    }

    private static func wrapped(_ text: String, width: Int) -> [String] {
        let words = text.split(separator: " ", omittingEmptySubsequences: false).map { word in
            guard word.count > width, width > 2 else { return String(word) }
            let head = (width - 1) / 2
            return "\(word.prefix(width - 1 - head))…\(word.suffix(head))"
        }
        return text.count <= width ? [text] : Help.wrapped(words.joined(separator: " "), width: width)
    }

    /// A row after the other, each cell with its column's name before it.
    private func blocks(_ limit: Int, _ bold: (String) -> String) -> String {
        let width = header.map(\.count).max() ?? 0
        return rows.map { row in
            zip(header, row).map { name, cell in
                let head = bold(name) + String(repeating: " ", count: width - name.count + Table.gap)
                let room = limit - width - Table.gap
                return head
                    + Help.wrapped(cell, width: room).joined(
                        separator: "\n" + String(repeating: " ", count: width + Table.gap))
            }.joined(separator: "\n")
        }.joined(separator: "\n\n")
    }
}

extension String {
    fileprivate var lineCount: Int { count { $0 == "\n" } }

    /// Without blanks at its end.
    fileprivate var trimmed: String {
        var text = self[...]
        while text.last == " " { text = text.dropLast() }
        return String(text)
    }
}
