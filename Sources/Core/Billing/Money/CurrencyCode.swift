/// An ISO 4217 currency: three capital letters, and how many decimals its minor unit has.
package struct CurrencyCode: RawRepresentable, Hashable, Codable, Sendable, CustomStringConvertible {
    package let rawValue: String

    /// Nil for a code that the table does not hold: an unknown exponent would misplace the decimal
    /// point.
    package init?(rawValue: String) {
        // Swift's `==`, by which a text is looked up, takes a Kelvin sign for a K.
        guard rawValue.utf8.count == 3, CurrencyCode.digits(of: rawValue) != nil else { return nil }
        self.rawValue = rawValue
    }

    private init(known: String) { rawValue = known }

    package static let euro = CurrencyCode(known: "EUR")

    package var description: String { rawValue }

    /// The number of decimals of the minor unit (ISO 4217), 0 to 4.
    package var minorDigits: Int { CurrencyCode.digits(of: rawValue) ?? 2 }

    private static func digits(of code: String) -> Int? {
        switch code {
        case "AED", "ALL", "AMD", "ARS", "AUD", "AZN", "BAM", "BGN", "BOB", "BRL", "BYN", "CAD", "CHF",
            "CNY", "COP", "CRC", "CZK", "DKK", "DOP", "DZD", "EGP", "EUR", "GBP", "GEL", "GHS", "GTQ",
            "HKD", "HNL", "HUF", "IDR", "ILS", "INR", "JMD", "KES", "KZT", "LKR", "MAD", "MDL", "MKD",
            "MXN", "MYR", "NGN", "NOK", "NZD", "PAB", "PEN", "PHP", "PKR", "PLN", "QAR", "RON", "RSD",
            "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "TZS", "UAH", "USD", "UYU", "UZS", "ZAR":
            2
        case "CLP", "ISK", "JPY", "KRW", "PYG", "RWF", "UGX", "VND", "XAF", "XOF", "XPF": 0
        case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND": 3
        case "CLF": 4
        default: nil
        }
    }
}
