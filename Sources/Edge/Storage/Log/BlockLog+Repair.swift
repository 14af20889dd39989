extension BlockLog {
    /// Replaces a damaged block by the same bytes, taken from a peer and verified by the caller.
    /// - Throws: `storage.out_of_order` where the log holds no such block, `storage.record_size` for bytes
    ///   of another length.
    package func repair(height: UInt64, payload: [UInt8]) throws(StorageError) {
        let older: Void? = try older(height) { (log) throws(StorageError) in
            try log.repair(height: height, payload: payload)
        }
        if older != nil { return }
        try writer.withLock { (writer) throws(StorageError) in
            try writer.checkUsable()
            let (location, next) = index.withLock { ($0.block(at: height), $0.nextHeight) }
            guard let location else { throw .outOfOrder(height: height, next: next ?? 0) }
            guard payload.count == location.count else {
                throw .recordSize(count: payload.count, limit: Int(location.count))
            }
            let number = UInt64(location.segment)
            let (_, header) = try segment(number)
            var bytes: [UInt8] = []
            RecordFrame(LogRecord(height: height, payload: payload), back: Int(location.back))
                .append(to: &bytes, at: Int(location.offset), seed: header.seed)
            bytes += payload
            let file = try files.open(LogFolder.segmentPath(number, in: folder), .write)
            do throws(StorageError) {
                try files.write(bytes, to: file, at: Int(location.offset))
                try files.synchronize(file)
            } catch {
                writer.failure = "\(error)"
                throw error
            }
        }
    }
}
