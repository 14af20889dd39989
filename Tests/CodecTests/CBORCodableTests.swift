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
            manufacturer: "Müller", serial: "0815", year: 2024, digest: digest, key: Bytes([1, 2, 3])),
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

    @Test func keysAreSortedByTheirEncodings() throws {
        #expect(try hex(["b": 1, "aa": 2, "a": 3, "": 0]) == "a46000616103616201626161" + "02")
        let many = Dictionary(uniqueKeysWithValues: (0..<300).map { ("key\($0)", $0) })
        let bytes = try CBOR.encode(many)
        #expect(try CBOR.decode([String: Int].self, from: bytes) == many)
        var reader = CBORReader(bytes)
        #expect(try Array(reader.item()) == bytes)
    }

    @Test func longArraysHaveLongHeads() throws {
        for count in [0, 1, 23, 24, 255, 256, 65535, 65536] {
            let values = [UInt32](repeating: 7, count: count)
            let bytes = try CBOR.encode(values)
            var reader = CBORReader(bytes)
            #expect(try reader.array() == count)
            #expect(try CBOR.decode([UInt32].self, from: bytes) == values)
        }
    }

    @Test func digestsAndBytesAreByteStringsWhereverTheyStand() throws {
        #expect(try hex(Bytes([1, 2])) == "420102")
        #expect(try hex([Bytes([1]), Bytes([])]) == "82410140")
        #expect(try hex([Bytes([1]), nil] as [Bytes?]) == "824101f6")
        #expect(try hex(["a": Digest.zero]) == "a161615820" + String(repeating: "00", count: 32))
        #expect(refusal(Digest.self, "4101") == .invalidValue)
        #expect(refusal(Bytes.self, "6101") == .unexpectedType)
        #expect(code { _ = try CBOR.encode([1, 2] as [UInt8]) } == .unsupported)
        #expect(refusal([UInt8].self, "820102") == .unsupported)
    }

    @Test func integersKeepTheirRange() throws {
        #expect(try hex(UInt64.max) == "1bffffffffffffffff")
        #expect(try hex(Int64.min) == "3b7fffffffffffffff")
        #expect(try CBOR.decode(Int64.self, from: CBOR.encode(Int64.min)) == .min)
        #expect(refusal(Int64.self, "1b8000000000000000") == .outOfRange)
        #expect(refusal(Int64.self, "3b8000000000000000") == .outOfRange)
        #expect(refusal(UInt64.self, "20") == .outOfRange)
        #expect(refusal(Int8.self, "1880") == .outOfRange)
        #expect(refusal(UInt8.self, "190100") == .outOfRange)
        #expect(refusal(Int.self, "f5") == .unexpectedType)
        #expect(refusal(Int128.self, "00") == .unsupported || refusal(Int128.self, "00") == .invalidValue)
    }

    @Test func refusesFloatingPoint() {
        struct Price: Codable { var price: Double? }
        #expect(code { _ = try CBOR.encode(1.5) } == .floatingPoint)
        #expect(code { _ = try CBOR.encode(Price(price: 1)) } == .floatingPoint)
        #expect(code { _ = try CBOR.encode([Float(1)]) } == .floatingPoint)
        #expect(refusal(Price.self, "a165707269636501") == .floatingPoint)
        #expect(refusal(Double.self, "fb3ff199999999999a") == .floatingPoint)
    }

    @Test func refusesWhatHasNoOrder() {
        #expect(code { _ = try CBOR.encode(Set([1, 2])) } == .unsupported)
        #expect(code { _ = try CBOR.encode([Digest.zero: 1]) } == .unsupported)
        #expect(code { _ = try CBOR.encode(["a": [Set([1])]]) } == .unsupported)
        #expect(refusal(Set<Int>.self, "820102") == .unsupported)
        #expect(refusal([Digest: Int].self, "80") == .unsupported)
    }

    @Test func refusesKeysThatOneDictionaryCannotHold() throws {
        // "é" composed and decomposed: two keys as bytes, one to a dictionary.
        #expect(refusal([String: Int].self, "a262c3a90163" + "65cc81" + "02") == .duplicateKey)
        #expect(try CBOR.decode([Int: Int].self, from: CBOR.encode([5: 6, -7: 8])) == [5: 6, -7: 8])
        #expect(refusal([Int: Int].self, "a162303501") == .invalidValue)
        #expect(try CBOR.decode([String: Int].self, from: Hex.decode("a162303501")!) == ["05": 1])
    }

    @Test func comparesKeysAsBytes() throws {
        struct Accents: Codable, Equatable {
            var composed: Int
            var decomposed: Int
            enum CodingKeys: String, CodingKey {
                case composed = "\u{e9}"
                case decomposed = "e\u{301}"
            }
        }
        let both = Accents(composed: 1, decomposed: 2)
        #expect(try hex(both) == "a262c3a9016365cc8102")
        #expect(try CBOR.decode(Accents.self, from: CBOR.encode(both)) == both)
    }

    @Test func keysAreNeitherMissingNorUnknown() throws {
        struct Point: Codable {
            var x: Int
            var y: Int?
        }
        _ = try CBOR.decode(Point.self, from: Hex.decode("a1617801")!)
        #expect(refusal(Point.self, "a0") == .missingKey)
        #expect(refusal(Point.self, "a2617801617a02") == .unknownKey)
        #expect(refusal(Point.self, "a2617801617ba1617a02") == .unknownKey)
        #expect(refusal([Point].self, "82a1617801a2617801617a02") == .unknownKey)
        #expect(refusal(Nothing.self, "a1617801") == .unknownKey)
        #expect(refusal(Point.self, "a2617801" + "6179f6") == .unexpectedType, "nil is absent, not null")
        #expect(refusal(Point.self, "a2617801617801") == .duplicateKey)
        #expect(refusal(Point.self, "a2617901617801") == .keyOrder)
        #expect(refusal(Point.self, "a1617801" + "00") == .trailingBytes)
        #expect(refusal(Point.self, "a10001") == .unexpectedType)
        do {
            _ = try CBOR.decode(Point.self, from: Hex.decode("a2617801617a02")!)
        } catch { #expect(error == CodecError(.unknownKey, at: 4, "z")) }
        do {
            _ = try CBOR.decode([Point].self, from: Hex.decode("81a0")!)
        } catch { #expect(error == CodecError(.missingKey, at: 1, "x")) }
    }

    @Test func refusesItemsThatNobodyReads() {
        struct First: Decodable {
            init(from decoder: any Decoder) throws {
                var items = try decoder.unkeyedContainer()
                _ = try items.decode(Int.self)
            }
        }
        struct Fewer: Decodable {
            init(from decoder: any Decoder) throws {
                var items = try decoder.unkeyedContainer()
                while true { _ = try items.decode(Int.self) }
            }
        }
        struct Ignored: Decodable { init(from decoder: any Decoder) throws {} }
        #expect(refusal(First.self, "8101") == nil)
        #expect(refusal(First.self, "820102") == .invalidValue)
        #expect(refusal(Fewer.self, "820102") == .invalidValue)
        #expect(refusal(Ignored.self, "01") == .unexpectedType)
        #expect(refusal([Ignored].self, "8101") == .invalidValue)
        #expect(refusal([String: Ignored].self, "a1616101") == .unexpectedType)
    }

    @Test func aTypesOwnRefusalIsAnInvalidValueWithItsReason() throws {
        struct Even: Decodable {
            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                guard try container.decode(Int.self).isMultiple(of: 2) else {
                    throw DecodingError.dataCorruptedError(in: container, debugDescription: "odd")
                }
            }
        }
        do {
            _ = try CBOR.decode([Even].self, from: Hex.decode("820203")!)
            Issue.record("3 is not even")
        } catch { #expect(error == CodecError(.invalidValue, at: 2, "odd")) }
        #expect(refusal(State.self, "6161") == .invalidValue)
        #expect(refusal(Action.self, "a161" + "61a0") == .invalidValue)
        #expect(refusal(Action.self, "a0") == .invalidValue)
    }

    @Test func casesAreReadAsTheyAreWritten() {
        #expect(refusal(Action.self, "a16473746f7001") != nil, "stop has no value")
        #expect(refusal(Action.self, "a16473746f70a1616101") == .unknownKey)
        #expect(refusal(Action.self, "a165636f756e74a0") == .unexpectedType)
        #expect(refusal(Action.self, "a1646d6f7665f6") == .unexpectedType)
        #expect(refusal(Action.self, "a16672656e616d65a1625f306178") == .unexpectedType)
        #expect(refusal(Action.self, "a26473746f70a06672656e616d656178") == .invalidValue)
    }

    @Test func refusesSeveralUnlabelledValues() {
        enum Pair: Codable {
            case two(Int, Int)
            case mixed(Int, label: Int)
            case reversed(label: Int, Int?)
        }
        #expect(code { _ = try CBOR.encode(Pair.two(1, 2)) } == .unsupported)
        #expect(code { _ = try CBOR.encode(Pair.mixed(1, label: 2)) } == .unsupported)
        #expect(refusal(Pair.self, "a16374776fa2625f3001625f3102") != nil)
    }

    @Test func depthIsTheSameForReadingAndWriting() throws {
        var nested = Action.many([])
        for _ in 0..<40 {
            let bytes = try? CBOR.encode(nested)
            if let bytes {
                #expect(try CBOR.decode(Action.self, from: bytes) == nested)
                nested = .many([nested])
            }
        }
        #expect(code { _ = try CBOR.encode(nested) } == .tooDeep)
        let deepest = [UInt8](repeating: 0x81, count: 31) + [0x80]
        var reader = CBORReader(deepest)
        #expect(try reader.item().count == 32)
    }

    @Test func noLengthIsBelieved() {
        for hex in ["9bffffffffffffffff", "bbffffffffffffffff", "5bffffffffffffffff", "7bffffffffffffffff"] {
            #expect(refusal([Int].self, hex) == .truncated)
        }
        #expect(refusal([Int].self, "9a7fffffff" + String(repeating: "00", count: 64)) == .truncated)
        #expect(refusal([Int].self, "") == .truncated)
        for byte: UInt8 in [0x81, 0xa1, 0xc1, 0x9f] {
            let bomb = [UInt8](repeating: byte, count: 100_000)
            #expect(code { _ = try CBOR.decode(Action.self, from: bomb) } != nil)
        }
        #expect(
            code { _ = try CBOR.decode([Int].self, from: [UInt8](repeating: 0x81, count: 40)) } == .tooDeep)
    }

    /// Every flip of a bit fails, or is another value's only encoding.
    @Test func noOtherBytesMeanTheSame() throws {
        for action in [
            Action.register(sampleRegister()), .move(site: "Halle", line: 70000),
            .many([.stop, .count(nil)]),
        ] {
            let bytes = try CBOR.encode(action)
            for bit in 0..<bytes.count * 8 {
                var flipped = bytes
                flipped[bit / 8] ^= 1 << UInt8(bit % 8)
                guard let value = try? CBOR.decode(Action.self, from: flipped) else { continue }
                #expect(try CBOR.encode(value) == flipped)
            }
            for count in 0..<bytes.count {
                #expect(code { _ = try CBOR.decode(Action.self, from: Array(bytes.prefix(count))) } != nil)
            }
        }
    }
}

