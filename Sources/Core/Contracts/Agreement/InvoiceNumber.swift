import Ledger

/// An issuer's place in one series of invoice numbers.
///
/// Numbers are sequential in one or more series (Directive 2006/112/EC, article 226 (2)): the series, a
/// hyphen, and a number from 1 with at least four digits, such as `2026-0001`. Invoices and credit notes
/// share them.
package struct NumberSeriesRecord: Record {
    package struct ID: RecordKey, Hashable, Codable {
        package var issuer: MemberID
        package var series: String

        package init(issuer: MemberID, series: String) { (self.issuer, self.series) = (issuer, series) }

        package var keyBytes: [UInt8] { issuer.keyBytes + [0] + Array(series.utf8) }
    }

    package static let table = "numberSeries"

    package var id: ID
    /// The latest number; 0 where there is none.
    package var last: UInt64

    package init(id: ID, last: UInt64 = 0) { (self.id, self.last) = (id, last) }
}

/// An invoice number in its parts.
package struct InvoiceNumber: Hashable, Sendable, CustomStringConvertible {
    /// 1 to 16 of `A–Z a–z 0–9 - . /`.
    package let series: String
    /// From 1.
    package let number: UInt64

    package init(series: String, number: UInt64) { (self.series, self.number) = (series, number) }

    /// Nil for text of another form.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= 32, let hyphen = bytes.lastIndex(of: 0x2d), 1...16 ~= hyphen,
            bytes[..<hyphen].allSatisfy(InvoiceNumber.isSeries)
        else { return nil }
        var number: UInt64 = 0
        for byte in bytes[(hyphen + 1)...] {
            guard 0x30...0x39 ~= byte, number < 1_000_000_000_000 else { return nil }
            number = number * 10 + UInt64(byte - 0x30)
        }
        series = String(decoding: bytes[..<hyphen], as: UTF8.self)
        self.number = number
        // There is one way to write a number: this refuses missing and superfluous zeros.
        guard number > 0, Array(description.utf8) == bytes else { return nil }
    }

    private static func isSeries(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x2f: true
        default: false
        }
    }

    package var description: String {
        let digits = String(number)
        return series + "-" + String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    }

    /// Takes the number, where it is the next of its series.
    /// - Throws: `agreement.number_malformed`, `agreement.number_not_next`.
    static func take(_ text: String, of issuer: MemberID, in context: Context) throws(Rejection) {
        guard let number = InvoiceNumber(text) else {
            throw Rejection("agreement.number_malformed", "a number is a series, a hyphen and four digits")
        }
        let id = NumberSeriesRecord.ID(issuer: issuer, series: number.series)
        var record = try context.get(NumberSeriesRecord.self, id) ?? NumberSeriesRecord(id: id)
        let next = InvoiceNumber(series: number.series, number: record.last + 1)
        try context.require(
            number == next, else: "agreement.number_not_next", "the next number is \(next)")
        record.last = number.number
        try context.put(record)
    }
}
