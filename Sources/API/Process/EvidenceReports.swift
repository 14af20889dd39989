import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Node
import Synchronization

/// Puts on the ledger what this node has seen validators sign against their word, each fault once.
///
/// A fault that is on the ledger already is left alone. The nodes of the validators take their turns, so that
/// what all have seen is mostly reported by one. What waits is in `evidence/waiting/`, so that a restart does
/// not forget it. Where the node has no key that may report, the messages are kept in `evidence/` and the log
/// names the verb that takes them.
final class EvidenceReports: Sendable {
    /// A fault as the messages tell it: whose key, which rule, which place.
    struct Name: Hashable, Codable {
        let key: KeyID
        let kind: EvidenceRecord.Kind
        let epoch: Epoch
        let height: Height

        /// What files of it are called.
        var label: String { "\(key)".prefix(16) + "-\(kind.rawValue)-\(epoch)-\(height)" }
    }

    private struct Found: Sendable, Codable {
        let name: Name
        let report: ConsortiumContract.ReportEvidence
        /// When it was seen first, or read again after a restart.
        var since = Date()
        var isSaved = false

        enum CodingKeys: CodingKey { case name, report }
    }

    private struct State {
        var seen: Set<Name> = []
        var waiting: [Found] = []
    }

    /// Faults that are remembered; a liar can make any number.
    private static let limit = 1_024
    /// How long each validator leaves a fault to those before it.
    private static let turnSeconds = 2.0

    private let home: Home
    private let member: MemberID
    private let log: NodeLog
    private let state = Mutex(State())
    private let attempts = Attempts()

    init(home: Home, member: MemberID, log: NodeLog) {
        (self.home, self.member, self.log) = (home, member, log)
        recall()
    }

    func stop() { attempts.stop() }

    // MARK: What is seen

    /// Takes evidence in, on the thread that sees it.
    func note(_ evidence: Replica.Evidence) {
        let (name, report) = EvidenceReports.report(evidence)
        let isNew = state.withLock { state in
            guard state.seen.count < EvidenceReports.limit, state.seen.insert(name).inserted else {
                return false
            }
            state.waiting.append(Found(name: name, report: report))
            return true
        }
        guard isNew else { return }
        log.error(
            "a validator contradicts itself",
            ["key": name.key, "kind": name.kind.rawValue, "epoch": name.epoch, "height": name.height])
    }

    /// The evidence as the ledger takes it.
    static func report(
        _ evidence: Replica.Evidence
    ) -> (name: Name, report: ConsortiumContract.ReportEvidence) {
        func message(_ signed: Replica.Evidence.Signed) -> ConsortiumContract.SignedMessage {
            let attestation = signed.attestation
            return .init(
                message: Bytes(attestation.message().encoded),
                payload: attestation.kind == .commit ? signed.logRoot : nil)
        }
        func message(_ stop: Stop) -> ConsortiumContract.SignedMessage { .init(message: Bytes(stop.bytes)) }
        switch evidence {
        case .conflicting(let first, let second):
            let of = first.attestation
            let kind: EvidenceRecord.Kind = of.kind == .vote ? .conflictingVotes : .conflictingCommits
            return (
                Name(key: of.key, kind: kind, epoch: of.epoch, height: of.height),
                .init(kind: kind, first: message(first), second: message(second))
            )
        case .conflictingStops(let first, let second):
            return (
                Name(key: first.key, kind: .conflictingStops, epoch: first.epoch, height: 0),
                .init(kind: .conflictingStops, first: message(first), second: message(second))
            )
        case .hiddenLock(let stop, let commit):
            return (
                Name(key: stop.key, kind: .staleLock, epoch: stop.epoch, height: 0),
                .init(kind: .staleLock, first: message(stop), second: message(commit))
            )
        }
    }

    // MARK: What waits

    private var folder: URL { home.folder.appendingPathComponent("evidence") }
    private var waitingFolder: URL { folder.appendingPathComponent("waiting") }
    private func file(_ name: Name) -> URL { waitingFolder.appendingPathComponent("\(name.label).cbor") }

