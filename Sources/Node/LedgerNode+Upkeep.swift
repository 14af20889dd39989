import Ledger
import Storage

/// What an operator asks of the log.
extension LedgerNode {
    /// Gives back the disk space of old blocks, in whole segments, and says how many of these went.
    ///
    /// Blocks that a restart needs stay, whatever is asked.
    /// - Parameter count: final blocks to keep.
    /// - Throws: `node.storage`.
    package func prune(keeping count: UInt64) throws(NodeError) -> Int {
        let height = store.finalHeight
        guard count > 0, height > count else { return 0 }
        do throws(StorageError) { return try store.store.prune(below: height - count) } catch {
            // The state on disk is behind; it comes nearer with each checkpoint.
            if case .pruneTooHigh(_, let state?) = error, state > 0 {
                do { return try store.store.prune(below: min(state, height - count)) } catch {
                    throw NodeError("node.storage", "old blocks could not be removed", cause: error)
                }
            }
            if case .pruneTooHigh = error { return 0 }
            throw NodeError("node.storage", "old blocks could not be removed", cause: error)
        }
    }

    /// The lowest block that the log still has.
    package var firstBlock: Height { store.store.log.firstHeight ?? 0 }
}
