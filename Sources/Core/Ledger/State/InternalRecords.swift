import Codec

/// How much a member may still send. Only the executor writes it, once a block.
package struct QuotaRecord: Record {
    package static let table = "quota"

    package var id: MemberID
    /// Nanoseconds of refill that the member's transactions have not used; a full bucket is `capacity`.
    package var transactionCredit: Int64
    package var byteCredit: Int64
    package var refilled: Timestamp

    /// A minute's worth.
    static let capacity: Int64 = 60_000_000_000

    static func full(_ id: MemberID, at time: Timestamp) -> QuotaRecord {
        QuotaRecord(id: id, transactionCredit: capacity, byteCredit: capacity, refilled: time)
    }

    mutating func refill(at time: Timestamp) {
        let earned = min(QuotaRecord.capacity, max(0, (time - refilled).nanoseconds))
        transactionCredit = min(QuotaRecord.capacity, transactionCredit + earned)
        byteCredit = min(QuotaRecord.capacity, byteCredit + earned)
        refilled = max(refilled, time)
    }

    /// Takes one transaction of a size where both credits suffice.
    mutating func take(bytes: Int, parameters: ParametersRecord) -> Bool {
        let second: Int64 = 1_000_000_000
        let transaction = second / max(1, parameters.transactionsPerSecond)
        let (scaled, overflow) = second.multipliedReportingOverflow(by: Int64(bytes))
        let size = overflow ? Int64.max : scaled / max(1, parameters.bytesPerSecond)
        guard transactionCredit >= transaction, byteCredit >= size else { return false }
        transactionCredit -= transaction
        byteCredit -= size
        return true
    }
}

/// A transaction id, remembered so that nothing happens twice.
package struct SeenRecord: Record {
    package static let table = "seen"

    package var id: TransactionID
    package var expires: Timestamp
    /// The transaction's place in the log tree.
    package var leaf: UInt64

    /// How long after its expiry an id is still remembered, so that its absence can be proven meanwhile.
    package static let retention = Span.hours(24)
    /// The furthest that an expiry may lie ahead of consensus time.
    package static let maximumLifetime = Span.hours(24)

    /// The same bytes as `CBOR.encode`, which every transaction would pay for.
    func write(to writer: inout CBORWriter) {
        writer.map(3)
        writer.key("id")
        writer.digest(id)
        writer.key("leaf")
        writer.unsigned(leaf)
        writer.key("expires")
        expires.write(to: &writer)
    }

    /// `~expiry` zero, the expiry in 8 bytes, the id.
    static func expiryKey(_ expires: Timestamp, _ id: TransactionID) -> RowKey {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 + 8 + Digest.count)
        bytes.append(contentsOf: "~expiry".utf8)
        bytes.append(0)
        withUnsafeBytes(of: UInt64(expires.nanoseconds).bigEndian) { bytes.append(contentsOf: $0) }
        id.append(to: &bytes)
        return RowKey(bytes: bytes)
    }

    /// Where a forgotten id's leaf is still found: `~archive` zero, the id.
    package static func archiveKey(_ id: TransactionID) -> RowKey { RowKey(table: archive, key: id.bytes) }
    /// The table of forgotten ids. It is no root's and no row's: only the blocks give it.
    package static let archive = "~archive"
}

/// The validators' last clocks: one record under the key `current`.
package struct ClocksRecord: Record {
    package typealias ID = ParametersRecord.Key

    package struct Clock: Codable, Sendable, Hashable {
        package var member: MemberID
        package var time: Timestamp
    }

    package static let table = "clocks"
    package var id: ParametersRecord.Key { ParametersRecord.Key() }
    /// Sorted by member.
    package var clocks: [Clock]

    enum CodingKeys: String, CodingKey { case clocks }

    /// The latest time that more than half of the clocks have reached; nil where there is no clock.
    var median: Timestamp? {
        guard !clocks.isEmpty else { return nil }
        return clocks.map(\.time).sorted(by: >)[clocks.count / 2]
    }

    mutating func note(_ member: MemberID, _ time: Timestamp) {
        if let position = clocks.firstIndex(where: { $0.member == member }) {
            clocks[position].time = max(clocks[position].time, time)
        } else {
            clocks.append(Clock(member: member, time: time))
            clocks.sort { $0.member < $1.member }
        }
    }

    /// Clocks of those who validate; one that has not spoken counts as zero.
    mutating func restrict(to members: [MemberID]) {
        clocks = members.map { member in
            clocks.first { $0.member == member } ?? Clock(member: member, time: .zero)
        }
    }
}
