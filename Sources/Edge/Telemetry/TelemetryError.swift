/// Why a source cannot be read, or a row of it not be used. The code is stable; the message is for a person.
package struct TelemetryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Stable codes: `csv.*` and `shdr.*` for data, `mapping.*` for the file that explains the data.
    package enum Code: String, Sendable, Hashable {
        case csvUnreadable = "csv.unreadable"
        case csvLineTooLong = "csv.line_too_long"
        case csvNotUTF8 = "csv.not_utf8"
        case csvNULByte = "csv.nul_byte"
        case csvNoHeader = "csv.no_header"
        case csvBadQuote = "csv.bad_quote"
        case csvMissingColumn = "csv.missing_column"
        case csvDuplicateColumn = "csv.duplicate_column"
        case csvUnknownColumn = "csv.unknown_column"
        case csvFieldCount = "csv.field_count"
        case csvBadTime = "csv.bad_time"
        case csvBadNumber = "csv.bad_number"
        case csvBadCounter = "csv.bad_counter"
        case csvOutOfOrder = "csv.out_of_order"
        case csvRunsBackwards = "csv.runs_backwards"
        case csvUnknownState = "csv.unknown_state"
        case csvUnknownMode = "csv.unknown_mode"
        case shdrUnreadable = "shdr.unreadable"
        case shdrLineTooLong = "shdr.line_too_long"
        case shdrNotUTF8 = "shdr.not_utf8"
        case shdrNULByte = "shdr.nul_byte"
        case shdrMalformed = "shdr.malformed"
        case shdrBadTime = "shdr.bad_time"
        case shdrRunsBackwards = "shdr.runs_backwards"
        case shdrBadNumber = "shdr.bad_number"
        case shdrBadCounter = "shdr.bad_counter"
        case shdrBadCondition = "shdr.bad_condition"
        case shdrUnknownValue = "shdr.unknown_value"
        case shdrUnclosedAsset = "shdr.unclosed_asset"
        case mappingUnreadable = "mapping.unreadable"
        case mappingTooLarge = "mapping.too_large"
        case mappingInvalidJSON = "mapping.invalid_json"
        case mappingMissingKey = "mapping.missing_key"
        case mappingUnknownKey = "mapping.unknown_key"
        case mappingInvalidValue = "mapping.invalid_value"
    }

    package let code: Code
    package let message: String
    /// The line of the data file, from 1; nil where there is none.
    package let line: Int?

    package init(_ code: Code, _ message: String, line: Int? = nil) {
        (self.code, self.message, self.line) = (code, message, line)
    }

    /// Whether it is about one row, so that the others can be read without it.
    var isOfOneRow: Bool {
        switch code {
        case .csvUnreadable, .csvRunsBackwards, .shdrUnreadable, .shdrRunsBackwards: false
        default: true
        }
    }

    package var description: String {
        "\(code.rawValue)" + (line.map { " at line \($0)" } ?? "") + ": \(message)"
    }
}
