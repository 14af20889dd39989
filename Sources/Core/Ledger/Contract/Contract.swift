import Codec

/// Deterministic rules for one subject: actions that members sign, and deadlines that consensus time brings.
///
/// A contract reads and writes only through its context. It cannot trap on input: arithmetic is checked, and
/// every list and text has a bound. A rejection changes nothing.
package protocol Contract: Sendable {
    /// An enum, one case an action; its CBOR form is `{ name: body }`.
    associatedtype Action: Codable & Sendable
    /// Lower case, such as `machine`.
    static var name: String { get }
    /// Carries out what a member signed.
    static func apply(_ action: Action, in context: Context) throws(Rejection)
    /// Carries out what time brings. It cannot be refused; it does nothing where nothing is left to do.
    static func due(_ timer: Timer, in context: Context) throws(Rejection)
    /// Sees to its open deadlines when an epoch begins: between the last block before it and this one nobody
    /// could act. It cannot be refused.
    /// - Parameter last: the time of the last block before the epoch; what had ended by then stays ended.
    static func epochBegan(after last: Timestamp, in context: Context) throws(Rejection)
    /// The action of these bytes: what `CBOR.decode` gives, which is also the default.
    /// - Throws: `cbor.*`.
    static func action(decoding bytes: [UInt8]) throws(CodecError) -> Action
}

extension Contract {
    package static func action(decoding bytes: [UInt8]) throws(CodecError) -> Action {
        try CBOR.decode(Action.self, from: bytes)
    }

    package static func due(_ timer: Timer, in context: Context) throws(Rejection) {}
    package static func epochBegan(after last: Timestamp, in context: Context) throws(Rejection) {}
}

/// A deadline on consensus time, kept on the ledger until it is due or cancelled.
package struct Timer: Hashable, Sendable {
    package let contract: String
    package let due: Timestamp
    /// What the contract calls it, such as `disputeWindow`. At most 64 bytes.
    package let kind: String
    /// The record it concerns: the record's key bytes, at most 200.
    package let subject: [UInt8]

    package init(contract: String, due: Timestamp, kind: String, subject: [UInt8]) {
        (self.contract, self.due, self.kind, self.subject) = (contract, due, kind, subject)
    }
}

/// Something that happened, for those who listen: derived by replay, not stored.
package struct Event: Hashable, Sendable {
    package let contract: String
    package let name: String
    /// The record it concerns, as people name it.
    package let subject: String

    package init(contract: String, name: String, subject: String) {
        (self.contract, self.name, self.subject) = (contract, name, subject)
    }
}

/// Who signed a transaction, as the key's record says.
package struct Signer: Hashable, Sendable {
    package let key: KeyID
    /// The member that the key acts for.
    package let member: MemberID
    package let kind: KeyRecord.Kind
    /// For a device the machine, for an invitation its name; empty otherwise.
    package let subject: String

    package init(key: KeyID, member: MemberID, kind: KeyRecord.Kind, subject: String = "") {
        (self.key, self.member, self.kind, self.subject) = (key, member, kind, subject)
    }
}
