/// Writes XML 1.0 in UTF-8, indented, with every text escaped. It never reads any.
struct XMLWriter {
    private(set) var bytes: [UInt8]
    private var open: [String] = []

    init() { bytes = Array("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".utf8) }

    /// Whether XML 1.0 (§2.2, Char) allows a scalar.
    static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x9, 0xa, 0xd, 0x20...0xd7ff, 0xe000...0xfffd, 0x10000...0x10ffff: true
        default: false
        }
    }

    /// An element that holds what the body writes.
    /// - Throws: `billing.xml_character`.
    mutating func element(
        _ name: String, _ attributes: [(String, String)] = [],
        body: (inout XMLWriter) throws(BillingError) -> Void
    ) throws(BillingError) {
        try begin(name, attributes)
        bytes.append(0x0a)
        open.append(name)
        try body(&self)
        open.removeLast()
        indent()
        end(name)
    }

    /// An element that holds text.
    /// - Throws: `billing.xml_character`.
    mutating func element(
        _ name: String, _ attributes: [(String, String)] = [], text: String
    ) throws(BillingError) {
        try begin(name, attributes)
        try escape(text)
        end(name)
    }

    private mutating func begin(
        _ name: String, _ attributes: [(String, String)]
    ) throws(BillingError) {
        indent()
        bytes.append(0x3c)
        bytes += Array(name.utf8)
        for (key, value) in attributes {
            bytes += Array(" \(key)=\"".utf8)
            try escape(value)
            bytes.append(0x22)
        }
        bytes.append(0x3e)
    }

    private mutating func end(_ name: String) { bytes += Array("</\(name)>\n".utf8) }

    private mutating func indent() { bytes += Array(repeating: 0x20, count: 2 * open.count) }

    /// Line ends and tabs go as references, or a reader's normalisation would change them.
    private mutating func escape(_ text: String) throws(BillingError) {
        for scalar in text.unicodeScalars {
            guard XMLWriter.isAllowed(scalar) else {
                throw BillingError(.xmlCharacter, "U+\(String(scalar.value, radix: 16, uppercase: true))")
            }
            switch scalar {
            case "&": bytes += Array("&amp;".utf8)
            case "<": bytes += Array("&lt;".utf8)
            case ">": bytes += Array("&gt;".utf8)
            case "\"": bytes += Array("&quot;".utf8)
            case "\t", "\n", "\r": bytes += Array("&#\(scalar.value);".utf8)
            default: bytes += Array(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
    }
}
