import Codec
import Contracts
import Cryptography
import Foundation
import HTTP
import Ledger
import Node
import Ordering
import Vault

/// One company's node as a process: the ledger, its peers, its server, and what keeps them in order.
package final class NodeProcess: Sendable {
    private struct Lifetime {
        var isReady = false
        var isStopping = false
        var configuration: NodeConfiguration
        var server: NodeServer?
    }

    package let home: Home
    package let node: LedgerNode
    package let peers: HTTPPeers
    package let monitor: NodeMonitor
    private let log: NodeLog
    private let tls: TLSKeeper
    private let offers: KeyOffers
    private let keyEnds: NodeKeyEnds
    private let evidence: EvidenceReports
    private let snapshots: SnapshotKeeper
    private let history: HistoryKeeper
    private let orders: HostedOrders
    private let documents: DocumentReplication
    private let lifetime: ConditionMutex<Lifetime>

    /// Opens the ledger, connects, and listens.
    /// - Throws: `config.*`, `home.*`, `keys.*`, `tls.*`, `node.*`, `http.*`.
    package init(
        home: Home, configuration: NodeConfiguration, log: NodeLog,
        options: LedgerNode.Options = NodeProcess.defaultOptions
    ) throws {
        Cryptography.initialise()
        (self.home, self.log) = (home, log)
        try LedgerReplacement(home).recover()
        snapshots = SnapshotKeeper(home: home, log: log)
        history = HistoryKeeper(home: home, log: log)
        let lifetime = ConditionMutex(Lifetime(configuration: configuration))
        self.lifetime = lifetime
        let tls = try TLSKeeper(home: home, configuration: configuration, log: log, now: NodeProcess.now)
        self.tls = tls
        offers = KeyOffers(home: home, member: configuration.memberID, log: log)
        keyEnds = NodeKeyEnds(home: home, member: configuration.memberID)
        let evidence = EvidenceReports(home: home, member: configuration.memberID, log: log)
        self.evidence = evidence
        guard let identity = tls.identity else { throw NodeError("tls.damaged", "there is no TLS key") }
        if !home.isFounded {
            try GenesisFetch(home: home, configuration: configuration, identity: identity, log: log).run()
        }
        let (genesis, genesisBytes, chain) = try home.genesis()
        let vault = try DocumentVault(home.vaultFolder)
        let book = PeerBook(
            own: configuration.memberID, ownPins: tls.pins, configured: configuration.configuredPeers)
        let peers = HTTPPeers(book, identity: identity, log: log)
        let orders = HostedOrders(home)
        (self.peers, self.orders) = (peers, orders)
        let engines = NodeEngines(
            home: home, chain: chain, own: configuration.memberID, peers: peers, orders: orders,
            nats: configuration.natsFiles(in: home))
        var options = options
        // A demonstration's clock is moved by hand, and nothing is due before.
        options.ticks = options.ticks && !genesis.simulated
        node = try LedgerNode(
            home: home,
            surroundings: .init(
                network: peers,
                engines: { context in
                    // Whoever an engine is followed at stands on the ledger, which is being opened.
                    lifetime.wait(milliseconds: 10_000) { $0.isReady || $0.isStopping }
                    let engine = try engines.make(context)
                    log.info("epoch begins", ["epoch": context.epoch, "engine": context.engine])
                    return engine
                },
                onEvidence: { evidence.note($0) }
            ), options: options)
        monitor = NodeMonitor(node: node, peers: peers, home: home, log: log) {
            lifetime.read { $0.server?.metrics }
        }
        documents = DocumentReplication(
            node: node, member: configuration.memberID, vault: vault,
            exchange: DocumentExchange(
                node: node, member: configuration.memberID, identity: identity,
                address: { record in
                    guard record.status == .active else { return nil }
                    return peers.book.address(of: record.id).map {
                        .init(endpoint: $0.endpoint, pins: $0.pins)
                    }
                },
                onFailure: { member, error in
                    log.debug("a peer gave no document", ["peer": member, "reason": error])
                }))
        do { try begin(configuration, identity, genesisBytes) } catch {
            stop()
            throw error
        }
    }

    package static var defaultOptions: LedgerNode.Options {
        var options = LedgerNode.Options()
        options.ticks = true
        return options
    }

    static var now: Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }

    private func begin(
        _ configuration: NodeConfiguration, _ identity: TLSIdentity, _ genesis: [UInt8]
    ) throws {
        try refreshBook()
        peers.begin(node)
        lifetime.update { $0.isReady = true }
        guard let listener = configuration.listener else {
            throw NodeError("config.bad_value", "listen is HOST:PORT")
        }
        let routes =
            monitor.routes + PeerRoutes(node: node, peers: peers, genesis: genesis).routes + orders.routes
            + LocalRoutes(node: node, documents: documents).routes
            + DocumentRoutes(node: node, documents: documents).routes
            + InvitationRoutes(node: node).routes + SnapshotRoutes(node: node, home: home).routes
            + OperationRoutes(node: node, home: home).routes + [
                history.route(node: node, peers: peers) { [lifetime] in
                    lifetime.read { $0.configuration.pruning != nil }
                }
            ]
        let server = try NodeServer(
            host: listener.host, port: listener.port, identity: identity, routes: routes,
            identify: { [peers, monitor, log] certificate in
                guard let certificate else { return .stranger }
                let caller = peers.book.caller(certificate.pin)
                if caller != .stranger {
                    monitor.warn(
                        .certificate(caller.other.map { "of \($0)" } ?? "node"),
                        at: certificate.notAfterSeconds, now: NodeProcess.seconds)
                } else {
                    log.debug("a stranger calls", ["pin": certificate.pin])
                }
                return caller
            },
            invited: { [node] in try InvitedCallers(node: node).caller($0) },
            onFailure: { [log] error, target in
                log.error("a request failed", ["path": target, "reason": error])
            })
        lifetime.update { $0.server = server }
        let host = ["0.0.0.0", "::"].contains(listener.host) ? "127.0.0.1" : listener.host
        let endpoint = "https://\(host.contains(":") ? "[\(host)]" : host):\(server.port)"
        let address = NodeAddress(
            endpoint: endpoint, pin: identity.pin, pid: getpid(), member: configuration.memberID)
        try address.write(to: home)
        log.info(
            "node listens",
            [
                "member": configuration.member, "listen": "\(listener.host):\(server.port)",
                "chain": node.rules.chain, "height": node.height, "pin": identity.pin,
            ])
        if node.status.votingKeyIsForeign {
            log.warning("the voting key belongs to another copy of this ledger: this node observes")
        }
        documents.start()
        let thread = Thread { [self] in keepHouse() }
        thread.name = "house"
        thread.start()
    }

    /// The port that the node listens on.
    package var port: UInt16? { lifetime.read { $0.server?.port } }

    // MARK: The end

    /// Stops taking requests, finishes what it can, and lets go of the data directory. A second call does
    /// nothing.
    /// - Returns: why the node had halted, nil where it had not.
    @discardableResult
    package func stop() -> NodeError? {
        let (isFirst, server) = lifetime.update { state in
            // The server's routes hold the node, which is to let go of its store.
            defer { (state.isStopping, state.server) = (true, nil) }
            return (!state.isStopping, state.server)
        }
        guard isFirst else { return nil }
        log.info("node stops")
        NodeAddress.remove(from: home)
        tls.stop()
        offers.stop()
        evidence.stop()
        snapshots.stop()
        history.stop()
        server?.stop()
        documents.stop()
        var failure: NodeError?
        // Others have to hear of what is on its way, so the connections go last.
        do throws(NodeError) { try node.close() } catch { failure = error }
        peers.close()
        log.info("node has stopped", ["height": node.height])
        return failure
    }

    /// Waits for a snapshot that is to take the ledger's place: this node lacks blocks that no peer keeps.
    /// - Returns: nil where none came in time.
    func nextSnapshot(milliseconds: Int) -> SnapshotTaking? { snapshots.take(milliseconds: milliseconds) }

    // MARK: Reloading

    /// Takes from a configuration what can change while the node runs: peers, endpoint, log level, lifetimes
    /// and how many blocks are kept.
    /// - Returns: the settings that count only after a restart.
    package func reload(_ configuration: NodeConfiguration) throws -> [String] {
        let before = lifetime.read(\.configuration)
        var later: [String] = []
        if before.member != configuration.member { later.append("member") }
        if before.listen != configuration.listen { later.append("listen") }
        if before.nats != configuration.nats { later.append("nats") }
        var taken = configuration
        (taken.member, taken.listen, taken.nats) = (before.member, before.listen, before.nats)
        lifetime.update { [taken] in $0.configuration = taken }
        log.level = configuration.level
        tls.reload(configuration)
        try refreshBook()
        return later
    }

    // MARK: The house

    private static let lookMilliseconds = 250
    /// Looks between what need not be often.
    private static let looksPerRound = 40

    private func keepHouse() {
        var height: Height?
        var health: EngineHealth.State?
        var looks = 0
        var hasHalted = false
        while !lifetime.wait(milliseconds: NodeProcess.lookMilliseconds, until: \.isStopping) {
            monitor.look()
            let status = node.status
            if let halted = status.halted, !hasHalted {
                hasHalted = true
                log.error("node has halted", ["code": halted.code, "reason": halted])
            }
            if status.engineHealth?.state != health {
                health = status.engineHealth?.state
                let summary = status.engineHealth?.summary ?? "is being made"
                if health == .following {
                    log.info("engine is followed", ["engine": status.engine, "state": summary])
                } else {
                    log.warning("engine is not followed", ["engine": status.engine, "state": summary])
                }
            }
            let isRound = looks % NodeProcess.looksPerRound == 0
            looks += 1
            if height != status.finalHeight || isRound {
                height = status.finalHeight
                attempt("reading the ledger's peers") { try refreshBook() }
                attempt("keeping TLS keys") { try keepKeys() }
                attempt("offering keys") { try offers.keep(node: node, book: peers.book) }
            }
            snapshots.keep(node: node, peers: peers)
            attempt("reporting evidence") { try evidence.keep(node: node, book: peers.book) }
            if isRound { round() }
        }
    }

    private static var seconds: Int64 { now.nanoseconds / 1_000_000_000 }

    private func round() {
        attempt("looking at this node's keys") {
            monitor.note(keys: try keyEnds.current(try node.view()), now: NodeProcess.seconds)
        }
        attempt("removing old orders") { try orders.remove(before: node.epochChain.last?.header.epoch ?? 0) }
        let configuration = lifetime.read(\.configuration)
        if let order = configuration.pruning {
            attempt("removing old blocks") {
                let report = try node.prune(order)
                if report.segments > 0 {
                    log.info("old blocks are removed", ["segments": report.segments, "first": report.first])
                }
            }
        }
        if let path = configuration.natsFiles(in: home)?.certificate {
            attempt("reading the certificate for NATS") {
                let text = try String(contentsOfFile: path, encoding: .utf8)
                note("nats", try TLSCertificate(pem: text))
            }
        }
    }

    private func keepKeys() throws {
        if try tls.keep(node: node, book: peers.book, now: NodeProcess.now), let identity = tls.identity {
            try lifetime.read(\.server)?.use(identity)
            documents.exchange.use(identity)
            try refreshBook()
            if let address = NodeAddress.running(in: home) {
                try NodeAddress(
                    endpoint: address.endpoint, pin: identity.pin, pid: getpid(), member: peers.book.own
                ).write(to: home)
            }
        }
        if let identity = tls.identity { note("node", identity.certificate) }
    }

    private func note(_ name: String, _ certificate: TLSCertificate) {
        monitor.note(.certificate(name), at: certificate.notAfterSeconds, now: NodeProcess.seconds)
    }

    /// The house goes on whatever fails in it, and says so.
    private func attempt(_ what: String, _ body: () throws -> Void) {
        do { try body() } catch { log.error("upkeep failed", ["step": what, "reason": error]) }
    }

    /// Reads who is who from the ledger, and connects accordingly.
    private func refreshBook() throws {
        guard let identity = tls.identity else { return }
        let configuration = lifetime.read(\.configuration)
        let view = try node.view()
        let validators = try view.existing(ValidatorsRecord.self, .init())
        let names = Set(
            node.epoch.validators.validators.map(\.member) + validators.current.map(\.member)
                + (validators.next ?? []).map(\.member))
        peers.update(
            PeerBook(
                own: configuration.memberID, ownPins: tls.pins, configured: configuration.configuredPeers,
                members: try view.all(MemberRecord.self), validators: names.sorted()),
            identity: identity)
    }
}
