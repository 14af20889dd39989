import Billing
import Codec
import Cryptography
import TestSupport
import Testing

@testable import Contracts
@testable import Ledger

/// What is written and read by hand is what the Codable front writes and reads, byte for byte, and what
/// either of them refuses the other refuses.
@Suite struct FieldCodecTests {
    /// A type, and values of it that between them have every optional property and none.
    struct Subject: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let values: [[UInt8]]
        /// What a codec makes of bytes: the bytes of what it read, or nil where it refuses.
        let byHand: @Sendable ([UInt8]) -> [UInt8]?
        let byFront: @Sendable ([UInt8]) -> [UInt8]?

        init<T: CBORFields & Sendable>(_ values: T...) {
            testDescription = "\(T.self)"
            self.values = values.map { value in
                guard let bytes = try? CBOR.encode(value) else { fatalError("\(T.self) has no encoding") }
                return bytes
            }
            byHand = { try? T(decodingFields: $0).fieldBytes }
            byFront = { bytes in
                (try? CBOR.decode(T.self, from: bytes)).flatMap { try? CBOR.encode($0) }
            }
        }

        /// Records that are partly read by the front.
        init<R: Record & Sendable>(records values: R...) {
            testDescription = "\(R.self)"
            self.values = values.map { value in
                guard let bytes = try? CBOR.encode(value) else { fatalError("\(R.self) has no encoding") }
                return bytes
            }
            byHand = { bytes in
                var (reader, writer) = (CBORReader(bytes), CBORWriter())
                guard let record = try? R(readingRecord: &reader), (try? reader.finish()) != nil,
                    (try? record.writeRecord(to: &writer)) != nil
                else { return nil }
                return writer.bytes
            }
            byFront = { bytes in
                (try? CBOR.decode(R.self, from: bytes)).flatMap { try? CBOR.encode($0) }
            }
        }

