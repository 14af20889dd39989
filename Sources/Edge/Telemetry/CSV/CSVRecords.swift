/// Records of comma-separated values (RFC 4180): quoted fields may hold separators, doubled quotes and line
/// ends.
struct CSVRecords {
    private(set) var lines: LineReader
    private let separator: UInt8
    /// The line on which the last record began.
    private(set) var line = 0

    init(_ source: any ByteSource, separator: UInt8) {
        (lines, self.separator) = (LineReader(source, codes: .csv), separator)
    }

    /// The fields of the next record that is not empty, and its text; nil at the end.
    /// - Throws: `csv.bad_quote`, `csv.line_too_long` and what the line reader throws.
    mutating func next() throws(TelemetryError) -> (fields: [Field], text: [UInt8])? {
        while true {
            line = lines.number + 1
            guard var text = try lines.next() else { return nil }
            if text.isEmpty { continue }
            guard text[...].position(of: 0x22) != nil else {
                return (text[...].pieces(separatedBy: separator), text)
            }
            while true {
                if let fields = try quotedFields(text) { return (fields, text) }
                guard let more = try lines.next() else {
                    throw TelemetryError(.csvBadQuote, "a quote is never closed", line: line)
                }
                guard text.count + 1 + more.count <= LineReader.maximumLineLength else {
                    throw TelemetryError(
                        .csvLineTooLong, "a quote that begins here is not closed in time", line: line)
                }
                text.append(0x0a)
                text.append(contentsOf: more)
            }
        }
    }

    /// The fields, or nil where a quote is still open at the end.
    private func quotedFields(_ text: [UInt8]) throws(TelemetryError) -> [Field]? {
        var fields: [Field] = []
        var index = 0
        while true {
            guard index < text.count, text[index] == 0x22 else {
                let end = text[index...].position(of: separator) ?? text.count
                guard text[index..<end].position(of: 0x22) == nil else {
                    throw TelemetryError(.csvBadQuote, "a quote inside a field without quotes", line: line)
                }
                fields.append(text[index..<end])
                if end == text.count { return fields }
                index = end + 1
                continue
            }
            guard let (field, end) = quotedField(text, from: index + 1) else { return nil }
            fields.append(field)
            if end == text.count { return fields }
            guard text[end] == separator else {
                throw TelemetryError(.csvBadQuote, "text behind a closing quote", line: line)
            }
            index = end + 1
        }
    }

    /// The field's content and the index behind its closing quote, or nil where there is none.
    private func quotedField(_ text: [UInt8], from begin: Int) -> (Field, Int)? {
        var content: [UInt8] = []
        var index = begin
        while let quote = text[index...].position(of: 0x22) {
            content.append(contentsOf: text[index..<quote])
            guard quote + 1 < text.count, text[quote + 1] == 0x22 else { return (content[...], quote + 1) }
            content.append(0x22)
            index = quote + 2
        }
        return nil
    }
}
