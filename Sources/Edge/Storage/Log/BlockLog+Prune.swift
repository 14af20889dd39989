extension BlockLog {
    /// Removes the segments at the log's begin all of whose blocks lie below a height, and gives how many
    /// they are. The segment of the last block stays, and the latest vote, which is written again where its
    /// segment goes.
    ///
    /// What is gone is first written down durably, so that a crash at any point leaves a log that opens, and
    /// whose opening removes the rest. After a failure the call may be made again.
    func prune(below height: UInt64) throws(StorageError) -> Int {
        try maintenance.withLock { (_) throws(StorageError) in
            var older = 0
            if let history = history.withLock({ $0 }), let own = ownFirstHeight {
                if height < own { return try history.prune(below: height) }
                older = try dropHistory()
            }
            guard let end = acknowledgedEnd else { return older }
            let keep = index.withLock { $0.firstSegment(keeping: height, last: UInt32(end.number)) }
            let first = firstSegment
            if keep > first {
                try keepVote(below: keep)
                try LogFolder.writeFirst(UInt64(keep), in: folder, files)
                index.withLock { $0.drop(below: keep) }
                writer.withLock { $0.first = UInt64(keep) }
                closeSegments(below: UInt64(keep))
            }
            try LogFolder.removeSegments(below: max(first, UInt64(keep)), in: folder, files)
            return older + max(0, Int(keep) - Int(first))
        }
    }

    /// Writes the latest vote again where it lies below a segment; none is appended meanwhile.
    private func keepVote(below segment: UInt32) throws(StorageError) {
        try writer.withLock { (writer) throws(StorageError) in
            guard let location = index.withLock({ $0.latest(.vote) }), location.segment < segment else {
                return
            }
            try append([try record(at: location, expecting: nil)], with: &writer)
        }
    }
}
