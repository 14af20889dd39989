import Contracts
import Cryptography
import Foundation
import Ledger
import Node
import Synchronization

/// Keeps a node's TLS keys and certificates fresh by itself.
final class TLSKeeper: Sendable {
    private struct State {
        var entries: [TLSFiles.Place: TLSFiles.Entry]
        var settings: TLSPlan.Settings
        var endpoint: String?
        /// The endpoint may differ from the ledger's: it is told once for each start and reload.
        var endpointIsNews = true
    }

    private let home: Home
    private let files: TLSFiles
    private let member: MemberID
    private let log: NodeLog
    private let state: Mutex<State>
    private let announcements = Attempts()

    init(home: Home, configuration: NodeConfiguration, log: NodeLog, now: Timestamp) throws(NodeError) {
        (self.home, files, self.log) = (home, TLSFiles(home), log)
        member = configuration.memberID
        let settings = configuration.tlsSettings
        var entries: [TLSFiles.Place: TLSFiles.Entry] = [:]
        entries[.current] = try files.current(
            of: member, endpoint: configuration.endpoint ?? "", days: settings.certificateDays, now: now)
        entries[.next] = try files.read(.next)
        entries[.previous] = try files.read(.previous)
        state = Mutex(State(entries: entries, settings: settings, endpoint: configuration.endpoint))
    }

    func reload(_ configuration: NodeConfiguration) {
        state.withLock { state in
            state.settings = configuration.tlsSettings
            (state.endpoint, state.endpointIsNews) = (configuration.endpoint, true)
        }
    }

    /// Announces nothing more.
    func stop() { announcements.stop() }

    var identity: TLSIdentity? { state.withLock { $0.entries[.current]?.identity } }

    /// The pins of every key in the files: whoever holds one of them is this node's own member.
    var pins: [TLSPin] { state.withLock { $0.entries.values.map(\.identity.pin).sorted() } }

    /// Takes the steps that are due; true where another identity is to be shown from now on.
    func keep(node: LedgerNode, book: PeerBook, now: Timestamp) throws(NodeError) -> Bool {
        let before = identity
        let seconds = now.nanoseconds / 1_000_000_000
        // A step leads to the next; more than a few would go round in a circle.
        for _ in 0..<4 {
            guard let plan = plan(node: node, book: book), let step = plan.step(nowSeconds: seconds) else {
                break
            }
            if try !take(step, plan, node: node, book: book, now: now) { break }
        }
        tellEndpoint(node: node, book: book)
        return identity != before
    }

    private func plan(node: LedgerNode, book: PeerBook) -> TLSPlan? {
        state.withLock { state in
            guard let current = state.entries[.current] else { return nil }
            let canWrite = book.isOwnMemberActive && !node.genesis.simulated
            return TLSPlan(
                current: current, next: state.entries[.next], previous: state.entries[.previous],
                ledgerPins: canWrite ? book.ledgerPins : nil, settings: state.settings)
        }
    }

    /// Whether the next step may be looked at.
    private func take(
        _ step: TLSPlan.Step, _ plan: TLSPlan, node: LedgerNode, book: PeerBook, now: Timestamp
    ) throws(NodeError) -> Bool {
        let endpoint = state.withLock(\.endpoint) ?? book.ledgerEndpoint ?? ""
        let days = plan.settings.certificateDays
        switch step {
        case .renew(let place):
            guard let entry = state.withLock({ $0.entries[place] }) else { return false }
            let fresh = try TLSKeeper.renewed(entry, endpoint: endpoint, days: days, now: now)
            try put(fresh, in: place)
            log.info("certificate is renewed", ["certificate": place.rawValue, "days": days])
        case .makeNextKey:
            try put(try TLSFiles.make(of: member, endpoint: endpoint, days: days, now: now), in: .next)
            log.info("a TLS key to follow is made")
        case .announce(let pins):
            announce(pins, endpoint: endpoint, node: node)
            return false
        case .useNextKey:
            guard var next = plan.next else { return false }
            var old = plan.current
            let seconds = now.nanoseconds / 1_000_000_000
            (next.sinceSeconds, old.sinceSeconds) = (seconds, seconds)
            // A crash in between leaves the new key in two places: see `TLSPlan.Step.removeNext`.
            try put(old, in: .previous)
            try put(next, in: .current)
            remove(.next)
            log.info("the TLS key that followed is in use", ["pin": next.identity.pin])
        case .removeNext: remove(.next)
        case .removePrevious:
            remove(.previous)
            log.info("the TLS key before is forgotten")
        }
        return true
    }

    private static func renewed(
        _ entry: TLSFiles.Entry, endpoint: String, days: Int64, now: Timestamp
    ) throws(NodeError) -> TLSFiles.Entry {
        let seconds = now.nanoseconds / 1_000_000_000
        do {
            return TLSFiles.Entry(
                identity: try entry.identity.renewed(
                    hosts: TLSFiles.hosts(endpoint), notBeforeSeconds: max(0, seconds - 3_600),
                    notAfterSeconds: seconds + days * 86_400),
                sinceSeconds: entry.sinceSeconds)
        } catch { throw NodeError("tls.bad_host", "the certificate could not be renewed", cause: error) }
    }

    private func put(_ entry: TLSFiles.Entry, in place: TLSFiles.Place) throws(NodeError) {
        try files.write(entry, to: place)
        state.withLock { $0.entries[place] = entry }
    }

    private func remove(_ place: TLSFiles.Place) {
        files.remove(place)
        state.withLock { $0.entries[place] = nil }
    }

    // MARK: The ledger

    private func tellEndpoint(node: LedgerNode, book: PeerBook) {
        let endpoint = state.withLock { state -> String? in
            guard state.endpointIsNews, book.isOwnMemberActive, !node.genesis.simulated else { return nil }
            guard let endpoint = state.endpoint, endpoint != book.ledgerEndpoint else {
                state.endpointIsNews = false
                return nil
            }
            return endpoint
        }
        if let endpoint { announce(book.ledgerPins, endpoint: endpoint, node: node) }
    }

    /// Puts pins and endpoint on the ledger, in the background.
    private func announce(_ pins: [TLSPin], endpoint: String, node: LedgerNode) {
        guard announcements.begin() else { return }
        Task { [self] in
            do {
                let final = try await node.perform(
                    ConsortiumContract.self,
                    .setNode(.init(endpoint: endpoint, tlsPins: pins.map(\.digest))),
                    as: try NodeKeys(home: home, member: member).signer(for: "setNode", node))
                guard case .accepted = final.outcome else {
                    announcements.endRefused()
                    return log.error(
                        "the ledger refuses this node's TLS keys",
                        ["code": final.outcome.code, "reason": final.message])
                }
                // Another may have come with a reload meanwhile.
                state.withLock { if $0.endpoint == endpoint { $0.endpointIsNews = false } }
                announcements.end(succeeded: true)
                log.info("the ledger knows this node", ["endpoint": endpoint, "pins": pins.count])
            } catch {
                announcements.end(succeeded: false)
                guard !announcements.isStopped else { return }
                log.warning("this node's TLS keys are not on the ledger yet", ["reason": error])
            }
        }
    }

}
