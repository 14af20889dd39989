import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Node

/// One verb's hold on a ledger: through the node that runs in `--home` or at `--node`, else opened from
/// `--home`; closed when the verb is done.
struct Session: Sendable {
    let invocation: Invocation
    let home: Home
    let node: any LedgerAccess

    static func home(_ invocation: Invocation) -> Home {
        let path =
            invocation.string("home") ?? ProcessInfo.processInfo.environment["MILLWRIGHT_HOME"]
            ?? "millwright-data"
        return Home(URL(fileURLWithPath: path))
    }

    /// Opens the ledger, runs the body, and closes the ledger again whatever happens.
    ///
    /// `--at` holds for the body. Where it fails before anything is on the ledger the clock stays where it
    /// was; a transaction that the ledger rejects is on it with its time, and that time never goes back.
    /// - Parameter purpose: whoever only reads can do so where the ledger needs others to write.
    static func with(
        _ invocation: Invocation, for purpose: LedgerNode.Purpose = .takingPart,
        _ body: @Sendable (Session) async throws -> Void
    ) async throws {
        let home = home(invocation)
        let session = Session(
            invocation: invocation, home: home, node: try LedgerOpening.open(invocation, home, for: purpose))
        do {
            let at = try invocation.time("at")
            if let at { try session.node.clock.move(to: at) }
            try await body(session)
            if at != nil { try session.node.clock.keep() }
        } catch {
            try? session.node.close()
            throw error
        }
        try session.node.close()
    }

    /// Whether this is a demonstration's ledger.
    var isSimulated: Bool { node.genesis.simulated }

    /// Prints what is on this ledger, or came of it, as JSON that says whether it is a demonstration's.
    func json(_ value: some Encodable, isPretty: Bool = true) throws {
        try Output.json(value, isSimulated: isSimulated, isPretty: isPretty)
    }

    /// What a screen of records begins with on a demonstration's ledger.
    func tellWhetherSimulated() {
        if isSimulated { Terminal.print(Terminal.dim("simulated: a demonstration's ledger")) }
    }

    /// The member named by `--as`; verbs that do not demand it take the one whose node this is.
    func member() throws -> MemberID { try actingMember() }

    /// The key that signs: the member's own, or with `--key` one that it holds for a user or a device.
    func signer() throws -> MessageSigner {
        let keystore = home.keystore(of: try member())
        if let name = invocation.string("key") { return try keystore.heldKey(name).signer }
        return try keystore.signingKey().signer
    }

    /// Signs an action as `--as`, waits until it is final, and says what became of it.
    /// - Parameter attached: documents that were sealed for it, and are destroyed in this vault where it is
    ///   rejected.
    /// - Throws: `NegativeAnswer` with the ledger's code where it is rejected.
    @discardableResult
    func perform<C: Contract>(
        _ contract: C.Type, _ action: C.Action, naming attached: [DocumentReference] = [], saying text: String
    ) async throws -> FinalTransaction {
        let final =
            attached.isEmpty
            ? try await node.perform(contract, action, as: try signer())
            : try await documents().perform(contract, action, naming: attached)
        try announce(final, saying: text)
        return final
    }

    /// Says what became of a final transaction.
    /// - Throws: `NegativeAnswer` with the ledger's code where it was rejected.
    func announce(_ final: FinalTransaction, saying text: String) throws {
        if case .rejected(let code) = final.outcome { throw NegativeAnswer(code, final.message) }
        if invocation.wantsJSON { return try json(TransactionReport(final)) }
        Terminal.print("\(Terminal.green("final")) \(text)")
        Terminal.print(Terminal.dim("      block \(final.height), transaction\n      \(final.id)"))
    }

    /// The vault's documents, for the member named by `--as`, signing with `--key` where that is given.
    func documents() throws -> DocumentService {
        try DocumentService(node: node, home: home, member: try member(), key: invocation.string("key"))
    }
}

/// A final transaction as `--json` prints it.
struct TransactionReport: Encodable {
    let transaction: Digest
    let height: Height
    let leaf: UInt64
    let time: Timestamp
    let outcome: String

    init(_ final: FinalTransaction) {
        (transaction, height, leaf) = (final.id, final.height, final.leaf)
        time = final.time
        outcome = final.outcome.code
    }
}

extension Option {
    static let asMember = Option.value("as", "MEMBER", "the member that signs", required: true)
    static let key = Option.value(
        "key", "NAME", "sign with a key that the member holds (device, user, system)")
    static let at = Option.value(
        "at", "TIME", "at TIME of a demonstration's clock, which moves with what reaches the ledger")
    /// What every verb that signs understands. Documents are opened with the member's own sealing key,
    /// whichever key signs.
    static let signing: [Option] = [.asMember, .key, .at]
}

extension Invocation {
    /// A time as ISO 8601 text, a date alone meaning midnight UTC.
    func time(_ name: String) throws -> Timestamp? {
        guard let text = string(name) else { return nil }
        guard let milliseconds = ISO8601.milliseconds(text) else {
            throw UsageError(
                "cli.bad_value", "--\(name) takes a time such as 2026-03-01T08:00:00Z, not «\(text)»")
        }
        return Timestamp(milliseconds: milliseconds)
    }

    func requiredTime(_ name: String) throws -> Timestamp {
        guard let time = try time(name) else {
            throw UsageError("cli.missing_option", "\(verb.title) needs --\(name)")
        }
        return time
    }

    /// An identifier of any kind.
    func identifier<ID: TextIdentifier>(_ name: String, _ type: ID.Type = ID.self) throws -> ID {
        try Invocation.identifier(try required(name), name)
    }

    func optionalIdentifier<ID: TextIdentifier>(_ name: String, _ type: ID.Type = ID.self) throws -> ID? {
        guard let text = string(name) else { return nil }
        return try Invocation.identifier(text, name)
    }

    static func identifier<ID: TextIdentifier>(_ text: String, _ name: String) throws -> ID {
        guard let identifier = ID(text) else {
            throw UsageError(
                "cli.bad_value", "«\(text)» is no name for \(name): it has 1 to 64 of a-z 0-9 - . _")
        }
        return identifier
    }

    /// A digest as 64 hexadecimal digits.
    func digest(_ name: String) throws -> Digest {
        guard let bytes = Hex.decode(try required(name)), let digest = Digest(bytes) else {
            throw UsageError("cli.bad_value", "\(name) takes 64 hexadecimal digits")
        }
        return digest
    }

    /// One of an enum's values by its name.
    func choice<T: RawRepresentable & CaseIterable>(
        _ name: String, _ type: T.Type = T.self
    ) throws -> T? where T.RawValue == String {
        guard let text = string(name) else { return nil }
        return try Invocation.choice(text, name)
    }

    static func choice<T: RawRepresentable & CaseIterable>(
        _ text: String, _ name: String
    ) throws -> T where T.RawValue == String {
        guard let value = T(rawValue: text) else {
            let names = T.allCases.map(\.rawValue).joined(separator: ", ")
            throw UsageError("cli.bad_value", "«\(text)» is no \(name): \(names)")
        }
        return value
    }
}
