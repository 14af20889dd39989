import Codec
import TestSupport

/// One CBOR item as a tree, so that changes keep its form and reach what is behind the decoder.
indirect enum Item: Sendable {
    case unsigned(UInt64)
    case negative(Int64)
    case bytes([UInt8])
    case text(String)
    case array([Item])
    case map([(key: Item, value: Item)])
    /// Anything else, as encoded.
    case other([UInt8])

    init(_ bytes: [UInt8]) throws(CodecError) {
        var reader = CBORReader(bytes)
        self = try Item.read(&reader)
        try reader.finish()
    }

    private static func read(_ reader: inout CBORReader) throws(CodecError) -> Item {
        switch reader.majorType {
        case 0: return .unsigned(try reader.unsigned())
        case 1: return .negative(try reader.integer())
        case 2: return .bytes(try reader.byteString())
        case 3: return .text(try reader.text())
        case 4:
            var items: [Item] = []
            for _ in 0..<(try reader.array()) { items.append(try read(&reader)) }
            return .array(items)
        case 5:
            var pairs: [(key: Item, value: Item)] = []
            for _ in 0..<(try reader.map()) { pairs.append((try read(&reader), try read(&reader))) }
            return .map(pairs)
        default: return .other(Array(try reader.item()))
        }
    }

    var encoded: [UInt8] {
        var writer = CBORWriter()
        write(to: &writer)
        return writer.bytes
    }

    private func write(to writer: inout CBORWriter) {
        switch self {
        case .unsigned(let value): writer.unsigned(value)
        case .negative(let value): writer.integer(value)
        case .bytes(let bytes): writer.byteString(bytes)
        case .text(let text): writer.text(text)
        case .array(let items):
            writer.array(items.count)
            for item in items { item.write(to: &writer) }
        case .map(let pairs):
            writer.map(pairs.count)
            for (key, value) in pairs {
                key.write(to: &writer)
                value.write(to: &writer)
            }
        case .other(let bytes): writer.raw(bytes)
        }
    }

    /// This item's values and all below, keys left out.
    var all: [Item] {
        switch self {
        case .array(let items): [self] + items.flatMap(\.all)
        case .map(let pairs): [self] + pairs.flatMap(\.value.all)
        default: [self]
        }
    }

    /// The same tree with one node, counted as in `all`, given to `change`.
    func changing(_ position: Int, _ change: (Item) -> Item) -> Item {
        var position = position
        return changed(&position, change)
    }

    private func changed(_ position: inout Int, _ change: (Item) -> Item) -> Item {
        position -= 1
        if position == -1 { return change(self) }
        switch self {
        case .array(let items): return .array(items.map { $0.changed(&position, change) })
        case .map(let pairs): return .map(pairs.map { ($0.key, $0.value.changed(&position, change)) })
        default: return self
        }
    }
}

/// Seeded changes to the values of an item.
struct ItemMutator {
    private(set) var random: SeededGenerator
    private let item: Item
    private let size: Int
    /// Values of other items, to be put in the place of this one's.
    private let pool: [Item]

    init(seed: UInt64, item: Item, pool: [Item]) {
        (random, self.item, self.pool) = (SeededGenerator(seed: seed), item, pool)
        size = item.all.count
    }

    mutating func next() -> [UInt8] {
        var result = item
        for _ in 0...Int.random(in: 0..<3, using: &random) {
            // The node counted 0 is the action itself, 1 its body.
            let position = Int.random(in: 1..<max(2, size), using: &random)
            var random = random
            result = result.changing(position) { change($0, &random) }
            self.random = random
        }
        return result.encoded
    }

    private func change(_ item: Item, _ random: inout SeededGenerator) -> Item {
        if Int.random(in: 0..<6, using: &random) == 0 { return pool.randomElement(using: &random) ?? item }
        switch item {
        case .unsigned(let value): return number(Int128(value), &random)
        case .negative(let value): return number(Int128(value), &random)
        case .bytes(let bytes):
            let lengths = [0, 1, 31, 33, 64, 5000]
            return Bool.random(using: &random) && !bytes.isEmpty
                ? .bytes([bytes[0] ^ 1] + bytes.dropFirst())
                : .bytes(random.bytes(lengths.randomElement(using: &random) ?? 0))
        case .text: return .text(ItemMutator.texts.randomElement(using: &random) ?? "")
        case .array(let items):
            switch Int.random(in: 0..<4, using: &random) {
            case 0: return .array([])
            case 1: return .array(Array(items.dropLast()))
            case 2: return .array(items + items)
            default: return .array((items.first ?? item).repeated(300))
            }
        case .map(let pairs):
            var pairs = pairs
            if let index = pairs.indices.randomElement(using: &random) { pairs.remove(at: index) }
            return .map(pairs)
        case .other: return .other([[0xf4, 0xf5, 0xf6, 0x00, 0x60].randomElement(using: &random) ?? 0xf6])
        }
    }

    private func number(_ value: Int128, _ random: inout SeededGenerator) -> Item {
        let numbers: [Int128] = [
            value + 1, value - 1, -value, value * 1000, 0, 1, -1, 1 << 31, 1 << 53, Int128(Int64.max),
            Int128(Int64.max) - 1, Int128(Int64.min), Int128(Int64.min) + 1, Int128(Int64.max) / 1_000_000,
            Int128(UInt64.max), Int128(UInt64.max) - 1,
        ]
        let chosen = numbers.randomElement(using: &random) ?? 0
        if chosen >= 0 { return .unsigned(UInt64(clamping: chosen)) }
        return .negative(Int64(clamping: chosen))
    }

    private static let texts = [
        "", "a", "press-7", "press-8", "customer", "oem", "joiner", "rent", "t-1", "inv", "2025-0001",
        "2025-0002",
        "EUR", "XXX", "machine.*", "é", "e\u{301}", "\u{0}", "a\u{0}b", "\u{feff}", "\u{fffe}",
        String(repeating: "x", count: 200), String(repeating: "x", count: 20_000),
    ]
}

extension Item {
    fileprivate func repeated(_ count: Int) -> [Item] { [Item](repeating: self, count: count) }
}
