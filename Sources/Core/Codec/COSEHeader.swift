/// A label of a COSE header (RFC 9052 §1.5): an integer or a text.
package enum COSELabel: Equatable, Sendable {
    case integer(Int64)
    case text(String)

    /// The signature's algorithm.
    package static let algorithm = COSELabel.integer(1)
    /// The labels that a reader must understand.
    package static let critical = COSELabel.integer(2)
    package static let keyID = COSELabel.integer(4)

    init(reading reader: inout CBORReader) throws(CodecError) {
        self = reader.isText ? .text(try reader.text()) : .integer(try reader.integer())
    }

    var encoded: [UInt8] {
        var writer = CBORWriter()
        switch self {
        case .integer(let number): writer.integer(number)
        case .text(let text): writer.text(text)
        }
        return writer.bytes
    }

    /// Texts are equal as bytes.
    package static func == (left: COSELabel, right: COSELabel) -> Bool {
        switch (left, right) {
        case (.integer(let left), .integer(let right)): left == right
        case (.text(let left), .text(let right)): left.utf8.elementsEqual(right.utf8)
        default: false
        }
    }
}

extension COSELabel: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, CustomStringConvertible {
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(stringLiteral value: String) { self = .text(value) }

    package var description: String {
        switch self {
        case .integer(let number): "\(number)"
        case .text(let text): text
        }
    }
}

/// One bucket of header parameters (RFC 9052 §3), protected or not, with its values as encoded.
package struct COSEHeader: Sendable {
    private let bytes: [UInt8]
    private var entries: [(label: COSELabel, value: Range<Int>)] = []

    /// The signature's algorithm where it is an integer.
    package private(set) var algorithm: Int64?
    package private(set) var keyID: [UInt8]?
    /// The labels that the sender insists on, which `init` has found understood.
    package private(set) var critical: [COSELabel] = []

    /// Parses a protected header: a map, or nothing.
    /// - Parameter understood: what the caller knows besides the algorithm and the key's identifier.
    /// - Throws: `cbor.*`; `cose.unsupported_critical` for a critical label that is not understood;
    ///   `cose.malformed` for one that is not in the header, or a parameter of the wrong type.
    package init(protected bytes: [UInt8], understanding understood: [COSELabel] = []) throws(CodecError) {
        self.bytes = bytes
        try parse()
        guard let range = range(of: .critical) else { return }
        var reader = CBORReader(bytes, at: range.lowerBound)
        guard reader.isArray else {
            throw CodecError(.malformedCOSE, at: range.lowerBound, "critical labels")
        }
        let count = try reader.array()
        guard count > 0 else { throw CodecError(.malformedCOSE, at: range.lowerBound, "no critical labels") }
        for _ in 0..<count {
            let offset = reader.offset
            let label = try COSELabel(reading: &reader)
            guard label == .algorithm || label == .keyID || understood.contains(label) else {
                throw CodecError(.unsupportedCritical, at: offset, "\(label)")
            }
            guard self.range(of: label) != nil else {
                throw CodecError(.malformedCOSE, at: offset, "critical label \(label) is absent")
            }
            critical.append(label)
        }
    }

    /// Parses an unprotected header: a map.
    /// - Throws: `cbor.*`; `cose.malformed` for critical labels, which only a protected header may hold.
    package init(unprotected bytes: [UInt8]) throws(CodecError) {
        self.bytes = bytes
        guard !bytes.isEmpty else { throw CodecError(.truncated) }
        try parse()
        guard range(of: .critical) == nil else {
            throw CodecError(.malformedCOSE, "critical labels unprotected")
        }
    }

    private mutating func parse() throws(CodecError) {
        if bytes.isEmpty { return }
        var reader = CBORReader(bytes)
        let count = try reader.map()
        var previous: Range<Int>?
        for _ in 0..<count {
            let start = reader.offset
            let label = try COSELabel(reading: &reader)
            let key = start..<reader.offset
            if let previous { try CBORReader.checkOrder(bytes[previous], bytes[key], at: start) }
            previous = key
            try note(label, reader)
            let value = try reader.item()
            entries.append((label, value.startIndex..<value.endIndex))
        }
        try reader.finish()
    }

    /// Reads what this type has properties for, with a copy of the reader.
    private mutating func note(_ label: COSELabel, _ reader: CBORReader) throws(CodecError) {
        var reader = reader
        switch label {
        case .algorithm:
            guard reader.isInteger || reader.isText else {
                throw CodecError(.malformedCOSE, at: reader.offset, "algorithm")
            }
            if reader.isInteger { algorithm = try reader.integer() }
        case .keyID:
            guard reader.isByteString else {
                throw CodecError(.malformedCOSE, at: reader.offset, "key identifier")
            }
            keyID = try reader.byteString()
        default: return
        }
    }

    package var labels: [COSELabel] { entries.map(\.label) }

    private func range(of label: COSELabel) -> Range<Int>? {
        entries.first { $0.label == label }?.value
    }

    /// The encoded value, or nil where the label is absent.
    package func value(forLabel label: COSELabel) -> [UInt8]? { range(of: label).map { Array(bytes[$0]) } }

    /// - Throws: `cose.unsupported_algorithm`, naming it, unless the algorithm is EdDSA (-8, RFC 9053 §2.2).
    package func checkEdDSA() throws(CodecError) {
        if algorithm == -8 { return }
        let offset = range(of: .algorithm)?.lowerBound ?? 0
        throw CodecError(.unsupportedAlgorithm, at: offset, try algorithmName())
    }

    /// The algorithm as IANA's "COSE Algorithms" names it, for signatures; else its number or text.
    private func algorithmName() throws(CodecError) -> String {
        guard let algorithm else {
            guard let range = range(of: .algorithm) else { return "none" }
            var reader = CBORReader(bytes, at: range.lowerBound)
            return try reader.text()
        }
        return switch algorithm {
        case -7: "ES256"
        case -9: "ESP256"
        case -19: "Ed25519"
        case -35: "ES384"
        case -36: "ES512"
        case -37: "PS256"
        case -38: "PS384"
        case -39: "PS512"
        case -47: "ES256K"
        case -53: "Ed448"
        case -257: "RS256"
        default: "\(algorithm)"
        }
    }

    /// A header of encoded values, in the order that deterministic encoding asks for; no parameters, no
    /// bytes.
    /// - Throws: `cbor.duplicate_key`; `cbor.*` for a value that is not exactly one item.
    package static func encode(_ parameters: [(label: COSELabel, value: [UInt8])]) throws(CodecError)
        -> [UInt8]
    {
        if parameters.isEmpty { return [] }
        let pairs = parameters.map { (key: $0.label.encoded, value: $0.value) }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
        var writer = CBORWriter()
        writer.map(pairs.count)
        for (index, pair) in pairs.enumerated() {
            if index > 0 {
                try CBORReader.checkOrder(pairs[index - 1].key[...], pair.key[...], at: writer.bytes.count)
            }
            var reader = CBORReader(pair.value)
            _ = try reader.item()
            try reader.finish()
            writer.raw(pair.key)
            writer.raw(pair.value)
        }
        return writer.bytes
    }
}
