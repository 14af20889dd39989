import Codec
import Foundation
import Ledger
import Ordering
import Synchronization
import TestSupport

@testable import Node

/// The nodes of a cluster in one process: who can reach whom, and what gets lost.
final class ClusterNetwork: Sendable {
    private struct State: Sendable {
        var nodes: [MemberID: LedgerNode] = [:]
        var isolated: Set<MemberID> = []
        /// Every so many messages is lost; 0 means none.
        var lossInterval = 0
        var sent = 0
        var lie: Lie?
    }

    /// What a member serves in the place of its blocks.
    typealias Lie = @Sendable (MemberID, [[UInt8]]) -> [[UInt8]]

    private let state = Mutex(State())

    func port(_ member: MemberID) -> Port { Port(network: self, member: member) }

    func connect(_ member: MemberID, _ node: LedgerNode?) { state.withLock { $0.nodes[member] = node } }

    /// Cuts a member off, or lets it back.
    func isolate(_ member: MemberID, _ isIsolated: Bool = true) {
        state.withLock { state in
            if isIsolated { state.isolated.insert(member) } else { state.isolated.remove(member) }
        }
    }

    func loseEvery(_ interval: Int) { state.withLock { $0.lossInterval = interval } }

    func serve(_ lie: Lie?) { state.withLock { $0.lie = lie } }

    private func served(_ blocks: [[UInt8]], by member: MemberID) -> [[UInt8]] {
        state.withLock { $0.lie }.map { $0(member, blocks) } ?? blocks
    }

    func isIsolated(_ member: MemberID) -> Bool { state.withLock { $0.isolated.contains(member) } }

    private func others(than member: MemberID) -> [(MemberID, LedgerNode)] {
        state.withLock { state in
            guard !state.isolated.contains(member) else { return [] }
            return state.nodes.filter { $0.key != member && !state.isolated.contains($0.key) }
                .sorted { $0.key < $1.key }
        }
    }

    private func isLost() -> Bool {
        state.withLock { state in
            state.sent += 1
            return state.lossInterval > 0 && state.sent % state.lossInterval == 0
        }
    }

    /// One member's way to the others.
    struct Port: PeerNetwork {
        let network: ClusterNetwork
        let member: MemberID

        func publish(_ message: ReplicaMessage) {
            for (_, node) in network.others(than: member) where !network.isLost() {
                node.received(message, from: member)
            }
        }

        func blocks(
            above height: Height, from wanted: MemberID?, where isWanted: ([[UInt8]]) -> Bool
        ) throws(NodeError) -> [[UInt8]] {
            let others = network.others(than: member).shuffled()
            var failure: NodeError?
            for (name, node) in others.filter({ $0.0 == wanted }) + others.filter({ $0.0 != wanted }) {
                do throws(NodeError) {
                    let blocks = network.served(
                        try node.servedBlocks(above: height, limitBytes: 8 << 20), by: name)
                    if !blocks.isEmpty, isWanted(blocks) { return blocks }
                } catch { failure = error }
            }
            if let failure { throw failure }
            return []
        }

        func submit(_ transactions: [[UInt8]], to wanted: MemberID?) {
            for (other, node) in network.others(than: member) where wanted.map({ $0 == other }) ?? true {
                node.received(transactions: transactions, from: member)
            }
        }
    }
}

/// The orders of a cluster's epochs, in memory: one for each epoch block.
final class ClusterOrders: Sendable {
    enum Fault: Sendable {
        /// Takes nothing and delivers nothing.
        case dead
        /// Takes everything and delivers nothing.
        case silent
        /// This member is given the batches from a position on in pairs the wrong way round.
        case twoFaced(MemberID, from: Int)
    }

    private struct Order: Sendable {
        var batches: [[UInt8]] = []
        var fault: Fault?
    }

    private struct State: Sendable {
        var orders: [Digest: Order] = [:]
        /// For orders to come.
        var nextFault: Fault?
        var failover = Span.seconds(0)
    }

