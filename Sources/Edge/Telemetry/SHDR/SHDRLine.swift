import Billing

/// One line of an MTConnect adapter's log (SHDR): `time|key|value[|key|value…]`, or a condition
/// `time|key|level|nativeCode|nativeSeverity|qualifier|message` (MTConnect Adapter Agent Protocol).
enum SHDRLine {
    /// The fields between the pipes. In a field that begins and ends with quotes, `\|` is a pipe.
    static func fields(_ line: [UInt8]) -> [Field] {
        let pieces = line[...].pieces(separatedBy: 0x7c)
        guard line[...].position(of: 0x22) != nil else { return pieces }
        var fields: [Field] = []
        var index = 0
        while index < pieces.count {
            if pieces[index].first == 0x22, let end = closing(pieces, from: index) {
                let joined = Array(pieces[index...end].joined(separator: [0x7c]))
                fields.append(unescaped(joined.dropFirst().dropLast()))
                index = end + 1
            } else {
                fields.append(pieces[index])
                index += 1
            }
        }
        return fields
    }

    /// The piece that closes the quote: every piece before it ends with the backslash of an escaped pipe.
    private static func closing(_ pieces: [Field], from begin: Int) -> Int? {
        for index in begin..<pieces.count {
            if pieces[index].last == 0x22 && (index > begin || pieces[index].count > 1) { return index }
            guard pieces[index].last == 0x5c else { return nil }
        }
        return nil
    }

    private static func unescaped(_ field: Field) -> Field {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(field.count)
        for byte in field {
            if byte == 0x7c && bytes.last == 0x5c { bytes.removeLast() }
            bytes.append(byte)
        }
        return bytes[...]
    }
}

/// How bad a condition is (MTConnect Part 2, "Condition").
enum ConditionLevel {
    case normal, warning, fault, unavailable

    init?(_ field: Field) {
        if field.isWord("NORMAL") {
            self = .normal
        } else if field.isWord("WARNING") {
            self = .warning
        } else if field.isWord("FAULT") {
            self = .fault
        } else if field.isWord("UNAVAILABLE") {
            self = .unavailable
        } else {
            return nil
        }
    }
}

/// One thing that a line says.
enum SHDREvent {
    case availability(Bool)
    /// Nil where the source does not know.
    case power(Bool?)
    case execution(MTConnectExecution)
    /// Nil where the source does not know.
    case mode(MachineMode?)
    case counter(Int, UInt64?)
    case measure(Int, Quantity?)
    case condition(key: String, ConditionLevel, nativeCode: String, message: String)
}
