import Codec
import Foundation
import Ledger
import Storage

/// Fetches the blocks below those that a running node has: one that began with a snapshot, or removed old
/// blocks.
///
/// Portion by portion from any peer that has them, from genesis up, into a store of its own
/// (`HistoryStaging`); when that reaches the node's own first block, the node takes it in. An end at any
/// moment leaves what was fetched for the next call. One thread works, and rests as long as it has worked.
package final class HistoryFetch {
    /// What the caller decides.
    package struct Conduct: Sendable {
        /// Whether to go on.
        package var isWanted: @Sendable () -> Bool
        /// Waits for some milliseconds, or less where it is not wanted any more.
        package var pause: @Sendable (Int) -> Void
        package var progress: @Sendable (HistoryProgress) -> Void
        /// A peer was passed over.
        package var onRefusal: @Sendable (MemberID, String) -> Void

        package init(
            isWanted: @escaping @Sendable () -> Bool = { true },
            pause: @escaping @Sendable (Int) -> Void = { Thread.sleep(forTimeInterval: Double($0) / 1_000) },
            progress: @escaping @Sendable (HistoryProgress) -> Void = { _ in },
            onRefusal: @escaping @Sendable (MemberID, String) -> Void = { _, _ in }
        ) {
            (self.isWanted, self.pause, self.progress) = (isWanted, pause, progress)
            self.onRefusal = onRefusal
        }
    }

    let node: LedgerNode
    private let home: Home
    let source: any HistorySource
    let conduct: Conduct
    private let files: any FileSystem
    private var staging: HistoryStaging?
    var fetched: UInt64 = 0
    /// Who served what is not the ledger's, and what it was.
    var liars: [MemberID: String] = [:]
    /// Who is asked after the others.
    var slow: Set<MemberID> = []

    private static let longestRestMilliseconds = 1_000
    /// Blocks of the own log at a time.
    private static let ownBlocks: UInt64 = 64
    /// What has to stay free on the disk, which the running node needs.
    private static let roomBytes: UInt64 = 512 << 20

    package init(
        _ node: LedgerNode, home: Home, from source: any HistorySource, conduct: Conduct = Conduct(),
        files: any FileSystem = POSIXFileSystem()
    ) {
        (self.node, self.home, self.source) = (node, home, source)
        (self.conduct, self.files) = (conduct, files)
    }

    private var log: BlockLog { node.store.store.log }

    /// Fetches until the log begins with genesis; nothing is done where it does.
    /// - Throws: `history.no_peer`, `history.other_chain`, `history.no_room`, `history.stopped`;
    ///   `storage.*`.
    package func run() throws(NodeError) -> HistoryReport {
        defer { staging = nil }
        do {
            while node.firstBlock > 0 {
                guard conduct.isWanted() else { throw HistoryFetch.stopped }
                let begin = MonotonicClock.now
                if try step() {
                    try join()
                } else {
                    rest(since: begin)
                }
            }
            // Beside the blocks, which have gone: also after a crash.
            if FileManager.default.fileExists(atPath: home.historyFolder.path) { try discard() }
        } catch let error as NodeError { throw error } catch let error as StorageError {
            throw NodeError(error.code, "the older blocks could not be kept", cause: error)
        } catch { throw NodeError("node.storage", "the older blocks could not be kept", cause: error) }
        return HistoryReport(fetched: fetched, first: node.firstBlock, last: node.height)
    }

    static let stopped = NodeError(
        "history.stopped", "the fetch was interrupted; the same command goes on with it")

    /// The next portion; true when all is there, and the node has what follows from it.
    private func step() throws -> Bool {
        // Nobody else holds the staging: it may have to be opened again.
        let height = try opened().height
        let (first, own) = (node.firstBlock, log.ownFirstHeight ?? 0)
        conduct.progress(HistoryProgress(done: min(height, own), total: own))
        if height >= own {
            try fill(at: try node.header(own))
            return true
        }
        try requireRoom()
        if height < first {
            try fetch(through: try node.block(first))
        } else {
            try takeOwn(above: height, through: own)
        }
        return false
    }

    /// Takes blocks that were fetched before and of which only the first were removed.
    private func takeOwn(above height: Height, through last: Height) throws {
        let next = height + 1
        let records = try (next...min(last, height + HistoryFetch.ownBlocks)).map { try node.block($0) }
        let staging = try opened()
        guard records[0].header.previous == staging.head else {
            try discard()
            throw HistoryStaging.otherChain(next)
        }
        do { try staging.take(own: records) } catch let refusal as HistoryRefusal {
            throw NodeError("node.damaged", "the blocks here cannot be gone on with: \(refusal.text)")
        }
    }

    func opened() throws -> HistoryStaging {
        if let staging, !staging.isSpoilt { return staging }
        // One store of a folder at a time.
        staging = nil
        let opened: HistoryStaging
        do { opened = try open() } catch let error where HistoryFetch.isOfNoUse(error) {
            try discard()
            opened = try open()
        }
        staging = opened
        return opened
    }

    private func open() throws -> HistoryStaging {
        try HistoryStaging(home, rules: node.rules, options: node.store.options, files: files)
    }

    /// Whether what is there can only be fetched anew. A disk that fails may work again.
    private static func isOfNoUse(_ error: any Error) -> Bool {
        switch error as? StorageError {
        case .damaged, .missingSegment, .logBehindState, .logAboveState, .unsupportedFormat: true
        case nil: (error as? NodeError)?.code == "node.damaged"
        default: false
        }
    }

    private func discard() throws {
        staging = nil
        try FileManager.default.removeItem(at: home.historyFolder)
    }

    private func fill(at base: BlockHeader) throws {
        do {
            var begin = MonotonicClock.now
            try requireRoom()
            try opened().fill(node.store.store, at: base) {
                guard conduct.isWanted() else { throw HistoryFetch.stopped }
                try requireRoom()
                rest(since: begin)
                begin = MonotonicClock.now
            }
        } catch let error as NodeError where error.code == "history.other_chain" {
            try discard()
            throw error
        }
    }

    /// Makes the blocks the node's own.
    private func join() throws {
        staging = nil
        do throws(StorageError) { try log.takeHistory(from: home.historyFolder.path) } catch {
            // Blocks were removed meanwhile: a few more are missing.
            guard case .outOfOrder = error else { throw error }
        }
    }

    private func requireRoom() throws {
        guard try home.freeBytes >= HistoryFetch.roomBytes else {
            throw NodeError(
                "history.no_room", "less than 512 MiB are free on the disk, which the running node needs")
        }
    }

    /// The others come first.
    private func rest(since begin: Timestamp) {
        let worked = Int((MonotonicClock.now.nanoseconds - begin.nanoseconds) / 1_000_000)
        conduct.pause(min(max(worked, 1), HistoryFetch.longestRestMilliseconds))
    }
}
