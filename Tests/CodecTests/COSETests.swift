import Codec
import Foundation
import TestSupport
import Testing

private func hexBytes(_ value: Any?) throws -> [UInt8] {
    let text = try #require(value as? String)
    return try #require(Hex.decode(text))
}

/// Of the COSE working group's examples, those for one signer.
@Suite(.enabled(if: SharedFiles.isPresent, "needs ../shared"))
struct COSEVectorTests {
    struct Vector {
        let message: [UInt8]
        let toBeSigned: [UInt8]
        let external: [UInt8]

        init(_ path: String) throws {
            let json = Data(try SharedFiles.bytes("vectors/cose/\(path)"))
            let root = try #require(JSONSerialization.jsonObject(with: json) as? [String: Any])
            let output = try #require(root["output"] as? [String: Any])
            let intermediates = try #require(root["intermediates"] as? [String: Any])
            let input = try #require(root["input"] as? [String: Any])
            let signer = try #require(input["sign0"] as? [String: Any])
            message = try hexBytes(output["cbor"])
            toBeSigned = try hexBytes(intermediates["ToBeSign_hex"])
            external = try hexBytes(signer["external"] ?? "")
        }
    }

    private func toBeSigned(_ message: COSESign1, _ external: [UInt8] = []) throws -> [UInt8] {
        COSESign1.toBeSigned(
            protected: message.protected, externalAAD: external, payload: try #require(message.payload))
    }

    @Test func anEd25519MessageIsWhatItsAuthorSigned() throws {
        let vector = try Vector("eddsa-examples/eddsa-sig-01.json")
        let message = try COSESign1(decoding: vector.message)
        #expect(message.encoded == vector.message)
        #expect(try toBeSigned(message) == vector.toBeSigned)
        let headers = try message.headers()
        #expect(headers.protected.algorithm == -8)
        #expect(headers.unprotected.keyID == Array("11".utf8))
        try message.checkEd25519(headers.protected)
    }

    @Test func ed448IsRefusedByName() throws {
        let vector = try Vector("eddsa-examples/eddsa-sig-02.json")
        let message = try COSESign1(decoding: vector.message)
        #expect(try toBeSigned(message) == vector.toBeSigned)
        let header = try message.headers().protected
        #expect(throws: CodecError(.unsupportedAlgorithm, "Ed448")) { try message.checkEd25519(header) }
    }

    @Test(arguments: ["eddsa-01", "eddsa-02"])
    func messagesOfSeveralSignersAreRefused(_ name: String) throws {
        let json = Data(try SharedFiles.bytes("vectors/cose/eddsa-examples/\(name).json"))
        let root = try #require(JSONSerialization.jsonObject(with: json) as? [String: Any])
        let output = try #require(root["output"] as? [String: Any])
        let bytes = try hexBytes(output["cbor"])
        #expect(code { _ = try COSESign1(decoding: bytes) } == .malformedCOSE)
    }

    /// The messages are ES256, which is refused by name; all before that stage must be right. The first has
    /// its algorithm in the unprotected header only, which counts as none.
    @Test(arguments: [("sign-pass-01", "none"), ("sign-pass-02", "ES256"), ("sign-pass-03", "ES256")])
    func passingMessagesParse(_ name: String, _ algorithm: String) throws {
        let vector = try Vector("sign1-tests/\(name).json")
        var bytes = vector.message
        if name == "sign-pass-03" {
            // An untagged message is right where the context tells; this ledger takes tagged ones only.
            #expect(code { _ = try COSESign1(decoding: bytes) } == .malformedCOSE)
            bytes.insert(0xd2, at: 0)
        }
        let message = try COSESign1(decoding: bytes)
        #expect(message.encoded == bytes)
        #expect(try toBeSigned(message, vector.external) == vector.toBeSigned)
        let header = try message.headers().protected
        let error = #expect(throws: CodecError.self) { try message.checkEd25519(header) }
        #expect(error?.code == .unsupportedAlgorithm)
        #expect(error?.detail == algorithm)
    }

    /// Each failing message ends at the stage given: its tag, its algorithm's name, or, because its
    /// Sig_structure is not what was signed, its signature. (fail-02 changes the payload, 06 and 07 the
    /// protected header. There is no 05.)
    @Test(arguments: [
        ("sign-fail-01", "tag"), ("sign-fail-02", "signature"), ("sign-fail-03", "-999"),
        ("sign-fail-04", "unknown"),
        ("sign-fail-06", "signature"), ("sign-fail-07", "signature"),
    ])
    func failingMessagesAreRefused(_ name: String, _ stage: String) throws {
        let vector = try Vector("sign1-tests/\(name).json")
        if stage == "tag" {
            #expect(code { _ = try COSESign1(decoding: vector.message) } == .malformedCOSE)
            return
        }
        let message = try COSESign1(decoding: vector.message)
        let header = try message.headers().protected
        #expect(try toBeSigned(message) != vector.toBeSigned)
        let error = #expect(throws: CodecError.self) { try header.checkEdDSA() }
        #expect(error?.detail == (stage == "signature" ? "ES256" : stage))
    }
}

@Suite struct COSEHeaderTests {
    private func parse(_ hex: String, _ understood: [COSELabel] = []) throws -> COSEHeader {
        try COSEHeader(protected: Hex.decode(hex)!, understanding: understood)
    }

