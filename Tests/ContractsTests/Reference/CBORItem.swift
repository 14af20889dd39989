import Codec

/// One CBOR item as a tree: what the checker walks, and what a test changes in one place.
indirect enum CBORItem: Equatable, Sendable {
    case integer(Int64)
    case bytes([UInt8])
    case text(String)
    case array([CBORItem])
    case map([Pair])
    case bool(Bool)
    case null

    struct Pair: Equatable {
        var key: String
        var value: CBORItem
    }

    init(decoding bytes: [UInt8]) throws {
        var reader = CBORReader(bytes)
        self = try CBORItem(reading: &reader)
        try reader.finish()
    }

    private init(reading reader: inout CBORReader) throws {
        if reader.isInteger {
            self = .integer(try reader.integer())
        } else if reader.isByteString {
            self = .bytes(try reader.byteString())
        } else if reader.isText {
            self = .text(try reader.text())
        } else if reader.isArray {
            var items: [CBORItem] = []
            for _ in 0..<(try reader.array()) { items.append(try CBORItem(reading: &reader)) }
            self = .array(items)
        } else if reader.isMap {
            var pairs: [Pair] = []
            for _ in 0..<(try reader.map()) {
                pairs.append(Pair(key: try reader.text(), value: try CBORItem(reading: &reader)))
            }
            self = .map(pairs)
        } else if reader.isNull {
            try reader.null()
            self = .null
        } else {
            self = .bool(try reader.bool())
        }
    }

    /// The encoding. Pairs stay as they are: taking one away leaves the others sorted.
    var encoded: [UInt8] {
        var writer = CBORWriter()
        write(to: &writer)
        return writer.bytes
    }

    private func write(to writer: inout CBORWriter) {
        switch self {
        case .integer(let value): writer.integer(value)
        case .bytes(let value): writer.byteString(value)
        case .text(let value): writer.text(value)
        case .array(let items):
            writer.array(items.count)
            for item in items { item.write(to: &writer) }
        case .map(let pairs):
            writer.map(pairs.count)
            for pair in pairs {
                writer.text(pair.key)
                pair.value.write(to: &writer)
            }
        case .bool(let value): writer.bool(value)
        case .null: writer.null()
        }
    }

    /// The tree with the item at a path replaced, or, for nil, its pair taken away.
    /// - Parameter path: positions in arrays and maps, from the root.
    func replacing(at path: ArraySlice<Int>, with item: CBORItem?) -> CBORItem {
        guard let index = path.first else { return item ?? self }
        let rest = path.dropFirst()
        switch self {
        case .array(var items):
            items[index] = items[index].replacing(at: rest, with: item)
            return .array(items)
        case .map(var pairs):
            if rest.isEmpty && item == nil {
                pairs.remove(at: index)
            } else {
                pairs[index].value = pairs[index].value.replacing(at: rest, with: item)
            }
            return .map(pairs)
        default: return self
        }
    }
}
