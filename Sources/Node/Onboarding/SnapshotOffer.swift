import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Storage

/// A snapshot as a node offers it: what to fetch, and what proves that its block is final.
///
/// CBOR array of 3: manifest (bytes), `[+ block record]` (bytes each: the snapshot's block, and those after
/// it up to one that has its commits), `[* epoch record]` (as in `ledger/epochs`).
package struct SnapshotOffer: Sendable {
    package let manifest: SnapshotManifest
    package let blocks: [BlockRecord]
    package let epochs: [EpochRecord]

    /// Bytes of the longest offer.
    package static let maximumSize = 64 << 20
    /// Blocks that are looked at for commits, at most.
    static let blockCount = 1_024

    package init(manifest: SnapshotManifest, blocks: [BlockRecord], epochs: [EpochRecord]) {
        (self.manifest, self.blocks, self.epochs) = (manifest, blocks, epochs)
    }

    package var encoded: [UInt8] {
        var writer = CBORWriter()
        writer.array(3)
        writer.byteString(manifest.encoded)
        writer.array(blocks.count)
        for block in blocks { writer.byteString(block.encoded) }
        writer.array(epochs.count)
        for epoch in epochs { epoch.write(to: &writer) }
        return writer.bytes
    }

    /// - Throws: `snapshot.malformed_offer`.
    package init(decoding bytes: [UInt8]) throws(NodeError) {
        do {
            var reader = CBORReader(bytes)
            try reader.array(of: 3)
            manifest = try SnapshotManifest(decoding: try reader.byteString())
            var blocks: [BlockRecord] = []
            for _ in 0..<(try reader.array()) {
                blocks.append(try BlockRecord(decoding: try reader.byteString()))
            }
            var epochs: [EpochRecord] = []
            for _ in 0..<(try reader.array()) { epochs.append(try EpochRecord(reading: &reader)) }
            try reader.finish()
            (self.blocks, self.epochs) = (blocks, epochs)
        } catch { throw NodeError("snapshot.malformed_offer", "the offer cannot be read", cause: error) }
    }

    /// Finds that the snapshot's block is final, by nothing but the genesis document.
    /// - Throws: `snapshot.unproven`.
    package func verify(_ genesis: Genesis, rules: Rules) throws(NodeError) {
        guard manifest.chain == rules.chain else {
            throw NodeError("snapshot.unproven", "the snapshot is of another ledger")
        }
        do throws(FinalityProof.Failure) {
            try FinalityProof(blocks, epochs: epochs).verify(
                block: manifest.block, height: manifest.height, genesis: genesis, rules: rules)
        } catch {
            throw NodeError("snapshot.unproven", "the snapshot proves nothing: \(error.text)", cause: error)
        }
    }
}

extension LedgerNode {
    /// Whether this node lacks blocks that its peers do not keep any more: only a snapshot brings it on.
    package var needsSnapshot: Bool {
        pipeline.shared.withLock { $0.prunedAnswers >= LedgerNode.prunedAnswers }
    }

    /// So often peers are asked before they are believed.
    private static let prunedAnswers = 3

    /// A snapshot in a folder, made where there is none or the one there is too old to go on from.
    ///
    /// For one thread at a time.
    /// - Throws: `snapshot.*`, `node.storage`.
    package func offerSnapshot(in folder: URL) throws(NodeError) -> SnapshotOffer {
        do {
            let files = SnapshotFolder(folder.path)
            if FileManager.default.fileExists(atPath: folder.path), let bytes = try files.manifest(),
                let manifest = try? SnapshotManifest(decoding: bytes), isFresh(manifest)
            {
                return try offer(manifest)
            }
            return try offer(store.store.exportSnapshot(to: folder.path, hash: rules.hash))
        } catch let error as NodeError { throw error } catch let error as SnapshotError {
            throw NodeError(error.code, "there is no snapshot to offer", cause: error)
        } catch { throw NodeError("node.storage", "the snapshot could not be made", cause: error) }
    }

    /// Blocks after which another snapshot is made when one is asked for.
    private static let snapshotBlocks: UInt64 = 10_000

    private func isFresh(_ manifest: SnapshotManifest) -> Bool {
        manifest.chain == rules.chain && manifest.height >= firstBlock
            && height < manifest.height + LedgerNode.snapshotBlocks
    }

    private func offer(_ manifest: SnapshotManifest) throws(NodeError) -> SnapshotOffer {
        let epochs = epochChain.filter { $0.header.height <= manifest.height }
        var blocks: [BlockRecord] = []
        repeat {
            var record = try block(manifest.height + UInt64(blocks.count))
            (record.changes, record.history, record.voteRecord) = ([], [], VoteRecord())
            blocks.append(record)
            // A block that is final by a later one may have some commits, and no quorum of them.
            do throws(FinalityProof.Failure) {
                try FinalityProof(blocks, epochs: epochs).verify(
                    block: manifest.block, height: manifest.height, genesis: genesis, rules: rules)
                break
            } catch { continue }
        } while blocks.count < SnapshotOffer.blockCount && manifest.height + UInt64(blocks.count) <= height
        return SnapshotOffer(manifest: manifest, blocks: blocks, epochs: epochs)
    }
}
