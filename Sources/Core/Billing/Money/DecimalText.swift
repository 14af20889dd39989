/// Fixed-point integers as decimal text.
enum DecimalText {
    /// `value / 10^digits` with a point; fraction digits beyond `atLeast` are dropped where they are
    /// zero.
    ///
    /// `digits` is at most 18. Negative values carry a minus sign (U+002D).
    static func write(_ value: Int64, digits: Int, atLeast: Int) -> String {
        var text = Array(String(value.magnitude).utf8)
        while text.count <= digits { text.insert(0x30, at: 0) }
        let whole = text[..<(text.count - digits)]
        var fraction = text[(text.count - digits)...]
        while fraction.count > atLeast, fraction.last == 0x30 { fraction.removeLast() }
        let sign = value < 0 ? "-" : ""
        let head = sign + String(decoding: whole, as: UTF8.self)
        return fraction.isEmpty ? head : head + "." + String(decoding: fraction, as: UTF8.self)
    }

    /// A number of a fixed width with leading zeros.
    static func padded(_ value: Int, width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}
