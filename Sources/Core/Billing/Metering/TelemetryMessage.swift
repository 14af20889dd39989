import Codec
import Ledger
import Merkle

/// Consecutive readings that a machine's device signed.
///
/// A COSE_Sign1 with protected header `{1: -8, 4: kid}`; the payload is deterministic CBOR
/// `{"machine", "previous", "entries"}` where `previous` is the SHA-256 of the message before (zeros for the
/// first), so that a message can neither be left out nor exchanged.
package struct TelemetryMessage: Hashable, Codable, Sendable {
    package var machine: String
    package var previous: Digest
    /// At least one, with contiguous sequence numbers.
    package var entries: [TelemetryEntry]

    package init(machine: String, previous: Digest, entries: [TelemetryEntry]) {
        (self.machine, self.previous, self.entries) = (machine, previous, entries)
    }

    /// The most readings in one message.
    package static let maximumEntries = 1024

    /// Why bytes are not the next message of a machine. The codes are stable.
    package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        package let code: String
        package let detail: String

        package var description: String { "\(code): \(detail)" }
    }

    /// The signed message.
    package func signed(by signer: MessageSigner, hash: HashFunction) throws(CodecError) -> [UInt8] {
        let payload = try CBOR.encode(self)
        let protected = SigningHeader.edDSA(key: KeyID(publicKey: signer.publicKey, hash: hash))
        let signature = signer(COSESign1.toBeSigned(protected: protected, payload: payload))
        return COSESign1(protected: protected, payload: payload, signature: signature).encoded
    }

    /// Reads a signed message and checks its signature and the order of its entries.
    /// - Throws: `telemetry.malformed`, `telemetry.wrong_key`, `telemetry.bad_signature`,
    ///   `telemetry.bad_sequence`.
    package init(
        verifying bytes: [UInt8], device publicKey: [UInt8], verifier: SignatureVerifier, hash: HashFunction
    ) throws(Failure) {
        let message: COSESign1
        let key: KeyID
        do throws(CodecError) {
            message = try COSESign1(decoding: bytes)
            key = try SigningHeader.edDSAKey(message.protected)
            self = try CBOR.decode(TelemetryMessage.self, from: message.payload ?? [])
        } catch { throw Failure(code: "telemetry.malformed", detail: error.description) }
        guard key == KeyID(publicKey: publicKey, hash: hash) else {
            throw Failure(
                code: "telemetry.wrong_key", detail: "signed by \(key), not by the machine's device")
        }
        guard
            verifier(
                publicKey: publicKey, signature: message.signature,
                message: COSESign1.toBeSigned(protected: message.protected, payload: message.payload ?? []))
        else { throw Failure(code: "telemetry.bad_signature", detail: "of a message for \(machine)") }
        guard let first = entries.first?.sequence, entries.count <= TelemetryMessage.maximumEntries,
            first <= UInt64.max - UInt64(entries.count),
            entries.enumerated().allSatisfy({ $1.sequence == first + UInt64($0) })
        else {
            throw Failure(
                code: "telemetry.bad_sequence", detail: "entries are not numbered one after another")
        }
    }
}

/// A span of a machine's telemetry as it is sealed into the vault: the signed messages, in order.
package struct TelemetryBatch: Hashable, Codable, Sendable {
    package var machine: String
    /// Signed `TelemetryMessage`s.
    package var messages: [Bytes]

    package init(machine: String, messages: [Bytes]) { (self.machine, self.messages) = (machine, messages) }

    package static let mediaType = "application/vnd.millwright.telemetry+cbor"

    /// The log tree (RFC 9162) over the entries' encodings: what the anchor on the ledger names.
    package static func append(
        _ entries: [TelemetryEntry], to log: inout LogFrontier, hash: HashFunction
    ) throws(CodecError) {
        for entry in entries {
            log.append(LogTree.leafHash(of: try CBOR.encode(entry), hash: hash), hash: hash)
        }
    }
}
