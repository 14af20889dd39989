import Billing
import Codec
import Contracts
import Cryptography
import Ledger
import Merkle
import Telemetry

/// Reads one anchored batch from the vault and believes none of it before it agrees with the ledger.
struct AnchoredBatch {
    private let anchor: AnchorRecord
    private let messages: [Bytes]
    private let publicKey: [UInt8]
    private let rules: Rules

    /// Opens the batch with the member's sealing key.
    /// - Throws: `metering.missing_batch`, `metering.not_reader`, `metering.damaged_batch`,
    ///   `metering.malformed_batch`, `metering.wrong_machine`, `metering.unknown_device`.
    init(_ anchor: AnchorRecord, documents: DocumentService, view: StateView) throws(NodeError) {
        let bytes: [UInt8]
        do { bytes = try documents.open(cid: anchor.cid) } catch {
            throw AnchoredBatch.translated(error, of: anchor)
        }
        let batch: TelemetryBatch
        do { batch = try CBOR.decode(TelemetryBatch.self, from: bytes) } catch {
            throw AnchoredBatch.failure("malformed_batch", "is not telemetry", anchor, cause: error)
        }
        guard batch.machine == anchor.id.machine.text else {
            throw AnchoredBatch.failure("wrong_machine", "is of machine «\(batch.machine)»", anchor)
        }
        // A replaced device has left the machine's record; its key stays on the ledger.
        guard let key = try view.get(KeyRecord.self, anchor.device), key.kind == .device,
            key.subject == anchor.id.machine.text
        else {
            throw AnchoredBatch.failure("unknown_device", "is signed by no device of the machine", anchor)
        }
        (self.anchor, messages, publicKey) = (anchor, batch.messages, key.publicKey.array)
        rules = documents.node.rules
    }

    /// Verifies every message and the whole, and hands out the entries in order. What `take` got counts
    /// only when the call returns.
    /// - Parameter previous: the message that the first one follows; nil where it is not known.
    /// - Returns: the SHA-256 of the last message.
    /// - Throws: `metering.bad_signature`, `metering.wrong_key`, `metering.malformed`,
    ///   `metering.bad_sequence`, `metering.broken_chain`, `metering.wrong_machine`,
    ///   `metering.times_mismatch`, `metering.root_mismatch`, and what `take` throws.
    func read(
        after previous: Digest?, take: (TelemetryEntry) throws(NodeError) -> Void
    ) throws(NodeError) -> Digest {
        var previous = previous
        var next = anchor.first
        var times: ClosedRange<Int64>?
        var log = LogFrontier()
        for bytes in messages {
            let message = try verified(bytes.array)
            if let previous, message.previous != previous {
                throw failure("broken_chain", "has a message that does not follow the one before")
            }
            for entry in message.entries {
                guard entry.sequence == next, next <= anchor.last else {
                    throw failure("bad_sequence", "has entry \(entry.sequence) in the place of \(next)")
                }
                next += 1
                times =
                    min(
                        times?.lowerBound ?? entry.time, entry.time)...max(
                        times?.upperBound ?? entry.time, entry.time)
                try take(entry)
            }
            do { try TelemetryBatch.append(message.entries, to: &log, hash: rules.hash) } catch {
                throw failure("malformed", "has an entry without encoding", cause: error)
            }
            previous = rules.hash(bytes.array)
        }
        guard next == anchor.last + 1, log.size == anchor.count, let previous else {
            throw failure("bad_sequence", "ends before entry \(anchor.last)")
        }
        guard times == anchor.fromMilliseconds...anchor.toMilliseconds else {
            throw failure("times_mismatch", "covers other times than the ledger says")
        }
        guard log.root(hash: rules.hash) == anchor.root else {
            throw failure("root_mismatch", "has another Merkle root than the ledger says")
        }
        return previous
    }

    private func verified(_ bytes: [UInt8]) throws(NodeError) -> TelemetryMessage {
        let message: TelemetryMessage
        do {
            message = try TelemetryMessage(
                verifying: bytes, device: publicKey, verifier: rules.verify, hash: rules.hash)
        } catch {
            let reason = error.code.split(separator: ".").last.map(String.init) ?? "malformed"
            throw failure(reason, "has a message that is not the device's", cause: error)
        }
        guard message.machine == anchor.id.machine.text else {
            throw failure("wrong_machine", "has a message of machine «\(message.machine)»")
        }
        return message
    }

    // MARK: Failures

    /// Billing's code for an entry that it does not count, with the batch that the entry is in.
    func failure(_ error: BillingError, at entry: TelemetryEntry) -> NodeError {
        let time = Telemetry.Timestamp.text(entry.time)
        return NodeError(
            error.code.rawValue,
            "\(AnchoredBatch.name(of: anchor)), cannot be counted from entry \(entry.sequence) of "
                + "\(time) UTC on" + (error.detail.isEmpty ? "" : ": \(error.detail)"))
    }

    /// `batch 3 of press-7, entries 1 to 5000`.
    static func name(of anchor: AnchorRecord) -> String {
        "batch \(anchor.id.number) of \(anchor.id.machine), entries \(anchor.first) to \(anchor.last)"
    }

    private func failure(_ reason: String, _ what: String, cause: (any Error)? = nil) -> NodeError {
        AnchoredBatch.failure(reason, what, anchor, cause: cause)
    }

    private static func failure(
        _ reason: String, _ what: String, _ anchor: AnchorRecord, cause: (any Error)? = nil
    ) -> NodeError {
        NodeError(
            "metering.\(reason)",
            "\(name(of: anchor)), \(what)", cause: cause)
    }

    private static func translated(_ error: NodeError, of anchor: AnchorRecord) -> NodeError {
        switch error.code {
        case "vault.not_found", "document.bad_cid":
            failure("missing_batch", "is not in the vault", anchor, cause: error)
        case "vault.not_reader": failure("not_reader", "is not sealed to this member", anchor, cause: error)
        case "vault.damaged": failure("damaged_batch", "is damaged in the vault", anchor, cause: error)
        default: error
        }
    }
}
