import Codec
import Ledger

/// Bounds on what comes from outside. The codes begin with the contract's name.
extension Context {
    /// `<contract>.<reason>`: this contract's own code for a reason.
    package func code(_ reason: String) -> String { "\(contract).\(reason)" }

    /// A single line of text: its UTF-8 length is in the range, and it holds no control characters.
    /// - Throws: `<contract>.text_too_long`, `.text_too_short`, `.text_invalid`.
    package func requireText(
        _ text: String, _ field: String, bytes range: ClosedRange<Int>
    ) throws(Rejection) {
        try requireLength(text, field, range)
        let isClean = text.unicodeScalars.allSatisfy { !Context.isControl($0) }
        try require(isClean, else: code("text_invalid"), "\(field) holds a control character")
    }

    /// Text of several lines: as `requireText`, with line feeds and tabs.
    /// - Throws: `<contract>.text_too_long`, `.text_too_short`, `.text_invalid`.
    package func requireProse(
        _ text: String, _ field: String, bytes range: ClosedRange<Int>
    ) throws(Rejection) {
        try requireLength(text, field, range)
        let isClean = text.unicodeScalars.allSatisfy {
            !Context.isControl($0) || $0.value == 0x0a || $0.value == 0x09
        }
        try require(isClean, else: code("text_invalid"), "\(field) holds a control character")
    }

    private func requireLength(_ text: String, _ field: String, _ range: ClosedRange<Int>) throws(Rejection) {
        let count = text.utf8.count
        try require(
            count <= range.upperBound, else: code("text_too_long"),
            "\(field) is longer than \(range.upperBound) bytes")
        try require(
            count >= range.lowerBound, else: code("text_too_short"),
            "\(field) is shorter than \(range.lowerBound) bytes")
    }

    /// C0, C1, DEL, and the two noncharacters that XML 1.0 has no form for: invoices must be able to carry
    /// it.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f...0x9f, 0xfffe, 0xffff: true
        default: false
        }
    }

    /// - Throws: `<contract>.list_too_long`, `.list_too_short`.
    package func requireList(
        _ list: some Collection, _ field: String, count range: ClosedRange<Int>
    ) throws(Rejection) {
        try require(
            list.count <= range.upperBound, else: code("list_too_long"),
            "\(field) has more than \(range.upperBound) entries")
        try require(
            list.count >= range.lowerBound, else: code("list_too_short"),
            "\(field) has fewer than \(range.lowerBound) entries")
    }

    /// - Throws: `<contract>.number_out_of_range`.
    package func requireNumber<N: BinaryInteger & SendableMetatype>(
        _ number: N, _ field: String, in range: ClosedRange<N>
    ) throws(Rejection) {
        try require(
            range.contains(number), else: code("number_out_of_range"),
            "\(field) is not within \(range.lowerBound)...\(range.upperBound)")
    }

    /// A content identifier's outer form: multibase base32 in lower case (`b…`), 16 to 128 characters.
    /// Whether it names the right ciphertext is for whoever fetches it.
    /// - Throws: `<contract>.cid_malformed`.
    package func requireCID(_ cid: String) throws(Rejection) {
        let bytes = Array(cid.utf8)
        let isBase32 = bytes.allSatisfy { (0x61...0x7a).contains($0) || (0x32...0x37).contains($0) }
        try require(
            (16...128).contains(bytes.count) && bytes.first == 0x62 && isBase32, else: code("cid_malformed"),
            "a content identifier is a CIDv1 in base32")
    }

    /// An ISO 3166-1 alpha-2 country code's form: two upper-case letters.
    /// - Throws: `<contract>.country_invalid`.
    package func requireCountry(_ country: String) throws(Rejection) {
        try require(
            country.utf8.count == 2 && country.utf8.allSatisfy { (0x41...0x5a).contains($0) },
            else: code("country_invalid"), "a country is two upper-case letters (ISO 3166-1)")
    }

    /// At most 32 documents, each within its bounds.
    /// - Throws: `<contract>.list_too_long`, and those of `requireDocument`.
    package func requireDocuments(_ documents: [DocumentReference]) throws(Rejection) {
        try requireList(documents, "documents", count: 0...32)
        for document in documents { try requireDocument(document) }
    }

    /// A reference's bounds.
    /// - Throws: `<contract>.cid_malformed`, `.number_out_of_range`, `.text_*`.
    package func requireDocument(_ document: DocumentReference) throws(Rejection) {
        try requireCID(document.cid)
        try requireNumber(document.size, "size", in: 0...(1 << 40))
        try requireText(document.mediaType, "mediaType", bytes: 3...127)
        try requireText(document.name, "name", bytes: 1...200)
    }
}
