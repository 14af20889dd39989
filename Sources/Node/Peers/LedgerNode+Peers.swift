import Codec
import Ledger
import Storage

extension LedgerNode: PeerHandler {
    package func received(_ message: ReplicaMessage, from member: MemberID?) {
        pipeline.events.push(.message(message, from: member))
    }

    package func received(transactions: [[UInt8]], from member: MemberID?) {
        for bytes in transactions.prefix(CommitPipeline.batchCount)
        where !bytes.isEmpty && bytes.count <= UnverifiedTransaction.maximumSize {
            pipeline.submitted.offer(Submission(bytes: bytes, origin: .peer, waiter: nil))
        }
    }

    /// Final blocks and those of this node's chain that are not final yet. Rows, history and the vote record
    /// stay here: whoever takes a block executes it.
    package func servedBlocks(above height: Height, limitBytes: Int) throws(NodeError) -> [[UInt8]] {
        var blocks: [[UInt8]] = []
        var size = 0
        do {
            var (next, isEnd) = height.addingReportingOverflow(1)
            while !isEnd, size < limitBytes, let record = try store.block(next) {
                var served = record
                (served.changes, served.history, served.voteRecord) = ([], [], VoteRecord())
                let bytes = served.encoded
                guard blocks.isEmpty || size + bytes.count <= limitBytes else { break }
                blocks.append(bytes)
                size += bytes.count
                (next, isEnd) = next.addingReportingOverflow(1)
            }
        } catch {
            throw NodeError("node.damaged", "a block could not be read", cause: error)
        }
        return blocks
    }
}