        /// Actions of a contract, through `Contract.action(decoding:)`.
        init<C: Contract>(_ contract: C.Type, _ actions: C.Action...) {
            testDescription = "\(C.Action.self) of \(C.name)"
            values = actions.map { action in
                guard let bytes = try? CBOR.encode(action) else { fatalError("the action has no encoding") }
                return bytes
            }
            byHand = { bytes in
                (try? C.action(decoding: bytes)).flatMap { try? CBOR.encode($0) }
            }
            byFront = { bytes in
                (try? CBOR.decode(C.Action.self, from: bytes)).flatMap { try? CBOR.encode($0) }
            }
        }
    }

    @Test(arguments: all)
    func agreesWithTheCodableFront(subject: Subject) throws {
        for bytes in subject.values { #expect(subject.byHand(bytes) == bytes) }
        let null = Item.other([0xf6])
        for (number, bytes) in subject.values.enumerated() {
            let seed = FuzzRun.seed &+ UInt64(number)
            var raw = Mutator(seed: seed, seeds: subject.values)
            var values = ItemMutator(
                seed: seed, item: try Item(bytes), pool: [null, .unsigned(0), .text("a")])
            for turn in 0..<1500 {
                let input = turn % 3 == 0 ? raw.next() : values.next()
                let (hand, front) = (subject.byHand(input), subject.byFront(input))
                #expect(hand == front, "\(Hex.encode(input))")
                // Records are stored as they were read, so nothing may read as something else.
                if let hand { #expect(hand == input) }
            }
        }
    }

    // MARK: Values

    private static let key = KeyID(SHA256.digest([1]))
    private static let digest = SHA256.digest([2])
    private static let publicKey = Bytes(SHA256.digest([3]))
    private static let time = Timestamp(milliseconds: 1_767_225_600_000)
    private static let machine = MachineID(unchecked: "press-7")
    private static let member = MemberID(unchecked: "customer")
    private static let document = DocumentReference(
        cid: "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy", digest: digest, size: 70_000,
        mediaType: "application/pdf", name: "Betriebsanleitung – größer als 23 Bytes")
    private static let device = MachineRecord.Device(key: key, publicKey: publicKey, label: "box")
    private static let site = MachineRecord.Site(region: Region(unchecked: "de-bw"), name: "Hall 3")
    private static let plate = Nameplate(
        manufacturer: "oem GmbH", model: "LC-3000", serialNumber: "7", yearOfConstruction: 2024,
        countryOfOrigin: "DE")
    private static let stateless = Nameplate(
        manufacturer: "oem GmbH", model: "LC-3000", serialNumber: "7", yearOfConstruction: -1)
    private static let replacement = MachineRecord.Replacement(replaces: key, device: device, proposed: time)
    private static let stop = MachineRecord.Stop(reason: "end of shift", fault: false, key: key, time: time)
    private static let resetStop = MachineRecord.Stop(
        reason: "coolant", fault: true, key: key, time: time, reset: time, resetBy: member)
    private static let termination = MachineRecord.Termination(
        proposedBy: member, reason: "sold", proposed: time, from: .stopped)

    private static let order = StandingOrder(
        policy: .customersChoice, biddingSpan: .days(14), currency: .euro, priceLimit: .zero,
        ceiling: MinorUnits(-1), respondWithin: nil, resolveWithin: nil)
    private static let limited = StandingOrder(
        currency: .euro, priceLimit: MinorUnits(250_000), ceiling: MinorUnits(1_000_000),
        acceptWithin: .days(3))

    private static var registered: MachineRecord {
        MachineRecord(
            id: machine, oem: MemberID(unchecked: "oem"), customer: member,
            machineClass: MachineClass(unchecked: "laser-cutter"), site: site, devices: [],
            reportingIntervalMilliseconds: 10_000, registered: .zero)
    }

    private static var complete: MachineRecord {
        var record = registered
        record.devices = [device, device]
        (record.replacement, record.state, record.accepted) = (replacement, .terminating, time)
        (record.started, record.lastStop, record.termination) = (time, resetStop, termination)
        record.terminated = .maximum
        return record
    }

    private static let memberKeys = MemberRecord.Keys(
        signing: key, signingPublicKey: publicKey, sealingPublicKey: publicKey)
    private static let profile = MemberProfile(
        registrationName: "Pressenwerk Süd GmbH", addressLine: "Industriestraße 7", city: "Ulm",
        postalCode: "89073", country: "DE", vatID: "DE123456789", email: "post@example.org")
    private static let joined = MemberRecord(
        id: member, name: "Pressenwerk", roles: [.board, .oem], profile: profile,
        endpoint: "https://mill.example", keys: memberKeys, tlsPins: [digest, digest], votingKey: publicKey,
        status: .active, invited: time, joined: time, admitted: .maximum)

    private static func anchor(_ previous: Digest?) -> TelemetryContract.Anchor {
        .init(
            machine: machine, first: 1, last: 1_000, fromMilliseconds: -5, toMilliseconds: 1_767_225_600_000,
            count: 1_000, cid: document.cid, cipherDigest: digest, root: digest, device: key,
            previous: previous)
    }

    private static func anchorRecord(_ previous: Digest?) -> AnchorRecord {
        AnchorRecord(
            id: ChainPosition(machine: machine, number: 300), first: 1, last: .max, fromMilliseconds: .min,
            toMilliseconds: .max, count: 1_000, cid: document.cid, cipherDigest: digest, root: digest,
            device: key, previous: previous, anchored: time)
    }

    private static let register = MachineContract.Register(
        machine: machine, customer: member, machineClass: MachineClass(unchecked: "press"), site: site,
        nameplate: plate, documents: [document], devices: [.init(publicKey: publicKey, label: "box")],
        reportingIntervalMilliseconds: 100)

    private static let offer = Offer(
        price: .fixed(MinorUnits(120_000)), currency: .euro, earliestArrival: time, durationMinutes: 240,
        warrantyDays: 180, expires: time)
    private static let rated = Offer(
        price: .rate(.init(perHour: MinorUnits(9_000), notToExceed: MinorUnits(-1))), currency: .euro,
        earliestArrival: .zero, durationMinutes: 1, warrantyDays: 0, expires: .maximum)
    private static let ticket = TicketID(unchecked: "press-7-2026-03")
    private static let bid = BidRecord.ID(ticket: ticket, maintainer: member)
    private static let plain = MaintenanceContract.Open(
        ticket: ticket, machine: machine, kind: .correctiveDeferred, priority: 3, faultCode: "E-217",
        policy: .customersChoice, biddingSpan: .days(14), currency: .euro)
    private static let detailed = MaintenanceContract.Open(
        ticket: ticket, machine: machine, kind: .predetermined, priority: -1, faultCode: "E-217",
        failureMode: .breakdown, description: "coolant", documents: [document],
        policy: .bestScore(.init(weights: .standard, minimumBids: 3)), biddingSpan: .days(-14),
        revealWindow: .hours(1), currency: .euro, respondWithin: .hours(4), resolveWithin: .days(2),
        acceptWithin: .days(3))
    private static let told = MaintenanceContract.Report(
        ticket: ticket, machine: machine, kind: .conditionBased, priority: 3, faultCode: "E-217")
    private static let toldInDetail = MaintenanceContract.Report(
        ticket: ticket, machine: machine, kind: .correctiveImmediate, priority: -1, faultCode: "E-217",
        failureMode: .breakdown, description: "coolant", documents: [document])
    private static let bidding = TicketRecord.Bidding(
        opened: time, span: .days(1), grace: .seconds(5), revealWindow: nil)

    private static var opened: TicketRecord {
        TicketRecord(
            plain, machine: registered, client: member, openedBy: key, reported: time, bidding: bidding)
    }

    private static var paid: TicketRecord {
        var record = TicketRecord(
            detailed, machine: registered, client: member, openedBy: key, isReported: true, reported: time,
            bidding: bidding)
        record.state = .closed
        record.award = .init(maintainer: member, offer: rated, time: time, candidates: 2)
        record.holds = [
            .init(reason: .spareParts, note: "", by: member, from: time, to: nil, state: .inProgress)
        ]
        (record.firstStarted, record.lastStarted, record.visits) = (time, time, 2)
        record.report = RepairReport(
            failureMode: .breakdown, mechanism: .mechanical, cause: .design,
            detection: .inspection, activity: .repair, downtimeMilliseconds: 5, amount: MinorUnits(7))
        record.evidence = .init(anchor: 1, sequence: 2, upSince: 3)
        (record.reason, record.acceptanceDue, record.deemedAccepted) = ("again", time, time)
        (record.closed, record.firstTimeFix) = (time, true)
        (record.withdrawn, record.workDue) = ([member], time)
        return record
    }

    private static let maintenance: [Subject] = [
        Subject(offer, rated), Subject(plain, detailed), Subject(told, toldInDetail), Subject(bid),
        Subject(bidding),
        Subject(
            SelectionPolicy.firstComeFirstServed, .customersChoice, .bestScore(.init(weights: .standard)),
            .bestScore(.init(weights: .standard, minimumBids: 5))),
        Subject(ScoreWeights.standard),
        Subject(
            MaintenanceContract.Bid(ticket: ticket, content: .offer(offer)),
            MaintenanceContract.Bid(ticket: ticket, content: .sealed(digest))),
        Subject(
            BidRecord(id: bid, placed: time), BidRecord(id: bid, placed: time, commitment: digest),
            BidRecord(id: bid, placed: time, commitment: digest, offer: offer)),
        Subject(records: opened, paid),
        Subject(
            MaintenanceContract.self, .open(plain), .open(detailed), .report(told), .report(toldInDetail),
            .bid(.init(ticket: ticket, content: .offer(offer))),
            .bid(.init(ticket: ticket, content: .sealed(digest))), .close(.init(ticket: ticket))),
    ]

    private static let all: [Subject] =
        maintenance + [
            Subject(
                KeyRecord(id: key, publicKey: publicKey, account: member, kind: .member, since: 0),
                KeyRecord(
                    id: key, publicKey: publicKey, account: member, kind: .delegate, subject: "erp",
                    scopes: ["machine.start", "telemetry.*"], since: 70_000, expires: time, revoked: true)),
            Subject(AccountRecord(id: member), AccountRecord(id: member, status: .suspended)),
            Subject(QuotaRecord(id: member, transactionCredit: 0, byteCredit: .max, refilled: time)),
            Subject(MemberRecord(id: member, name: "", roles: [], status: .invited), joined),
            Subject(memberKeys), Subject(profile, MemberProfile(registrationName: "Ä", country: "DE")),
            Subject(registered, complete),
            Subject(site), Subject(plate, stateless), Subject(device), Subject(replacement),
            Subject(
                NameplateRecord(id: machine, nameplate: stateless),
                NameplateRecord(id: machine, nameplate: plate, documents: [document, document])),
            Subject(stop, resetStop), Subject(termination), Subject(document),
            Subject(
                TelemetryHead(id: machine),
                TelemetryHead(id: machine, nextSequence: 9, number: 2, digest: digest)
            ),
            Subject(ChainPosition(machine: machine, number: 24)),
            Subject(anchorRecord(nil), anchorRecord(digest)),
            Subject(anchor(nil), anchor(digest)),
            Subject(register), Subject(order, limited),
            Subject(StandingOrderRecord(id: machine, order: limited, awarded: MinorUnits(7))),
            Subject(
                MachineContract.Accept(machine: machine),
                MachineContract.Accept(machine: machine, order: limited)),
            Subject(
                MachineContract.self, .register(register), .accept(.init(machine: machine)),
                .accept(.init(machine: machine, order: order)),
                .start(.init(machine: machine)),
                .stop(.init(machine: machine, reason: "fault 7", fault: true)),
                .reset(.init(machine: machine))),
            Subject(TelemetryContract.self, .anchor(anchor(nil)), .anchor(anchor(digest))),
        ]
}
