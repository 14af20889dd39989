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
