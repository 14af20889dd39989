import Codec
import Foundation
import HTTP
import Ledger
import Node

/// Fetches a snapshot from one node and finds out whether it is what it says.
struct SnapshotFetch {
    private let home: Home
    /// It is to take the place of a ledger that is there.
    private let besides: Bool
    private let floor: Height?
    private let request: (HTTPTarget, _ maximumBytes: Int?) throws -> [UInt8]

    /// - Parameters:
    ///   - floor: one that is not above this is too old to be of use.
    ///   - request: gets what is at a target from the node.
    init(
        into home: Home, besides: Bool = false, above floor: Height? = nil,
        request: @escaping (HTTPTarget, _ maximumBytes: Int?) throws -> [UInt8]
    ) {
        (self.home, self.besides, self.floor, self.request) = (home, besides, floor, request)
    }

    /// - Throws: `snapshot.*`, and what the node says.
    func run() throws -> SnapshotTaking {
        let offer = try SnapshotOffer(
            decoding: try request(
                HTTPTarget(["v1", "peer", "snapshot"]), SnapshotOffer.maximumSize))
        if let floor, offer.manifest.height <= floor {
            throw NodeError(
                "snapshot.too_old", "the snapshot is of block \(offer.manifest.height), which is here already"
            )
        }
        guard offer.manifest.byteCount <= (try home.freeBytes) / 2 else {
            throw NodeError(
                "snapshot.too_large",
                "the snapshot's \(offer.manifest.byteCount) bytes need twice as much room")
        }
        let taking = try SnapshotTaking(offer, into: home, besides: besides)
        for index in taking.missing {
            try taking.add(try request(HTTPTarget(["v1", "peer", "snapshot", "\(index)"]), nil))
        }
        try taking.check()
        return taking
    }
}