    @Test func parametersAreSortedAndFound() throws {
        let bytes = try COSEHeader.encode([
            ("kind", [0x61, 0x78]), (395, [0x01]), (.keyID, [0x41, 0x07]), (-1, [0xf5]), (.algorithm, [0x27]),
        ])
        #expect(Hex.encode(bytes) == "a5012704410719018b01" + "20f5646b696e646178")
        let header = try COSEHeader(protected: bytes)
        #expect(header.algorithm == -8)
        #expect(header.keyID == [7])
        #expect(header.value(forLabel: 395) == [1])
        #expect(header.value(forLabel: "kind") == [0x61, 0x78])
        #expect(header.value(forLabel: -1) == [0xf5])
        #expect(header.value(forLabel: 5) == nil)
        #expect(header.labels == [1, 4, 395, -1, "kind"])
        try header.checkEdDSA()
        #expect(try COSEHeader.encode([]) == [])
        #expect(try COSEHeader(protected: []).labels.isEmpty)
    }

    @Test func theBuilderRefusesWhatTheParserWould() {
        #expect(code { _ = try COSEHeader.encode([(1, [0x27]), (1, [0x27])]) } == .duplicateKey)
        #expect(code { _ = try COSEHeader.encode([(1, [])]) } == .truncated)
        #expect(code { _ = try COSEHeader.encode([(1, [0x27, 0x27])]) } == .trailingBytes)
    }

    static let refused: [(String, CodecError.Code)] = [
        ("a2012702810a", .unsupportedCritical),  // a label nobody knows
        ("a1028101", .malformedCOSE),  // critical, and absent
        ("a201270280", .malformedCOSE),
        ("a201270201", .malformedCOSE),
        ("a201270127", .duplicateKey),
        ("a20441010127", .keyOrder),
        ("a1012700", .trailingBytes),
        ("a10140", .malformedCOSE),
        ("a10401", .malformedCOSE),
        ("a1f600", .unexpectedType),
        ("80", .unexpectedType),
        ("bf0127ff", .indefiniteLength),
    ]

    @Test(arguments: refused)
    func refuses(_ hex: String, _ expected: CodecError.Code) {
        #expect(code { _ = try parse(hex) } == expected)
    }

    @Test func criticalLabelsAreTakenWhereTheyAreUnderstood() throws {
        let header = try parse("a30127028163666f6f63666f6f01", ["foo"])
        #expect(header.critical == ["foo"])
        #expect(code { _ = try parse("a30127028163666f6f63666f6f01") } == .unsupportedCritical)
        _ = try parse("a2012702" + "8101")
        #expect(code { _ = try COSEHeader(unprotected: [0xa1, 0x02, 0x81, 0x01]) } == .malformedCOSE)
    }

    @Test func aLabelStandsInOneHeaderOnly() throws {
        let twice = COSESign1(
            protected: [0xa1, 0x01, 0x27], unprotected: [0xa1, 0x01, 0x26], payload: nil, signature: [])
        #expect(code { _ = try twice.headers() } == .malformedCOSE)
        #expect(try COSESign1(decoding: twice.encoded) == twice)
    }
}
