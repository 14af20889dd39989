import Codec
import Foundation
import TestSupport
import Testing

/// RFC 8949, appendix A, as published by its authors.
@Suite struct CBORAppendixATests {
    /// What this codec refuses of it, and why.
    static func refusal(_ hex: String) -> CodecError.Code? {
        switch hex {
        case "c249010000000000000000", "c349010000000000000000": .unsupported  // bignums
        case "3bffffffffffffffff": .outOfRange  // -2⁶⁴
        case "f7", "f0", "f818", "f8ff": .unsupported  // undefined and other simple values
        case "c1fb41d452d9ec200000": .floatingPoint
        case _ where ["f9", "fa", "fb"].contains(hex.prefix(2)): .floatingPoint
        case _ where ["5f", "7f", "9f", "bf"].contains(hex.prefix(2)): .indefiniteLength
        case "83018202039f0405ff", "83019f0203ff820405", "826161bf61626163ff": .indefiniteLength
        default: nil
        }
    }

    @Test(.enabled(if: SharedFiles.isPresent, "needs ../shared"))
    func itemsPassUnchangedOrAreRefusedForTheirReason() throws {
        let json = Data(try SharedFiles.bytes("vectors/cbor/appendix_a.json"))
        let vectors = try #require(JSONSerialization.jsonObject(with: json) as? [[String: Any]])
        #expect(vectors.count == 82)
        for vector in vectors {
            let hex = try #require(vector["hex"] as? String)
            let bytes = try #require(Hex.decode(hex))
            var reader = CBORReader(bytes)
            let found = code { _ = try reader.item() }
            #expect(found == CBORAppendixATests.refusal(hex), "\(hex)")
            if found != nil {
                #expect(reader.offset == 0, "a refused item is not passed")
                continue
            }
            try reader.finish()
            var writer = CBORWriter()
            var second = CBORReader(bytes)
            try copyItem(&second, &writer)
            #expect(writer.bytes == bytes, "\(hex)")
        }
    }
}

/// Reads an item by its parts and writes it again.
private func copyItem(_ reader: inout CBORReader, _ writer: inout CBORWriter) throws {
    switch reader.majorType {
    case 0: writer.unsigned(try reader.unsigned())
    case 1: writer.integer(try reader.integer())
    case 2: writer.byteString(try reader.byteString())
    case 3: writer.text(try reader.text())
    case 4:
        let count = try reader.array()
        writer.array(count)
        for _ in 0..<count { try copyItem(&reader, &writer) }
    case 5:
        let count = try reader.map()
        writer.map(count)
        for _ in 0..<count * 2 { try copyItem(&reader, &writer) }
    case 6:
        writer.tag(try reader.tag())
        try copyItem(&reader, &writer)
    default:
        if reader.isNull {
            try reader.null()
            writer.null()
        } else {
            writer.bool(try reader.bool())
        }
    }
}

@Suite struct CBORReaderTests {
    private func refusal(_ hex: String) -> CodecError.Code? {
        code {
            var reader = CBORReader(Hex.decode(hex)!)
            _ = try reader.item()
            try reader.finish()
        }
    }

    static let refused: [(String, CodecError.Code)] = [
        ("1817", .nonMinimal), ("190017", .nonMinimal), ("1900ff", .nonMinimal),
        ("1a0000ffff", .nonMinimal), ("1b00000000ffffffff", .nonMinimal), ("3817", .nonMinimal),
        ("5817", .nonMinimal), ("1c", .unsupported), ("1f", .unsupported),
        ("dc", .unsupported), ("ff", .indefiniteLength), ("18", .truncated), ("1b00", .truncated),
        ("", .truncated),
        ("62c3", .truncated), ("62c328", .invalidText), ("61ff", .invalidText), ("62c080", .invalidText),
        ("63eda080", .invalidText), ("64f4908080", .invalidText), ("63e08080", .invalidText),
        ("64f08080af", .invalidText), ("61c3", .invalidText), ("0000", .trailingBytes),
        ("a2616101616102", .duplicateKey), ("a2616201616102", .keyOrder), ("a262616101616202", .keyOrder),
        ("a1", .truncated), ("c1", .truncated), ("c24101", .unsupported), ("f800", .unsupported),
        ("f6f6", .trailingBytes),
    ]

    @Test(arguments: refused)
    func refuses(_ hex: String, _ expected: CodecError.Code) { #expect(refusal(hex) == expected) }

    @Test func everyCharacterIsText() throws {
        for scalar: Unicode.Scalar in [
            "\0", "\u{7f}", "\u{80}", "\u{7ff}", "\u{800}", "\u{d7ff}", "\u{e000}", "\u{ffff}", "\u{10000}",
            "\u{10ffff}",
        ] {
            let text = "12345678" + String(Character(scalar)) + "x"
            var writer = CBORWriter()
            writer.text(text)
            var reader = CBORReader(writer.bytes)
            #expect(try reader.text() == text)
        }
    }

    @Test func headsAreShortest() {
        for value in [0, 23, 24, 0xff, 0x100, 0xffff, 0x10000, 0xffff_ffff, 0x1_0000_0000, UInt64.max] {
            var writer = CBORWriter()
            writer.unsigned(value)
            var reader = CBORReader(writer.bytes)
            #expect((try? reader.unsigned()) == value)
            #expect(reader.isAtEnd)
        }
    }

    /// What comes behind a part would complete each of these.
    @Test(
        arguments: [
            [0x19, 0x01], [0x42, 0x01], [0x62, 0x61], [0x82, 0x01], [0xa1, 0x01], [0xc1], [0x58], [],
        ] as [[UInt8]])
    func aReaderOfAPartReadsNothingBehindIt(part: [UInt8]) {
        let bytes = [0x01, 0x02] + part + [0x61, 0x61, 0x01, 0x02]
        let range = 2..<(2 + part.count)
        var reader = CBORReader(range, of: bytes)
        #expect(throws: CodecError.self) { try reader.item() }
        #expect(reader.offset == 2 && reader.isAtEnd == part.isEmpty)
        reader = CBORReader(range, of: bytes)
        #expect(throws: CodecError.self) {
            switch reader.majorType {
            case 0: _ = try reader.unsigned()
            case 2: _ = try reader.byteString()
            case 3: _ = try reader.text()
            default:
                _ = try reader.isArray ? reader.array() : reader.isMap ? reader.map() : Int(reader.tag())
                for _ in 0..<4 { _ = try reader.unsigned() }
            }
        }
        let whole = CBORReader(2..<bytes.count, of: bytes)
        #expect(whole.majorType == bytes[2] >> 5 && whole.offset == 2)
    }

    @Test func aReaderStaysBeforeWhatItRefuses() {
        var reader = CBORReader([0x61, 0x61])
        #expect(code { _ = try reader.unsigned() } == .unexpectedType)
        #expect(code { _ = try reader.byteString() } == .unexpectedType)
        #expect(code { _ = try reader.array(of: 1) } == .unexpectedType)
        #expect(code { _ = try reader.bool() } == .unexpectedType)
        #expect(code { try reader.null() } == .unexpectedType)
        #expect((try? reader.text()) == "a")
        #expect(code { _ = try reader.text() } == .truncated)
        #expect(CBORReader([0], at: 5).isAtEnd && CBORReader([0], at: -1).isAtEnd)
    }
}
