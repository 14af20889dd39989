import Codec
import Foundation

/// Encoding and decoding again, both ways that documents travel.
enum Round {
    /// Through CBOR and through JSON; the two must agree.
    static func trip<Value: Codable & Equatable>(_ value: Value) throws -> Value {
        let fromCBOR = try CBOR.decode(Value.self, from: try CBOR.encode(value))
        let fromJSON = try JSONDecoder().decode(Value.self, from: try JSONEncoder().encode(value))
        guard fromCBOR == fromJSON else { throw Failure() }
        return fromCBOR
    }

    struct Failure: Error {}
}

extension Round {
    static func bytes(_ value: some Encodable) throws -> [UInt8] { try CBOR.encode(value) }
}