/// Classes and hand-written containers.
@Suite struct CBORContainerTests {
    class Asset: Codable {
        var name = "press"
        init() {}
    }

    final class Leased: Asset {
        var months = 12
        enum CodingKeys: CodingKey { case months, note }

        override init() { super.init() }

        required init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            months = try container.decode(Int.self, forKey: .months)
            #expect(try container.decodeNil(forKey: .note))
            #expect(container.contains(.note))
            #expect(container.allKeys.map(\.stringValue) == ["note", "months"])
            try super.init(from: container.superDecoder())
        }

        override func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try super.encode(to: container.superEncoder())
            try container.encode(months, forKey: .months)
            try container.encodeNil(forKey: .note)
        }
    }

    @Test func classesKeepTheirSuperclassUnderSuper() throws {
        let bytes = try CBOR.encode(Leased())
        #expect(Hex.encode(bytes) == "a3646e6f7465f6657375706572a1646e616d65657072657373666d6f6e7468730c")
        #expect(try CBOR.encode(CBOR.decode(Leased.self, from: bytes)) == bytes)
    }

    @Test func oneEncoderFillsOneMap() throws {
        struct Two: Encodable {
            enum A: CodingKey { case b }
            enum B: CodingKey { case a }
            func encode(to encoder: any Encoder) throws {
                var first = encoder.container(keyedBy: A.self)
                try first.encode(1, forKey: .b)
                var second = encoder.container(keyedBy: B.self)
                try second.encode(2, forKey: .a)
                try first.encode(3, forKey: .b)
            }
        }
        #expect(code { _ = try CBOR.encode(Two()) } == .duplicateKey)
    }

    struct Nested: Codable {
        enum Keys: CodingKey { case list, map, unused }

        init() {}

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            var list = container.nestedUnkeyedContainer(forKey: .list)
            try list.encode(1)
            var inner = list.nestedUnkeyedContainer()
            try inner.encode("a")
            #expect(inner.count == 1)
            var innerMap = list.nestedContainer(keyedBy: Keys.self)
            try innerMap.encode(true, forKey: .map)
            try list.encodeNil()
            #expect(list.count == 4)
            var map = container.nestedContainer(keyedBy: Keys.self, forKey: .map)
            try map.encode(2, forKey: .list)
            _ = container.superEncoder(forKey: .unused)
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Keys.self)
            var list = try container.nestedUnkeyedContainer(forKey: .list)
            #expect(list.count == 4)
            #expect(try list.decode(Int.self) == 1)
            var inner = try list.nestedUnkeyedContainer()
            #expect(try inner.decode(String.self) == "a")
            #expect(inner.isAtEnd)
            let innerMap = try list.nestedContainer(keyedBy: Keys.self)
            #expect(try innerMap.decode(Bool.self, forKey: .map))
            #expect(list.currentIndex == 3)
            #expect(try list.decodeNil())
            let map = try container.nestedContainer(keyedBy: Keys.self, forKey: .map)
            #expect(try map.decode(Int.self, forKey: .list) == 2)
            _ = try container.superDecoder(forKey: .unused).container(keyedBy: Keys.self)
        }
    }

    @Test func nestedContainersComeBack() throws {
        let bytes = try CBOR.encode(Nested())
        #expect(
            Hex.encode(bytes) == "a3636d6170a1646c69737402646c697374840181"
                + "6161a1636d6170f5f666756e75736564a0")
        #expect(try CBOR.encode(CBOR.decode(Nested.self, from: bytes)) == bytes)
    }

    @Test func refusesToWriteToANestedContainerAfterItsParent() {
        struct Late: Encodable {
            enum Keys: CodingKey { case a, b }
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: Keys.self)
                var nested = container.nestedUnkeyedContainer(forKey: .a)
                try container.encode(1, forKey: .b)
                try nested.encode(2)
            }
        }
        #expect(code { _ = try CBOR.encode(Late()) } == .unsupported)
    }

    @Test func aSwallowedFailureStillFails() {
        struct Swallows: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: Nested.Keys.self)
                try? container.encode(1.5, forKey: .map)
            }
        }
        #expect(code { _ = try CBOR.encode(Swallows()) } == .floatingPoint)
    }

    @Test func refusesTwoValuesInOnePlace() {
        struct Twice: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.singleValueContainer()
                try container.encode(1)
                try container.encode(2)
            }
        }
        struct Mixed: Encodable {
            func encode(to encoder: any Encoder) throws {
                _ = encoder.container(keyedBy: Nested.Keys.self)
                _ = encoder.unkeyedContainer()
            }
        }
        #expect(code { _ = try CBOR.encode(Twice()) } == .unsupported)
        #expect(code { _ = try CBOR.encode(Mixed()) } == .unsupported)
    }

    @Test func endlessNestingIsRefusedNotFollowed() {
        struct Map: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: Nested.Keys.self)
                for _ in 0..<100 {
                    container = container.nestedContainer(keyedBy: Nested.Keys.self, forKey: .map)
                }
            }
        }
        #expect(code { _ = try CBOR.encode(Map()) } == .tooDeep)
    }
}
