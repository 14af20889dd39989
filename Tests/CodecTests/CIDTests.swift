import Codec
import Foundation
import TestSupport
import Testing

@Suite struct CIDTests {
    /// Of "hello world" (multiformats' own example), and of nothing.
    @Test(arguments: [
        ("hello world", "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"),
        ("", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
    ])
    func smallContentsAreRaw(_ content: String, _ text: String) throws {
        let cid = CID(codec: .raw, digest: referenceHash(Array(content.utf8)))
        #expect(cid.description == text)
        #expect(try CID(parsing: text) == cid)
        #expect(try CID(bytes: cid.bytes) == cid)
    }

    @Test(arguments: [
        "", "b", "Bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e",
        "bAFKREIFZJUT3TE2NHYEKKLSS27NH3K72YSCO7Y32KOAO5EEI66WOF36N5E",
        "zb2rhe5P4gXftAwvA4eXQ5HJwsER2owDyS9sKaQRRVQPn93bA",
        "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n",
        "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5f",
        "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5ea",
        "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e=",
        "bafkrgqbqt3gerhas23vuzrapkdeqf4vu2dwxp3srdj6hvg6nhsug2tgyn6mj3u23yx7utftq3i2ckw2fwdh5qmhid5qf3t35"
            + "yvkc5e5ottlw6",
    ])
    func refusesOtherTexts(_ text: String) { #expect(code { _ = try CID(parsing: text) } == .malformedCID) }

    @Test func refusesOtherBytes() {
        let bytes = CID(codec: .dagCBOR, digest: .zero).bytes
        for index in 0..<4 {
            var changed = bytes
            changed[index] ^= 2
            #expect(code { _ = try CID(bytes: changed) } == .malformedCID)
        }
        #expect(code { _ = try CID(bytes: bytes.dropLast()) } == .malformedCID)
        #expect(code { _ = try CID(bytes: bytes + [0]) } == .malformedCID)
    }

    @Test func isBytesInCBORAndTextInJSON() throws {
        let cids = [CID(codec: .dagPB, digest: .zero)]
        let bytes = try CBOR.encode(cids)
        #expect(Hex.encode(bytes.prefix(7)) == "81582401701220")
        #expect(try CBOR.decode([CID].self, from: bytes) == cids)
        let json = try JSONEncoder().encode(cids)
        #expect(String(decoding: json, as: UTF8.self) == "[\"\(cids[0])\"]")
        #expect(try JSONDecoder().decode([CID].self, from: json) == cids)
        #expect(refusal(CID.self, "4101") == .malformedCID)
    }

    @Test func digestsAndBytesAreHexadecimalInJSON() throws {
        let json = try JSONEncoder().encode([Bytes([1, 255])])
        #expect(String(decoding: json, as: UTF8.self) == "[\"01ff\"]")
        #expect(try JSONDecoder().decode([Bytes].self, from: json) == [Bytes([1, 255])])
        #expect(try JSONDecoder().decode([Digest].self, from: JSONEncoder().encode([Digest.zero])) == [.zero])
    }
}
