import Foundation
import HTTP
import Ledger
import Node
import Storage
import Synchronization

/// A snapshot for nodes that begin, or that were away for longer than this one keeps blocks.
///
/// | | | |
/// |---|---|---|
/// | `GET /v1/peer/snapshot` | guests | a `SnapshotOffer`; the snapshot is made where there is none |
/// | `GET /v1/peer/snapshot/:chunk` | guests | a chunk, by its number |
struct SnapshotRoutes: Sendable {
    let node: LedgerNode
    let home: Home
    private let making = MakingLock()

    init(node: LedgerNode, home: Home) { (self.node, self.home) = (node, home) }

    private final class MakingLock: Sendable { let mutex = Mutex(()) }

    private var folder: URL { home.folder.appendingPathComponent("snapshot") }

    var routes: [Route] {
        [
            Route(.get, "/v1/peer/snapshot", for: .guests) { _ in
                try Problem.translating {
                    let offer = try making.mutex.withLock { _ in try node.offerSnapshot(in: folder) }
                    return HTTPResponse(type: "application/cbor", offer.encoded)
                }
            },
            Route(.get, "/v1/peer/snapshot/:chunk", for: .guests) { call in
                guard let index = Int(call.parameter("chunk")),
                    let chunk = try SnapshotFolder(folder.path).chunk(index)
                else { throw Problem(.notFound, "snapshot.unknown", "there is no such chunk") }
                return HTTPResponse(type: PeerRoutes.bytesType, chunk)
            },
        ]
    }
}
