import Codec
import Foundation
import HTTP
import Ledger
import Node
import Ordering
import Storage
import Synchronization

/// The orders that this node hosts for a consortium without a server: one an epoch, each in a folder of its
/// own under `engine/`.
package final class HostedOrders: Sendable {
    private struct Order {
        let engine: HostedEngine
        let epoch: Epoch
        let validators: [MemberID]
    }

    private let folder: URL
    private let orders = Mutex<[Digest: Order]>([:])

    package init(_ home: Home) { folder = home.engineFolder }

    /// The engine of an epoch, opened or made.
    /// - Throws: those of the block log.
    package func engine(_ context: EpochContext) throws -> HostedEngine {
        try orders.withLock { orders in
            if let known = orders[context.block] { return known.engine }
            let name = "\(context.epoch)-\(context.block.description.prefix(16))"
            let place = folder.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: place, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let engine = try HostedEngine(opening: place.path, epochBlock: context.block)
            orders[context.block] = Order(
                engine: engine, epoch: context.epoch,
                validators: context.validators.validators.map(\.member))
            return engine
        }
    }

    /// Lets go of the orders of earlier epochs, and of their files: their blocks are final.
    package func remove(before epoch: Epoch) throws {
        orders.withLock { $0 = $0.filter { $0.value.epoch >= epoch } }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        for name in names {
            guard let number = name.split(separator: "-").first.flatMap({ Epoch($0) }), number < epoch else {
                continue
            }
            try FileManager.default.removeItem(at: folder.appendingPathComponent(name))
        }
    }

    // MARK: Routes

    /// | | for | |
    /// |---|---|---|
    /// | `GET /v1/engine/<epoch block>/batches?from=N` | members | an endless stream: see `HostedEngine` |
    /// | `POST /v1/engine/<epoch block>/batches` | the epoch's validators | a batch; 204 once it is durable |
    package var routes: [Route] {
        [
            Route(.get, "/v1/engine/:epoch/batches", for: .members) { call in
                try self.order(call).engine.stream(from: try call.number("from", otherwise: 0))
            },
            Route(
                .post, "/v1/engine/:epoch/batches", for: .members, maximumBodyBytes: Batch.maximumSize
            ) { call in
                let order = try self.order(call)
                guard let member = call.caller.other, order.validators.contains(member) else {
                    throw Problem(
                        .forbidden, OrderingError.refused.rawValue,
                        "only a validator of the epoch orders batches")
                }
                return order.engine.answer(to: call.request.body)
            },
        ]
    }

    /// An epoch that is not open here may have begun elsewhere already, so the caller tries again.
    private func order(_ call: Call) throws -> Order {
        guard let bytes = Hex.decode(call.parameter("epoch")), let block = Digest(bytes) else {
            throw Problem(.badRequest, "api.bad_path", "an epoch block's hash has 64 hexadecimal digits")
        }
        guard let order = orders.withLock({ $0[block] }) else {
            throw Problem(
                .unavailable, OrderingError.unavailable.rawValue, "this node does not host that epoch's order"
            )
        }
        return order
    }
}
