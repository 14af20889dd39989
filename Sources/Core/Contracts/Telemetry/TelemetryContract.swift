import Codec
import Ledger

/// A machine's telemetry as the ledger knows it: batches in the vault, each anchored with its root, and gaps.
///
/// Anchors and gaps of a machine are one chain, each naming the digest of the one before. Their sequence
/// numbers are contiguous from 1, so that a missing entry cannot be hidden: it is either in a batch or in a
/// declared gap. The numbering is the machine's and runs on when a device is replaced. The device's clock
/// is data, not proof: the contract asks of it only that a range does not end before it begins, nor after
/// consensus time. Metering takes a later entry for the word that an earlier time is complete, so one from
/// the year 2099 would end the proof of use for the rest of the rent.
package enum TelemetryContract: Contract {
    package static let name = "telemetry"

    /// Entries in one batch or gap.
    package static let largestCount: UInt64 = 10_000_000

    /// How far past consensus time a range may end. Validators that are quiet bring their clocks hourly, so
    /// consensus time can be that old; the rest is for clocks that differ.
    package static let clockTolerance = Span.hours(2)

    /// What the customer signs, for `anchor` also its device, and for contests the OEM. The CBOR form is
    /// `{ name: body }`.
    package enum Action: Codable, Hashable, Sendable {
        case anchor(Anchor)
        /// Customer only: the numbers in it will never be anchored.
        case declareGap(DeclareGap)
        /// OEM: the batch is of no use to it.
        case contest(Contest)
        /// OEM, while the contest does not stand yet.
        case withdrawContest(WithdrawContest)
    }

    package struct Anchor: Codable, Hashable, Sendable {
        package var machine: MachineID
        /// Sequence numbers, both included; the first is the chain's next.
        package var first: UInt64
        package var last: UInt64
        package var fromMilliseconds: Int64
        package var toMilliseconds: Int64
        package var count: UInt64
        package var cid: String
        package var cipherDigest: Digest
        package var root: Digest
        /// The machine's device that signed the entries.
        package var device: KeyID
        /// `TelemetryHead.digest`: nil for the first.
        package var previous: Digest?

        package init(
            machine: MachineID, first: UInt64, last: UInt64, fromMilliseconds: Int64, toMilliseconds: Int64,
            count: UInt64, cid: String, cipherDigest: Digest, root: Digest, device: KeyID, previous: Digest?
        ) {
            (self.machine, self.first, self.last, self.count) = (machine, first, last, count)
            (self.fromMilliseconds, self.toMilliseconds) = (fromMilliseconds, toMilliseconds)
            (self.cid, self.cipherDigest, self.root) = (cid, cipherDigest, root)
            (self.device, self.previous) = (device, previous)
        }
    }

    package struct DeclareGap: Codable, Hashable, Sendable {
        package var machine: MachineID
        /// Sequence numbers, both included; the first is the chain's next.
        package var first: UInt64
        package var last: UInt64
        package var fromMilliseconds: Int64
        package var toMilliseconds: Int64
        /// 1 to 500 bytes.
        package var reason: String
        /// `TelemetryHead.digest`: nil for the first.
        package var previous: Digest?

        package init(
            machine: MachineID, first: UInt64, last: UInt64, fromMilliseconds: Int64, toMilliseconds: Int64,
            reason: String, previous: Digest?
        ) {
            (self.machine, self.first, self.last, self.reason) = (machine, first, last, reason)
            (self.fromMilliseconds, self.toMilliseconds) = (fromMilliseconds, toMilliseconds)
            self.previous = previous
        }
    }

    package static func action(decoding bytes: [UInt8]) throws(CodecError) -> Action {
        if let action = Action(commonest: bytes) { return action }
        return try CBOR.decode(Action.self, from: bytes)
    }

    package static func apply(_ action: Action, in context: Context) throws(Rejection) {
        switch action {
        case .anchor(let body): try anchor(body, context)
        case .declareGap(let body): try declareGap(body, context)
        case .contest(let body): try contest(body, context)
        case .withdrawContest(let body): try withdrawContest(body, context)
        }
    }

    private static func anchor(_ body: Anchor, _ context: Context) throws(Rejection) {
        let machine = try context.existing(MachineRecord.self, body.machine)
        try context.requireOperator(of: machine)
        try requireUnderRent(machine, context)
        let head = try openHead(
            machine.id, first: body.first, last: body.last, previous: body.previous, context)
        try requireTimes(from: body.fromMilliseconds, to: body.toMilliseconds, context)
        try context.require(
            body.count == body.last - body.first + 1, else: "telemetry.wrong_count",
            "the count is not last − first + 1")
        try context.requireCID(body.cid)
        try requireDevice(body.device, of: machine, context)
        let record = AnchorRecord(
            id: ChainPosition(machine: machine.id, number: head.number), first: body.first, last: body.last,
            fromMilliseconds: body.fromMilliseconds, toMilliseconds: body.toMilliseconds, count: body.count,
            cid: body.cid, cipherDigest: body.cipherDigest, root: body.root, device: body.device,
            previous: body.previous, anchored: context.time)
        try extend(head, with: record, through: body.last, context)
        context.emit("anchored", machine.id)
    }

    private static func declareGap(_ body: DeclareGap, _ context: Context) throws(Rejection) {
        let machine = try context.existing(MachineRecord.self, body.machine)
        try context.requireParty(machine.customer)
        try requireUnderRent(machine, context)
        let head = try openHead(
            machine.id, first: body.first, last: body.last, previous: body.previous, context)
        try requireTimes(from: body.fromMilliseconds, to: body.toMilliseconds, context)
        try context.requireProse(body.reason, "reason", bytes: 1...500)
        let record = GapRecord(
            id: ChainPosition(machine: machine.id, number: head.number), first: body.first, last: body.last,
            fromMilliseconds: body.fromMilliseconds, toMilliseconds: body.toMilliseconds,
            reason: body.reason, previous: body.previous, declared: context.time)
        try extend(head, with: record, through: body.last, context)
        context.emit("gapDeclared", machine.id)
    }

    /// Between the customer's acceptance and the end of the rent.
    private static func requireUnderRent(
        _ machine: MachineRecord, _ context: Context
    ) throws(Rejection) {
        try context.require(
            machine.state != .registered && machine.state != .terminated, else: "telemetry.not_under_rent",
            "\(machine.id) is \(machine.state.rawValue)")
    }

    /// The head with the number that the new record gets, where the record follows on the chain.
    private static func openHead(
        _ machine: MachineID, first: UInt64, last: UInt64, previous: Digest?, _ context: Context
    ) throws(Rejection) -> TelemetryHead {
        var head = try context.get(TelemetryHead.self, machine) ?? TelemetryHead(id: machine)
        try context.require(
            first == head.nextSequence, else: "telemetry.not_contiguous",
            "the next sequence number is \(head.nextSequence)")
        try context.require(
            previous == head.digest, else: "telemetry.wrong_previous",
            "the previous record's digest is another")
        try context.require(
            first <= last && last - first < largestCount && last < .max, else: "telemetry.wrong_range",
            "a range holds 1 to \(largestCount) numbers")
        // Every record takes at least one sequence number, so this one stays below `nextSequence`.
        head.number += 1
        return head
    }

    private static func requireTimes(from: Int64, to: Int64, _ context: Context) throws(Rejection) {
        try context.require(
            from <= to, else: "telemetry.wrong_times", "the range ends before it begins")
        try context.require(
            to <= (context.time + clockTolerance).milliseconds, else: "telemetry.in_future",
            "the range ends more than two hours after the ledger's time: is the device's clock right? "
                + "What it has signed so is declared as a gap")
    }

    /// A device that the machine has now and that may sign. What a replaced or revoked one still held is
    /// declared as a gap: its word is worth nothing any more.
    private static func requireDevice(
        _ key: KeyID, of machine: MachineRecord, _ context: Context
    ) throws(Rejection) {
        try context.require(
            machine.devices.contains { $0.key == key }, else: "telemetry.unknown_device",
            "\(machine.id) has no such device")
        try context.require(
            try context.existing(KeyRecord.self, key).revoked == false, else: "telemetry.device_revoked",
            "the device's key is revoked")
    }

    private static func extend<R: Record>(
        _ head: TelemetryHead, with record: R, through last: UInt64, _ context: Context
    ) throws(Rejection) {
        let encoded: [UInt8]
        do throws(CodecError) {
            var writer = CBORWriter(reservingCapacity: 512)
            try record.writeRecord(to: &writer)
            encoded = writer.bytes
        } catch {
            throw Rejection("telemetry.not_encodable", error.description)
        }
        try context.put(record)
        var head = head
        head.digest = context.hash(encoded)
        head.nextSequence = last + 1
        try context.put(head)
    }
}