    /// Writes what has been seen since it was last called.
    /// - Throws: `home.io`.
    func save() throws {
        for found in state.withLock({ $0.waiting }) where !found.isSaved {
            try home.replace(file(found.name), with: try CBOR.encode(found), mode: 0o600)
            state.withLock { state in
                guard let place = state.waiting.firstIndex(where: { $0.name == found.name }) else { return }
                state.waiting[place].isSaved = true
            }
        }
    }

    /// Reads what a node that was stopped has not reported.
    private func recall() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: waitingFolder.path)) ?? []
        for name in names.sorted().prefix(EvidenceReports.limit) where name.hasSuffix(".cbor") {
            let file = waitingFolder.appendingPathComponent(name)
            do {
                var found = try CBOR.decode(Found.self, from: [UInt8](try Data(contentsOf: file)))
                found.isSaved = true
                state.withLock { state in
                    guard state.seen.insert(found.name).inserted else { return }
                    state.waiting.append(found)
                }
            } catch {
                log.warning("evidence that waits cannot be read", ["file": file.path, "reason": error])
            }
        }
    }

    // MARK: Reporting

    /// Reports what is next, in the background.
    func keep(node: LedgerNode, book: PeerBook) throws {
        try save()
        guard book.isOwnMemberActive, !node.genesis.simulated else { return }
        let order = node.epoch.validators.validators.map(\.member)
        let turn = order.firstIndex(of: member) ?? order.count
        let next = state.withLock { state -> Found? in
            guard let next = state.waiting.first,
                Date().timeIntervalSince(next.since) >= Double(turn) * EvidenceReports.turnSeconds,
                attempts.begin()
            else { return nil }
            return next
        }
        guard let next else { return }
        do {
            if try isKnown(next, node) { return done(next) }
            guard let signer = signer(node) else {
                try keepForOperator(next)
                return done(next)
            }
            report(next, node, signer)
        } catch {
            attempts.end(succeeded: false)
            throw error
        }
    }

    private func done(_ found: Found) {
        state.withLock { $0.waiting.removeAll { $0.name == found.name } }
        unlink(file(found.name).path)
        attempts.end(succeeded: true)
    }

    private func isKnown(_ found: Found, _ node: LedgerNode) throws -> Bool {
        let view = try node.view()
        let name = found.name
        guard let key = try view.get(VotingKeyRecord.self, name.key) else { return false }
        let fault = EvidenceRecord.Fault(
            validator: key.member, kind: name.kind, epoch: name.epoch, height: name.height)
        return try view.get(EvidenceRecord.self, fault) != nil
    }

    private func report(_ found: Found, _ node: LedgerNode, _ signer: MessageSigner) {
        Task { [self] in
            do {
                let final = try await node.perform(
                    ConsortiumContract.self, .reportEvidence(found.report), as: signer)
                switch final.outcome {
                case .accepted:
                    log.info(
                        "a validator's fault is on the ledger",
                        ["kind": found.name.kind.rawValue, "height": final.height])
                case .rejected("consortium.evidence_known"): break
                case .rejected(let code):
                    log.error("the ledger refuses a report", ["code": code, "reason": final.message])
                    try keepForOperator(found)
                }
                done(found)
            } catch {
                attempts.end(succeeded: false)
                guard !attempts.isStopped else { return }
                log.warning("a validator's fault is not on the ledger yet", ["reason": error])
            }
        }
    }

    /// The delegated key of the node where it may report, otherwise the member's own where it can be read.
    private func signer(_ node: LedgerNode) -> MessageSigner? {
        try? NodeKeys(home: home, member: member).signer(for: "reportEvidence", node)
    }

    /// Leaves the messages where an operator finds them.
    private func keepForOperator(_ found: Found) throws {
        let name = found.name
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var command = "millwright evidence report --as MEMBER --kind \(name.kind.rawValue)"
        for (place, signed) in [("first", found.report.first), ("second", found.report.second)] {
            let file = folder.appendingPathComponent("\(name.label)-\(place).cose")
            try Data(signed.message.array).write(to: file)
            command += " --\(place) \(file.path)"
            if let root = signed.payload { command += " --\(place)-root \(root)" }
        }
        log.warning(
            "a validator's fault is not on the ledger: this node has no key that may report it",
            ["verb": command])
    }
}