    private let condition = NSCondition()
    private let state = Mutex(State())

    func engine(_ context: EpochContext, for member: MemberID, network: ClusterNetwork) -> ClusterEngine {
        ClusterEngine(orders: self, epoch: context.block, member: member, network: network)
    }

    /// How long an order may be dead before it is suspected.
    var failover: Span {
        get { state.withLock { $0.failover } }
        set { state.withLock { $0.failover = newValue } }
    }

    /// What goes wrong with an epoch's order from now on.
    func fail(_ epoch: Digest, _ fault: Fault?) {
        state.withLock { $0.orders[epoch, default: Order()].fault = fault }
        wake()
    }

    func append(_ batch: [UInt8], to epoch: Digest) throws(OrderingError) {
        let isTaken = state.withLock { state -> Bool in
            if case .dead? = state.orders[epoch]?.fault { return false }
            state.orders[epoch, default: Order()].batches.append(batch)
            return true
        }
        guard isTaken else { throw .unavailable }
        wake()
    }

    func wake() {
        condition.lock()
        condition.broadcast()
        condition.unlock()
    }

    /// The batch at a position as a member is given it, waiting for it; nil once `isStopped`.
    func batch(
        at position: Int, of epoch: Digest, for member: MemberID, isStopped: () -> Bool
    ) -> [UInt8]? {
        condition.lock()
        defer { condition.unlock() }
        while !isStopped() {
            let found = state.withLock { state in
                state.orders[epoch].flatMap { ClusterOrders.batch($0, position, member) }
            }
            if let found { return found }
            condition.wait()
        }
        return nil
    }

    private static func batch(_ order: Order, _ position: Int, _ member: MemberID) -> [UInt8]? {
        var place = position
        switch order.fault {
        case .dead, .silent: return nil
        case .twoFaced(member, let from) where position >= from:
            place = from + ((position - from) ^ 1)
        case .twoFaced, nil: break
        }
        return order.batches.indices.contains(place) ? order.batches[place] : nil
    }
}

/// One member's connection to an order.
final class ClusterEngine: OrderingEngine {
    private let orders: ClusterOrders
    private let epoch: Digest
    private let member: MemberID
    private let network: ClusterNetwork
    private let isStopped = Mutex(false)
    private let done = DispatchSemaphore(value: 0)
    private let hasStarted = Mutex(false)

    init(orders: ClusterOrders, epoch: Digest, member: MemberID, network: ClusterNetwork) {
        (self.orders, self.epoch, self.member, self.network) = (orders, epoch, member, network)
    }

    func submit(_ batch: [UInt8]) throws(OrderingError) {
        try OrderingError.checkPublic(batch)
        guard !network.isIsolated(member) else { throw .unavailable }
        try orders.append(batch, to: epoch)
    }

    func start(from position: UInt64, deliver: @escaping @Sendable (OrderedBytes) -> Void) {
        hasStarted.withLock { $0 = true }
        let thread = Thread { [self] in
            var next = Int(position)
            while let bytes = orders.batch(at: next, of: epoch, for: member, isStopped: { stopped }) {
                while network.isIsolated(member), !stopped { usleep(1000) }
                if stopped { break }
                deliver(OrderedBytes(position: UInt64(next), bytes: bytes))
                next += 1
            }
            done.signal()
        }
        thread.start()
    }

    private var stopped: Bool { isStopped.withLock { $0 } }

    func stop() {
        guard hasStarted.withLock({ $0 }),
            !isStopped.withLock({ was in
                defer { was = true }
                return was
            })
        else { return }
        orders.wake()
        done.wait()
    }

    var failover: Span { orders.failover }

    var health: EngineHealth {
        EngineHealth(state: .following, lastDelivered: nil, lastKnown: nil, summary: "in memory")
    }
}

extension OrderingError {
    static func checkPublic(_ batch: [UInt8]) throws(OrderingError) {
        if batch.isEmpty { throw .empty }
    }
}
