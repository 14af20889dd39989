import Codec
import Foundation
import Ledger
import Ordering
import Synchronization
import TestSupport

/// The engines that the conformance suite is run with, and what each claims.
enum EngineKind: String, CaseIterable, Sendable {
    case embedded, hosted, nats, natsCluster

    /// Those that can be run here.
    static var all: [EngineKind] { NATSTestCluster.isPresent ? Array(allCases) : [.embedded, .hosted] }
    /// Those that keep what was ordered: others can follow it, from any position, after any restart.
    static var durable: [EngineKind] { all.filter { $0 != .embedded } }

    /// A ledger's epoch on this engine. Servers are shared between tests, unless a test hurts them.
    func world(alone: Bool = false) throws -> EngineWorld {
        switch self {
        case .embedded: EngineWorld(cluster: nil)
        case .hosted: try EngineWorld.hosted()
        case .nats: EngineWorld(cluster: try alone ? NATSTestCluster() : EngineKind.one.get())
        case .natsCluster:
            EngineWorld(cluster: try alone ? NATSTestCluster(servers: 3) : EngineKind.three.get())
        }
    }

    private static let one = Result { try NATSTestCluster() }
    private static let three = Result { try NATSTestCluster(servers: 3) }
}

/// One epoch of one ledger, and the engines of its members.
final class EngineWorld: Sendable {
    let cluster: NATSTestCluster?
    let host: HostWorld?
    let epoch: Digest
    private let engines = Mutex<[any OrderingEngine]>([])

    init(cluster: NATSTestCluster?, host: HostWorld? = nil, epoch: Digest = newEpoch()) {
        (self.cluster, self.host, self.epoch) = (cluster, host, epoch)
    }

    static func hosted() throws -> EngineWorld {
        let epoch = newEpoch()
        return EngineWorld(cluster: nil, host: try HostWorld(epoch: epoch), epoch: epoch)
    }

    deinit { for engine in engines.withLock({ $0 }) { engine.stop() } }

    /// A new engine of the first or second member.
    /// - Parameter patience: milliseconds that `submit` may take; nil for the engine's own.
    func engine(
        _ member: Int = 0, patience: Int? = nil, _ adjust: (inout NATSConfiguration) -> Void = { _ in }
    ) throws -> any OrderingEngine {
        let engine: any OrderingEngine
        if let cluster {
            var configuration = try cluster.configuration(cluster.members[member], epochBlock: epoch)
            if let patience { configuration.submitTimeoutMilliseconds = patience }
            adjust(&configuration)
            engine = NATSEngine(configuration)
        } else if let host {
            engine = try host.engine(submitMilliseconds: patience ?? 5000)
        } else {
            engine = EmbeddedEngine()
        }
        engines.withLock { $0.append(engine) }
        return engine
    }

    /// A new engine that runs.
    func running(
        _ member: Int = 0, from position: UInt64 = 0, into collector: Collector, patience: Int? = nil,
        _ adjust: (inout NATSConfiguration) -> Void = { _ in }
    ) throws -> any OrderingEngine {
        let engine = try engine(member, patience: patience, adjust)
        engine.start(from: position, deliver: collector.deliver)
        return engine
    }

    /// Ends the engine's servers at once.
    func kill() {
        host?.kill()
        for index in 0..<(cluster?.count ?? 0) { cluster?.kill(index) }
    }

    func restart() throws {
        try host?.start()
        for index in 0..<(cluster?.count ?? 0) { try cluster?.start(index) }
    }
}
