/// A record that is not what was written.
package struct LogDamage: Hashable, Sendable {
    package let segment: UInt64
    package let offset: Int
    /// The record's height; where its frame is damaged too, the height that was next.
    package let height: UInt64
    /// Whether the segment is one of those that were fetched later, in the folder `history`.
    package var isFetched = false
}

extension BlockLog {
    /// Reads everything that was acknowledged when the call began, and names what is damaged.
    ///
    /// - Parameter progress: Called after each record with the bytes read so far and all bytes.
    package func verifyAll(
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(StorageError) -> [LogDamage] {
        try maintenance.withLock { (_) throws(StorageError) in
            guard let history = history.withLock({ $0 }) else { return try verifySegments(progress) }
            // The older ones are another log's: their bytes are those below this one's.
            let own = try byteCount()
            var older = 0
            var damages = try history.verifyAll { done, total in
                older = total
                progress(done, total + own)
            }
            for index in damages.indices { damages[index].isFetched = true }
            return try damages + verifySegments { progress(older + $0, older + $1) }
        }
    }

    /// Bytes that were acknowledged, in all segments.
    private func byteCount() throws(StorageError) -> Int {
        guard let end = acknowledgedEnd else { return 0 }
        var count = end.offset
        for number in firstSegment..<end.number {
            count += try files.size(of: try files.open(LogFolder.segmentPath(number, in: folder), .read))
        }
        return count
    }

    private func verifySegments(_ progress: (Int, Int) -> Void) throws(StorageError) -> [LogDamage] {
        guard let end = acknowledgedEnd else { return [] }
        let first = firstSegment
        var damages: [LogDamage] = []
        var sizes: [Int] = []
        for number in first...end.number {
            let file = try files.open(LogFolder.segmentPath(number, in: folder), .read)
            sizes.append(number == end.number ? end.offset : try files.size(of: file))
        }
        let total = sizes.reduce(0, +)
        var done = 0
        for (position, size) in sizes.enumerated() {
            let number = first + UInt64(position)
            let file = try files.open(LogFolder.segmentPath(number, in: folder), .read)
            let bytes = try files.bytes(of: file, at: 0, count: SegmentHeader.count)
            do throws(StorageError) {
                let header = try SegmentHeader(decoding: bytes, number: number, path: file.path)
                guard header.chain == chain else { throw StorageError.wrongChain(path: file.path) }
                var scan = SegmentScan(header, file: file, size: size, files: files)
                try scan.findDamage(into: &damages, isLast: false) { progress(done + $0, total) }
            } catch StorageError.damaged(_, let offset, let height) {
                damages.append(LogDamage(segment: number, offset: offset, height: height))
            }
            done += size
            progress(done, total)
        }
        return damages
    }
}

extension SegmentScan {
    /// Goes through all records and names those that are not what was written.
    ///
    /// - Parameter isLast: Whether what stands behind the last whole group may be a torn tail, which is no
    ///   damage.
    mutating func findDamage(
        into damages: inout [LogDamage], isLast: Bool, progress: (Int) -> Void = { _ in }
    ) throws(StorageError) {
        var next = header.firstHeight
        while end < size {
            let offset = end
            if let (frame, _) = try self.next() {
                if frame.kind == .block { next = frame.height &+ 1 }
            } else {
                if isLast, try frame(above: offset, ofLaterGroup: true) == nil { return }
                let frame = try frame(at: offset)
                let height = frame?.height ?? next
                damages.append(LogDamage(segment: header.number, offset: offset, height: height))
                if let frame {
                    if frame.kind == .block { next = frame.height &+ 1 }
                    resume(at: offset + frame.stride)
                } else {
                    resume(at: try self.frame(above: offset, ofLaterGroup: false) ?? size)
                }
            }
            progress(end)
        }
    }
}
