import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Storage

/// Makes a ledger from a snapshot: a data directory's first, or one beside what it has.
///
/// `@unchecked Sendable`: for one thread at a time; who hands it over lets go of it.
package final class SnapshotTaking: @unchecked Sendable {
    private let offer: SnapshotOffer
    private let folder: URL
    /// Nil once it has ended: nothing of the folder is open any more.
    private var work: SnapshotImport?

    /// - Parameter besides: there is a ledger, in whose place `LedgerReplacement` puts this one.
    /// - Throws: `snapshot.*`, `storage.*`, `home.*`.
    package init(_ offer: SnapshotOffer, into home: Home, besides: Bool = false) throws {
        let (genesis, _, chain) = try home.genesis()
        try offer.verify(genesis, rules: LedgerNode.rules(chain: chain))
        self.offer = offer
        folder = besides ? home.nextLedgerFolder : home.ledgerFolder
        work = try SnapshotImport(
            offer.manifest, into: folder.path, chain: chain, derived: .version1, hash: SHA256.hash)
    }

    package var height: Height { offer.manifest.height }

    /// Chunks that are still to come.
    package var missing: Range<Int> { (work?.nextChunk ?? 0)..<offer.manifest.chunks.count }

    package func add(_ chunk: [UInt8]) throws { try work?.add(chunk) }

    /// Compares all with the block's roots, once every chunk is in.
    package func check() throws { try work?.check(offer.blocks[0].header) }

    /// Compares all with the block's roots; the ledger can then be opened.
    /// - Parameter votes: what this node has promised and signed, where it had a ledger.
    package func finish(keeping votes: VoteState? = nil) throws {
        guard let work else { return }
        defer { self.work = nil }
        var block = offer.blocks[0]
        // Nothing of it that was not verified: a signature in this node's name would look like its own word.
        block.votes = []
        if offer.blocks.count > 1 { block.commits = [] }
        (block.changes, block.history, block.voteRecord) = ([], [], VoteRecord())
        var records = [LogRecord(height: block.header.height, payload: block.encoded)]
        if let votes {
            records.append(LogRecord(kind: .vote, height: block.header.height, payload: votes.encoded))
        }
        // Before the last step, after which the ledger counts.
        if !offer.epochs.isEmpty {
            let path = folder.appendingPathComponent("epochs").path
            try EpochChain(path, files: POSIXFileSystem(), records: offer.epochs).save()
        }
        try work.finish(block.header, records: records)
    }
}

/// Puts a snapshot in the place of the ledger that a data directory has, while nobody has it open.
///
/// ```
/// ledger.next           the snapshot, until it is in place
/// ledger.before-HEIGHT  what there was, until it is not wanted any more
/// ```
///
/// What this node has promised goes with it: a snapshot never touches the vote record. A crash at any point
/// leaves one whole ledger, which `recover` puts in place.
package struct LedgerReplacement {
    private let home: Home
    private let files = FileManager.default

    package init(_ home: Home) { self.home = home }

    /// Ends a replacement that a crash came between: goes on with it where the ledger had been moved away,
    /// and otherwise lets go of the snapshot, whose promises would soon be old ones.
    /// - Throws: `home.damaged`.
    package func recover() throws(NodeError) {
        let next = home.nextLedgerFolder
        guard LedgerStore.isWhole(next.path) else { return }
        guard files.fileExists(atPath: home.ledgerFolder.path) else {
            return try move(next, home.ledgerFolder)
        }
        do {
            try LedgerStore.mark(next.path, POSIXFileSystem())
            try files.removeItem(at: next)
        } catch { throw NodeError("home.damaged", "\(next.path) could not be removed", cause: error) }
    }

    /// Finishes a snapshot and puts it in place.
    /// - Returns: where what there was is now.
    /// - Throws: `snapshot.*`, `storage.*`, `home.*`.
    package func install(_ taking: SnapshotTaking) throws(NodeError) -> URL {
        do { return try replace(with: taking) } catch let error as NodeError { throw error } catch let error
            as StorageError
        {
            throw NodeError(error.code, "the ledger could not be replaced", cause: error)
        } catch let error as SnapshotError {
            throw NodeError(error.code, "the snapshot is not what it says", cause: error)
        } catch { throw NodeError("home.damaged", "the ledger could not be replaced", cause: error) }
    }

    private func replace(with taking: SnapshotTaking) throws -> URL {
        let chain = try home.genesis().chain
        let height: Height
        do {
            let store = try LedgerStore(opening: home.ledgerFolder.path, chain: chain)
            height = store.log.lastHeight ?? 0
            // Final or not: nothing that this node has is given away for something older.
            guard taking.height > height else {
                throw NodeError(
                    "snapshot.too_old",
                    "the snapshot is of block \(taking.height), and block \(height) is here")
            }
            let votes = try Restoration.lastVoteState(in: store)
            let mark = home.ledgerFolder.appendingPathComponent("store")
            if let name = try? Data(contentsOf: mark) {
                // The voting key is bound to the vote record, which goes with it.
                try home.replace(
                    home.nextLedgerFolder.appendingPathComponent("store"), with: [UInt8](name), mode: 0o644)
            }
            try taking.finish(keeping: votes)
        }
        let old = home.folder.appendingPathComponent("ledger.before-\(height)")
        try? files.removeItem(at: old)
        try move(home.ledgerFolder, old)
        try move(home.nextLedgerFolder, home.ledgerFolder)
        return old
    }

    private func move(_ source: URL, _ target: URL) throws(NodeError) {
        do {
            try files.moveItem(at: source, to: target)
            try POSIXFileSystem().synchronizeFolder(home.folder.path)
        } catch {
            throw NodeError(
                "home.damaged", "\(source.path) could not become \(target.lastPathComponent)", cause: error)
        }
    }
}

extension Home {
    /// Where a snapshot is made that is to take the ledger's place.
    var nextLedgerFolder: URL { folder.appendingPathComponent("ledger.next") }
}
