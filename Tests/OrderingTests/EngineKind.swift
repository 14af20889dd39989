import Codec
import Foundation
import Ledger
import Ordering
import Synchronization
import TestSupport

/// The engines that the conformance suite is run with, and what each claims.
enum EngineKind: String, CaseIterable, Sendable {
    case embedded, nats, natsCluster

    /// Those that can be run here.
    static var all: [EngineKind] { NATSTestCluster.isPresent ? Array(allCases) : [.embedded] }
    /// Those that keep what was ordered: others can follow it, from any position, after any restart.
    static var durable: [EngineKind] { all.filter { $0 != .embedded } }

    /// A ledger's epoch on this engine. Servers are shared between tests, unless a test hurts them.
    func world(alone: Bool = false) throws -> EngineWorld {
        switch self {
        case .embedded: EngineWorld(cluster: nil)
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
    let epoch: Digest
    private let engines = Mutex<[any OrderingEngine]>([])

    init(cluster: NATSTestCluster?, epoch: Digest = newEpoch()) { (self.cluster, self.epoch) = (cluster, epoch) }

    deinit { for engine in engines.withLock({ $0 }) { engine.stop() } }

    /// A new engine of the first or second member.
    func engine(_ member: Int = 0, _ adjust: (inout NATSConfiguration) -> Void = { _ in }) throws
        -> any OrderingEngine
    {
        let engine: any OrderingEngine
        if let cluster {
            var configuration = try cluster.configuration(cluster.members[member], epochBlock: epoch)
            adjust(&configuration)
            engine = NATSEngine(configuration)
        } else {
            engine = EmbeddedEngine()
        }
        engines.withLock { $0.append(engine) }
        return engine
    }

    /// A new engine that runs.
    func running(
        _ member: Int = 0, from position: UInt64 = 0, into collector: Collector,
        _ adjust: (inout NATSConfiguration) -> Void = { _ in }
    ) throws -> any OrderingEngine {
        let engine = try engine(member, adjust)
        engine.start(from: position, deliver: collector.deliver)
        return engine
    }

    /// Ends the engine's servers at once.
    func kill() { for index in 0..<(cluster?.count ?? 0) { cluster?.kill(index) } }
    func restart() throws { for index in 0..<(cluster?.count ?? 0) { try cluster?.start(index) } }
}
