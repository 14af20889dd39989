import Codec
import Ledger

/// A contract with just enough in it: counters, a deadline, and what a board decides. Anybody may sign
/// anything.
enum SimulatedContract: Contract {
    static let name = "counter"

    enum Action: Codable, Sendable {
        case add(Add)
        case later(Later)
        case validators(Validators)
        case engines(Engines)
    }

    struct Add: Codable, Sendable {
        var counter: MemberID
        var amount: Int64
    }

    struct Later: Codable, Sendable {
        var counter: MemberID
        var milliseconds: Int64
    }

    struct Validators: Codable, Sendable { var next: [ValidatorsRecord.Validator] }
    struct Engines: Codable, Sendable { var engines: [String] }

    struct Counter: Record {
        static let table = "counter"
        var id: MemberID
        var value: Int64
    }

    static func apply(_ action: Action, in context: Context) throws(Rejection) {
        switch action {
        case .add(let add):
            var counter = try context.get(Counter.self, add.counter) ?? Counter(id: add.counter, value: 0)
            try context.require(add.amount >= 0, else: "counter.negative")
            counter.value &+= add.amount
            try context.put(counter)
        case .later(let later):
            let due = context.time + .milliseconds(later.milliseconds)
            try context.schedule("ring", at: due, subject: later.counter.keyBytes)
        case .validators(let validators):
            let record = try context.existing(ValidatorsRecord.self, ParametersRecord.Key())
            try context.require(!validators.next.isEmpty, else: "validators.none")
            try context.put(ValidatorsRecord(current: record.current, next: validators.next))
        case .engines(let engines):
            var record = try context.existing(ParametersRecord.self, ParametersRecord.Key())
            record.engines = engines.engines
            try context.put(record)
        }
    }

    static func due(_ timer: Timer, in context: Context) throws(Rejection) {
        guard let name = MemberID(String(decoding: timer.subject, as: UTF8.self)) else { return }
        var counter = try context.get(Counter.self, name) ?? Counter(id: name, value: 0)
        counter.value &+= 1000
        try context.put(counter)
    }

    /// The rules with every member's account and key.
    static func contracts(
        members: [(member: MemberID, publicKey: [UInt8])], engines: [String]
    ) -> ContractSet {
        ContractSet(version: 1, contracts: [SimulatedContract.self]) {
            (genesis: Genesis, context: Context) throws(Rejection) in
            for (member, publicKey) in members {
                try context.put(AccountRecord(id: member))
                try context.put(
                    KeyRecord(
                        id: KeyID(publicKey: publicKey, hash: context.hash), publicKey: Bytes(publicKey),
                        account: member, kind: .member, since: 0))
            }
            try context.put(
                ParametersRecord(
                    transactionsPerSecond: 1_000_000, bytesPerSecond: 1_000_000_000, engines: engines))
            try context.put(ValidatorsRecord(current: genesis.validators))
        }
    }
}
