import Billing
import Codec
import Contracts
import Ledger

/// An encoded value, the rule that it must follow, and whether other bytes are a value of its type.
struct Sample {
    let rule: String
    let item: CBORItem
    /// Where in the item the rule begins.
    let path: [Int]
    let isValue: ([UInt8]) -> Bool

    /// One action, held to the rule of its body.
    static func action<C: Contract>(_ contract: C.Type, _ action: C.Action) throws -> Sample {
        let item = try CBORItem(decoding: try CBOR.encode(action))
        guard case .map(let pairs) = item, pairs.count == 1 else {
            throw CDDL.SyntaxError(description: "an action is a map of one key: \(item)")
        }
        return Sample(rule: "\(C.name).\(pairs[0].key)", item: item, path: [0]) {
            (try? CBOR.decode(C.Action.self, from: $0)) != nil
        }
    }

    static func record<R: Record>(_ record: R) throws -> Sample {
        Sample(
            rule: "\(R.table)-record", item: try CBORItem(decoding: try CBOR.encode(record)), path: []
        ) { (try? CBOR.decode(R.self, from: $0)) != nil }
    }

    /// What the rule is about.
    var body: CBORItem {
        guard path == [0], case .map(let pairs) = item else { return item }
        return pairs[0].value
    }
}

/// At least one sample of each action and record, with every value that may be absent.
enum Samples {
    static func all() throws -> [Sample] {
        try consortium() + machine() + telemetry() + agreement() + agreementRecords() + maintenance()
            + maintenanceRecords() + ledger()
    }

    static let member = MemberID(unchecked: "chamber")
    static let machineID = MachineID(unchecked: "press-7")
    static let digest = Digest(Array(repeating: 7, count: 32)) ?? .zero
    static let key = KeyID(digest)
    static let publicKey = Bytes(Array(repeating: 8, count: 32))
    static let time = Timestamp(milliseconds: 1_735_689_600_000)
    static let amount = MinorUnits(12_345)
    static let date = CivilDate(daysSinceEpoch: 20_089)!
    static let interval = Interval(from: 1_000, to: 2_000)
    static let document = DocumentReference(
        cid: "bafkreiexample", digest: digest, size: 10, mediaType: "application/pdf", name: "terms.pdf")
    static let validator = ValidatorsRecord.Validator(member: member, votingKey: publicKey)
    static let announcement = ParametersRecord.Announcement(version: 2, digest: digest, activation: 100)
}
