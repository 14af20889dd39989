import Codec
import TestSupport
import Testing

struct Nameplate: Codable, Equatable {
    var manufacturer: String
    var serial: String?
    var year: UInt16
    var digest: Digest
    var key: Bytes
}

enum State: String, Codable { case inService, stopped }

struct Register: Codable, Equatable {
    var machine: String
    var nameplate: Nameplate
    var documents: [Digest]
    var keys: [Bytes?]
    var readings: [Int64]
    var interval: Int
    var offset: Int8
    var isLeased: Bool
    var state: State
    var labels: [String: UInt64]
    var note: Bytes?
}

struct Nothing: Codable, Equatable {}

enum Action: Codable, Equatable {
    case register(Register)
    case move(site: String, line: Int?)
    case rename(String)
    case count(Int?)
    case stop
    case many([Action])
    case nothing(Nothing)
}

func sampleRegister() -> Register {
    let digest = Digest((0..<32).map { UInt8($0) })!
    return Register(
        machine: "urn:machine:press-7",
        nameplate: Nameplate(
            manufacturer: "Müller Pressen", serial: "0815", year: 2024, digest: digest, key: Bytes([1, 2, 3])),
        documents: [digest, .zero], keys: [Bytes([9]), nil, Bytes([])],
        readings: [0, -1, .min, .max, 24, 256, 70000],
        interval: 60000, offset: -128, isLeased: true, state: .inService,
        labels: ["b": 1, "a": 2, "länge": 3, "aa": .max], note: nil)
}

func hex(_ value: some Encodable) throws -> String { Hex.encode(try CBOR.encode(value)) }

func code(_ body: () throws -> Void) -> CodecError.Code? {
    do {
        try body()
        return nil
    } catch { return (error as? CodecError)?.code }
}

func refusal<T: Decodable>(_ type: T.Type, _ hex: String) -> CodecError.Code? {
    code { _ = try CBOR.decode(type, from: Hex.decode(hex)!) }
}

@Suite struct CBORCodableTests {
    @Test(arguments: [
        Action.register(sampleRegister()), .move(site: "Halle 3", line: nil), .move(site: "", line: 4),
        .rename("x"), .count(5), .count(nil), .stop, .many([.stop, .many([]), .count(nil)]),
        .nothing(Nothing()),
    ])
    func actionsComeBackAsTheyWere(_ action: Action) throws {
        let bytes = try CBOR.encode(action)
        let back = try CBOR.decode(Action.self, from: bytes)
        #expect(back == action)
        #expect(try CBOR.encode(back) == bytes)
        var reader = CBORReader(bytes)
        #expect(try Array(reader.item()) == bytes)
    }

    @Test func oneUnlabelledValueIsTransparent() throws {
        #expect(try hex(Action.rename("x")) == "a16672656e616d656178")
        #expect(try hex(Action.count(5)) == "a165636f756e7405")
        #expect(try hex(Action.count(nil)) == "a165636f756e74f6")
        #expect(try hex(Action.stop) == "a16473746f70a0")
        #expect(try hex(Action.nothing(Nothing())) == "a1676e6f7468696e67a0")
        #expect(try hex(Action.many([.stop])) == "a1646d616e7981a16473746f70a0")
        #expect(try hex(Action.move(site: "a", line: 1)) == "a1646d6f7665a2646c696e6501647369746561" + "61")
    }
}
