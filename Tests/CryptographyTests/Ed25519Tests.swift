import Codec
import Cryptography
import Foundation
import TestSupport
import Testing

@Suite struct Ed25519Tests {
    /// RFC 8032 §7.1, tests 1 to 3.
    @Test(arguments: [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
                + "d25bf5f0595bbe24655141438e7a100b"
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
                + "387b2eaeb4302aeeb00d291612bb0c00"
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
                + "4a7c15e9716ed28dc027beceea1ec40a"
        ),
    ])
    func signsAsRFC8032(seed: String, publicKey: String, message: String, signature: String) throws {
        let key = try Ed25519.SigningKey(seed: try #require(Hex.decode(seed)))
        let message = try #require(Hex.decode(message))
        #expect(key.publicKey.description == publicKey)
        #expect(Hex.encode(key.sign(message)) == signature)
        #expect(key.publicKey.verify(signature: key.sign(message), message: message))
    }

    @Test func refusesWrongLengths() throws {
        let key = Ed25519.SigningKey.generate()
        let signature = key.sign([1, 2, 3])
        for count in [0, 1, 31, 33, 64] {
            let bytes = [UInt8](repeating: 1, count: count)
            #expect(Ed25519.PublicKey(bytes) == nil)
            #expect(!Ed25519.verify(publicKey: bytes, signature: signature, message: [1, 2, 3]))
            #expect(throws: CryptographyError(.invalidKey)) { try Ed25519.SigningKey(seed: bytes) }
        }
        for count in [0, 1, 63] {
            #expect(!key.publicKey.verify(signature: Array(signature.prefix(count)), message: [1, 2, 3]))
        }
        #expect(!key.publicKey.verify(signature: signature + [0], message: [1, 2, 3]))
    }

    @Test func refusesEveryChangedBit() {
        let key = Ed25519.SigningKey.generate()
        let (message, signature): ([UInt8], [UInt8]) = ([9, 8, 7], key.sign([9, 8, 7]))
        for bit in 0..<signature.count * 8 {
            var changed = signature
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!key.publicKey.verify(signature: changed, message: message))
        }
    }

    @Test func theSeedGivesTheKeyAgain() throws {
        let key = Ed25519.SigningKey.generate()
        #expect(try Ed25519.SigningKey(seed: key.seed).publicKey == key.publicKey)
        #expect(Ed25519.SigningKey.generate().publicKey != key.publicKey)
    }

    @Test func publicKeysAreHexadecimalInJSON() throws {
        let key = Ed25519.SigningKey.generate().publicKey
        let json = try JSONEncoder().encode([key])
        #expect(String(decoding: json, as: UTF8.self) == "[\"\(key)\"]")
        #expect(try JSONDecoder().decode([Ed25519.PublicKey].self, from: json) == [key])
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([Ed25519.PublicKey].self, from: Data("[\"00\"]".utf8))
        }
    }

    @Test func publicKeysAreByteStringsInCBOR() throws {
        let key = Ed25519.SigningKey.generate().publicKey
        let encoded = try CBOR.encode(key)
        #expect(encoded == [0x58, 32] + key.bytes)
        #expect(try CBOR.decode(Ed25519.PublicKey.self, from: encoded) == key)
        #expect(throws: (any Error).self) { try CBOR.decode(Ed25519.PublicKey.self, from: [0x41, 0]) }
    }
}

/// The COSE working group's EdDSA examples.
@Suite(.enabled(if: SharedFiles.isPresent, "needs ../shared/vectors"))
struct COSEExampleTests {
    private struct Example: Decodable {
        struct Output: Decodable { let cbor: String }
        let output: Output
    }

    private func message(_ name: String) throws -> [UInt8] {
        let data = Data(try SharedFiles.bytes("vectors/cose/eddsa-examples/\(name).json"))
        return try #require(Hex.decode(try JSONDecoder().decode(Example.self, from: data).output.cbor))
    }

    private let publicKey = Hex.decode("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")

    @Test func verifiesSign1() throws {
        let publicKey = try #require(publicKey)
        let message = try COSESign1(decoding: try message("eddsa-sig-01"))
        let payload = try #require(message.payload)
        let signed = COSESign1.toBeSigned(protected: message.protected, payload: payload)
        #expect(Ed25519.verify(publicKey: publicKey, signature: message.signature, message: signed))
        #expect(!Ed25519.verify(publicKey: publicKey, signature: message.signature, message: payload))
    }

    /// The same signature scheme in a message of several signers (tag 98), which the ledger itself does not
    /// use.
    @Test func verifiesTheSignerOfASignMessage() throws {
        var reader = CBORReader(try message("eddsa-01"))
        #expect(try reader.tag() == 98)
        try reader.array(of: 4)
        let bodyProtected = try reader.byteString()
        _ = try reader.item()
        let payload = try reader.byteString()
        try reader.array(of: 1)
        try reader.array(of: 3)
        let signerProtected = try reader.byteString()
        _ = try reader.item()
        let signature = try reader.byteString()
        try reader.finish()

        var signed = CBORWriter()
        signed.array(5)
        signed.text("Signature")
        for part in [bodyProtected, signerProtected, [], payload] { signed.byteString(part) }
        #expect(
            Ed25519.verify(
                publicKey: try #require(publicKey), signature: signature, message: signed.bytes))
    }

    /// Ed448 shares `alg` -8 with Ed25519; its longer signatures and keys are refused by length.
    @Test func refusesEd448() throws {
        let message = try COSESign1(decoding: try message("eddsa-sig-02"))
        #expect(message.signature.count == 114)
        let signed = COSESign1.toBeSigned(protected: message.protected, payload: message.payload ?? [])
        #expect(
            !Ed25519.verify(
                publicKey: try #require(publicKey), signature: message.signature, message: signed))
    }
}
