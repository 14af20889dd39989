import Ledger

extension LedgerNode: PeerHandler {
    package func received(_ message: ReplicaMessage, from member: MemberID?) {
        pipeline.events.push(.message(message, from: member))
    }

    package func received(transactions: [[UInt8]], from member: MemberID?) {
        for bytes in transactions.prefix(CommitPipeline.batchCount)
        where !bytes.isEmpty && bytes.count <= UnverifiedTransaction.maximumSize {
            pipeline.submitted.offer(
                Submission(bytes: bytes, origin: .peer(member), waiter: nil), from: member)
        }
    }

    /// Final blocks, and then those that are not, of whatever branch. Rows, history and the vote record stay
    /// here: whoever takes a block executes it.
    package func servedBlocks(above height: Height, limitBytes: Int) throws(NodeError) -> [[UInt8]] {
        var blocks: [[UInt8]] = []
        var size = 0
        func add(_ record: BlockRecord) -> Bool {
            var served = record
            (served.changes, served.history, served.voteRecord) = ([], [], VoteRecord())
            let bytes = served.encoded
            guard blocks.isEmpty || size + bytes.count <= limitBytes else { return false }
            blocks.append(bytes)
            size += bytes.count
            return true
        }
        let last = self.height
        var next = height
        while next < last {
            next += 1
            guard add(try block(next)) else { return blocks }
        }
        for pending in pendingBlocks(above: height) where pending.header.height > max(height, last) {
            guard add(BlockRecord(pending)) else { break }
        }
        return blocks
    }

    /// The replica's blocks that are not final; none where it does not answer soon.
    private func pendingBlocks(above height: Height) -> [CandidateBlock] {
        guard epoch.validators.validators.count > 1 else { return [] }
        let answer = Mailbox<[CandidateBlock]>()
        pipeline.events.push(.serve(above: height) { answer.put($0) })
        return answer.take(seconds: 1) ?? []
    }
}
