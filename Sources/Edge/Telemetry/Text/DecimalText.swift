import Billing

/// Decimal numbers as text: integer arithmetic only.
enum DecimalText {
    enum Failure: Error { case malformed, tooLarge }

    /// The number in millionths; digits past the sixth decimal are rounded half away from zero.
    ///
    /// `[+-] digits [. digits] [e [+-] digits]`, with at least one digit before the exponent.
    static func quantity(_ field: Field, point: UInt8 = 0x2e) throws(Failure) -> Quantity {
        let number = try parse(field, point: point)
        let magnitude = try scaled(number, decimals: 6)
        guard let value = Int64(exactly: magnitude) else { throw .tooLarge }
        return Quantity(millionths: number.isNegative ? -value : value)
    }

    /// The number times `scale` where that is a whole number from 0 to 2⁶⁴ - 1; at most six decimals.
    static func count(_ field: Field, scale: UInt64 = 1, point: UInt8 = 0x2e) throws(Failure) -> UInt64 {
        let number = try parse(field, point: point)
        let whole = number.integerDigits
        if whole >= number.digits.count || number.digits[max(whole, 0)...].allSatisfy({ $0 == 0x30 }) {
            let (value, overflow) = try scaled(number, decimals: 0).multipliedReportingOverflow(by: scale)
            guard !overflow else { throw .tooLarge }
            guard !number.isNegative || value == 0 else { throw .malformed }
            return value
        }
        guard number.digits.dropFirst(max(whole + 6, 0)).allSatisfy({ $0 == 0x30 }) else { throw .malformed }
        let (high, low) = try scaled(number, decimals: 6).multipliedFullWidth(by: scale)
        guard high < 1_000_000 else { throw .tooLarge }
        let (value, rest) = UInt64(1_000_000).dividingFullWidth((high, low))
        guard rest == 0, !number.isNegative else { throw .malformed }
        return value
    }

    private struct Number {
        let isNegative: Bool
        /// Significant digits, point left out.
        let digits: [UInt8]
        /// How many of them stand before the point; may be negative or more than there are.
        let integerDigits: Int
    }

    private static func parse(_ field: Field, point: UInt8) throws(Failure) -> Number {
        var rest = field
        let isNegative = rest.first == 0x2d
        if rest.first == 0x2d || rest.first == 0x2b { rest = rest.dropFirst() }
        let integer = rest.prefix { (0x30...0x39).contains($0) }
        rest = rest.dropFirst(integer.count)
        var fraction: Field = []
        if rest.first == point {
            fraction = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
            rest = rest.dropFirst(fraction.count + 1)
        }
        guard integer.count + fraction.count > 0 else { throw .malformed }
        var exponent = 0
        if let mark = rest.first {
            guard mark == 0x65 || mark == 0x45 else { throw .malformed }
            exponent = try self.exponent(rest.dropFirst())
        }
        return Number(
            isNegative: isNegative, digits: Array(integer + fraction),
            integerDigits: integer.count + exponent)
    }

    private static func exponent(_ field: Field) throws(Failure) -> Int {
        let isNegative = field.first == 0x2d
        let digits = isNegative || field.first == 0x2b ? field.dropFirst() : field
        guard !digits.isEmpty else { throw .malformed }
        var value = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { throw .malformed }
            // Further than any line is long, all exponents mean the same: zero or too large.
            value = min(value * 10 + Int(digit - 0x30), 1_000_000)
        }
        return isNegative ? -value : value
    }

    private static func scaled(_ number: Number, decimals: Int) throws(Failure) -> UInt64 {
        let kept = number.integerDigits + decimals
        var value: UInt64 = 0
        for index in 0..<max(kept, 0) {
            if index >= number.digits.count && value == 0 { break }
            let digit = index < number.digits.count ? UInt64(number.digits[index] - 0x30) : 0
            let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tenfold.addingReportingOverflow(digit)
            guard !overflow, !carry else { throw .tooLarge }
            value = sum
        }
        guard kept >= 0, kept < number.digits.count, number.digits[kept] >= 0x35 else { return value }
        let (rounded, carry) = value.addingReportingOverflow(1)
        guard !carry else { throw .tooLarge }
        return rounded
    }
}
