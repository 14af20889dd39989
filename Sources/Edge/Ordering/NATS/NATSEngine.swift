import Codec
import Cryptography
import Foundation
import Ledger
import Synchronization

/// Orders through NATS JetStream: one stream an epoch, one subject a member, every batch synced to disk on a
/// majority of the stream's servers before it is acknowledged.
///
/// The servers are not trusted to keep their word. Sequences have no gaps, and the last delivered message
/// is compared whenever the stream is taken up again, so that a stream that has lost its end or was created
/// anew is reported (`EngineHealth.State.lost`) and never delivered as if it went on.
package final class NATSEngine: OrderingEngine {
    private let configuration: NATSConfiguration
    private let status = EngineStatus()
    private let thread = Mutex<DispatchGroup?>(nil)

    /// Does not connect yet: `start` does, and goes on trying.
    package init(_ configuration: NATSConfiguration) { self.configuration = configuration }

    deinit { status.end() }

    package var health: EngineHealth { status.health }

    /// A minority of the servers may be lost, and servers that start take as long until they find each other:
    /// those that were never reached are given this time once, from `start` on.
    package var failover: Span {
        guard configuration.replicas >= 3,
            status.mayCome(within: .milliseconds(configuration.failoverMilliseconds))
        else { return .seconds(0) }
        return .milliseconds(Int64(configuration.failoverMilliseconds))
    }

    package func start(from position: UInt64, deliver: @escaping @Sendable (OrderedBytes) -> Void) {
        thread.withLock { running in
            guard status.begin() else { return }
            let group = DispatchGroup()
            group.enter()
            let (configuration, status) = (configuration, status)
            let thread = Thread {
                NATSFollower(configuration, from: position, status: status, deliver: deliver).run()
                group.leave()
            }
            thread.name = "millwright.nats"
            thread.start()
            running = group
        }
    }

    package func stop() {
        thread.withLock { running in
            status.end()
            running?.wait()
            running = nil
        }
    }

    /// Several attempts within `submitTimeoutMilliseconds`, and at most `requestTimeoutMilliseconds` more
    /// where a server takes no bytes. A batch's digest is its message id, by which the servers know one that
    /// is sent again.
    package func submit(_ batch: [UInt8]) throws(OrderingError) {
        try OrderingError.check(batch)
        let deadline = Date(timeIntervalSinceNow: Double(configuration.submitTimeoutMilliseconds) / 1000)
        let digest = SHA256.digest(batch).description
        var impostors = 0
        while true {
            let stream = try status.stream(until: deadline)
            let left = Int(deadline.timeIntervalSinceNow * 1000)
            do throws(NATSFailure) {
                let answer = try stream.publish(
                    batch, id: impostors == 0 ? digest : "\(digest)-\(impostors)",
                    timeoutMilliseconds: min(left, configuration.requestTimeoutMilliseconds))
                // A server that stops taking bytes in the middle of a message may later complete it with the
                // bytes of the next one. Such a message has this batch's id and not its content.
                let stored = answer.isDuplicate ? try stream.message(at: answer.sequence) : batch
                if stored == batch { return status.ordered(at: answer.sequence - 1) }
                impostors += 1
            } catch {
                if let refusal = error.refusal { throw refusal }
                let words = stream.connection.events.takeRefusal()
                if words?.contains(configuration.stream.subject(of: configuration.member)) == true {
                    throw .refused
                }
                status.pause(milliseconds: 20)
            }
            if Date() >= deadline { throw .unavailable }
        }
    }

    /// Where the stream is kept.
    /// - Throws: as `submit`.
    package func placement() throws(OrderingError) -> EnginePlacement {
        let deadline = Date(timeIntervalSinceNow: Double(configuration.requestTimeoutMilliseconds) / 1000)
        let stream = try status.stream(until: deadline)
        guard let found = try? stream.information() else { throw .unavailable }
        return EnginePlacement(leader: found.leader, replicas: found.replicas)
    }
}

/// The servers of a stream.
package struct EnginePlacement: Hashable, Sendable {
    package struct Replica: Hashable, Sendable {
        package let server: String
        /// Whether it has everything that the leader has.
        package let isCurrent: Bool
    }

    /// The server that gives out positions; nil for one that is alone, and while there is none.
    package let leader: String?
    /// The servers that follow it.
    package let replicas: [Replica]
}
