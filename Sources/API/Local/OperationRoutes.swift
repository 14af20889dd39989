import Codec
import Foundation
import HTTP
import Ledger
import Node

/// What this node's own operator asks of it while it runs, under `/v1/local`.
///
/// | | | |
/// |---|---|---|
/// | `POST backup` | `BackupOrder` → `BackupNote` | copies the data directory |
/// | `POST prune` | `PruneOrder` → `PruneReport` | removes old blocks |
/// | `POST history` | → frames of `LocalHistory` | fetches older blocks: `HistoryKeeper` |
/// | `POST engine` | `EngineWish` | suspects the engine, and says which is wanted |
struct OperationRoutes: Sendable {
    let node: LedgerNode
    let home: Home

    var routes: [Route] {
        [
            route("backup") { body in
                try CBOR.encode(node.backup(CBOR.decode(BackupOrder.self, from: body), of: home))
            },
            route("prune") { body in
                try CBOR.encode(node.prune(CBOR.decode(PruneOrder.self, from: body)))
            },
            route("engine") { body in
                let wish = try CBOR.decode(EngineWish.self, from: body)
                if let engine = wish.engine, EngineAddress(engine) == nil {
                    throw NodeError("engine.unknown", "«\(engine)» is no engine")
                }
                node.suspectEngine(wish: wish.engine)
                return []
            },
        ]
    }

    private func route(
        _ path: String, _ answer: @escaping @Sendable ([UInt8]) throws -> [UInt8]
    ) -> Route {
        Route(.post, "/v1/local/\(path)", for: .own) { call in
            try Problem.translating {
                HTTPResponse(type: LocalAPI.contentType, try answer(call.request.body))
            }
        }
    }
}
