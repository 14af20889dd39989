import Codec
import Ledger

/// The place of an anchor or a gap in its machine's chain: 1, 2, 3 …, one numbering for both.
package struct ChainPosition: RecordKey, Hashable, Codable {
    package var machine: MachineID
    package var number: UInt64

    package init(machine: MachineID, number: UInt64) { (self.machine, self.number) = (machine, number) }

    /// The machine's name, a zero byte, the number in eight bytes: rows sort by machine and number.
    package var keyBytes: [UInt8] { ChainPosition.prefix(of: machine) + bigEndianBytes(number) }

    /// With what the keys of a machine's chain begin, and no other's.
    package static func prefix(of machine: MachineID) -> [UInt8] { machine.keyBytes + [0] }
}

/// A batch of telemetry in the vault: what it covers, and the root that each entry can be proven against.
package struct AnchorRecord: Record, Hashable {
    package static let table = "anchor"

    package var id: ChainPosition
    /// Sequence numbers, both included.
    package var first: UInt64
    package var last: UInt64
    /// The device's clock in ms since 1970 UTC, the earliest and the latest; it may be wrong.
    package var fromMilliseconds: Int64
    package var toMilliseconds: Int64
    /// `last − first + 1`.
    package var count: UInt64
    /// The encrypted batch's content identifier.
    package var cid: String
    /// SHA-256 of the encrypted batch.
    package var cipherDigest: Digest
    /// RFC 9162 Merkle root of the plain entries.
    package var root: Digest
    /// The device that signed the entries.
    package var device: KeyID
    /// SHA-256 of the chain's previous record; nil for the first.
    package var previous: Digest?
    package var anchored: Timestamp

    package init(
        id: ChainPosition, first: UInt64, last: UInt64, fromMilliseconds: Int64, toMilliseconds: Int64,
        count: UInt64, cid: String, cipherDigest: Digest, root: Digest, device: KeyID, previous: Digest?,
        anchored: Timestamp
    ) {
        (self.id, self.first, self.last, self.count) = (id, first, last, count)
        (self.fromMilliseconds, self.toMilliseconds) = (fromMilliseconds, toMilliseconds)
        (self.cid, self.cipherDigest, self.root) = (cid, cipherDigest, root)
        (self.device, self.previous, self.anchored) = (device, previous, anchored)
    }
}

/// Entries that are lost, declared so that nobody can take them for hidden ones.
package struct GapRecord: Record {
    package static let table = "gap"

    package var id: ChainPosition
    /// Sequence numbers, both included.
    package var first: UInt64
    package var last: UInt64
    /// The time of which nothing is known, in ms since 1970 UTC.
    package var fromMilliseconds: Int64
    package var toMilliseconds: Int64
    /// 1 to 500 bytes.
    package var reason: String
    /// SHA-256 of the chain's previous record; nil for the first.
    package var previous: Digest?
    package var declared: Timestamp

    package init(
        id: ChainPosition, first: UInt64, last: UInt64, fromMilliseconds: Int64, toMilliseconds: Int64,
        reason: String, previous: Digest?, declared: Timestamp
    ) {
        (self.id, self.first, self.last, self.reason) = (id, first, last, reason)
        (self.fromMilliseconds, self.toMilliseconds) = (fromMilliseconds, toMilliseconds)
        (self.previous, self.declared) = (previous, declared)
    }
}

/// Where a machine's telemetry chain ends.
package struct TelemetryHead: Record {
    package static let table = "telemetry"

    /// The machine.
    package var id: MachineID
    /// The sequence number that the next anchor or gap begins with; the first is 1.
    package var nextSequence: UInt64
    /// The number of the latest anchor or gap; 0 where there is none.
    package var number: UInt64
    /// SHA-256 of the latest anchor's or gap's record; nil where there is none.
    package var digest: Digest?

    package init(id: MachineID, nextSequence: UInt64 = 1, number: UInt64 = 0, digest: Digest? = nil) {
        (self.id, self.nextSequence, self.number, self.digest) = (id, nextSequence, number, digest)
    }
}
