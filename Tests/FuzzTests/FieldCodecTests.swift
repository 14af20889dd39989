import Codec
import Contracts
import Cryptography
import TestSupport
import Testing

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
    private static let plate = MachineRecord.Nameplate(
        manufacturer: "oem GmbH", model: "LC-3000", serialNumber: "7", yearOfConstruction: 2024,
        countryOfOrigin: "DE")
    private static let stateless = MachineRecord.Nameplate(
        manufacturer: "oem GmbH", model: "LC-3000", serialNumber: "7", yearOfConstruction: -1)
    private static let replacement = MachineRecord.Replacement(replaces: key, device: device, proposed: time)
    private static let stop = MachineRecord.Stop(reason: "end of shift", fault: false, key: key, time: time)
    private static let resetStop = MachineRecord.Stop(
        reason: "coolant", fault: true, key: key, time: time, reset: time, resetBy: member)
    private static let termination = MachineRecord.Termination(
        proposedBy: member, reason: "sold", proposed: time, from: .stopped)

    private static var registered: MachineRecord {
        MachineRecord(
            id: machine, oem: MemberID(unchecked: "oem"), customer: member,
            machineClass: MachineClass(unchecked: "laser-cutter"), site: site, nameplate: stateless,
            devices: [], reportingIntervalMilliseconds: 10_000, registered: .zero)
    }

    private static var complete: MachineRecord {
        var record = registered
        (record.nameplate, record.documents, record.devices) = (
            plate, [document, document], [device, device]
        )
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

    private static let all: [Subject] = [
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
        Subject(stop, resetStop), Subject(termination), Subject(document),
        Subject(
            TelemetryHead(id: machine), TelemetryHead(id: machine, nextSequence: 9, number: 2, digest: digest)
        ),
        Subject(ChainPosition(machine: machine, number: 24)),
        Subject(anchorRecord(nil), anchorRecord(digest)),
        Subject(anchor(nil), anchor(digest)),
        Subject(register),
        Subject(
            MachineContract.self, .register(register), .accept(.init(machine: machine)),
            .start(.init(machine: machine)), .stop(.init(machine: machine, reason: "fault 7", fault: true)),
            .reset(.init(machine: machine))),
        Subject(TelemetryContract.self, .anchor(anchor(nil)), .anchor(anchor(digest))),
    ]
}
