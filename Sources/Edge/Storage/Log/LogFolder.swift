/// Names in the log's folder: `000000000001.seg`, its derived index `000000000001.idx`, `first` once
/// segments were pruned, and what was left unfinished.
enum LogFolder {
    static let unfinished = ".new"

    static func segmentPath(_ number: UInt64, in folder: String) -> String {
        path(number, ".seg", in: folder)
    }

    /// The frames of a sealed segment's records. Each carries its own checksum, over its offset too; it is
    /// derived data.
    static func indexPath(_ number: UInt64, in folder: String) -> String { path(number, ".idx", in: folder) }

    private static func path(_ number: UInt64, _ ending: String, in folder: String) -> String {
        let digits = String(number)
        return folder + "/" + String(repeating: "0", count: max(0, 12 - digits.count)) + digits + ending
    }

    static func writeIndex(
        _ frames: [UInt8], number: UInt64, in folder: String, _ files: any FileSystem
    ) throws(StorageError) {
        let file = try files.open(indexPath(number, in: folder), .replace)
        try files.write(frames, to: file, at: 0)
    }

    /// The numbers of the segments, rising.
    static func segments(in folder: String, _ files: any FileSystem) throws(StorageError) -> [UInt64] {
        var numbers: [UInt64] = []
        for name in try files.names(in: folder) where name.hasSuffix(".seg") {
            if let number = UInt64(name.dropLast(4)) { numbers.append(number) }
        }
        return numbers.sorted()
    }

    // MARK: Pruning

    /// "MWLF", version 1; the number of the first segment (u64) and the CRC-32C of the 16 bytes follow.
    private static let firstFormat = Array("MWLF".utf8) + [0, 0, 0, 1]

    private static func firstPath(in folder: String) -> String { folder + "/first" }

    /// The number of the segment that the log begins with: 1, until segments are pruned.
    /// - Throws: `storage.unsupported_format` for a file `first` that is damaged or of a later version.
    static func firstSegment(in folder: String, _ files: any FileSystem) throws(StorageError) -> UInt64 {
        let path = firstPath(in: folder)
        guard try files.names(in: folder).contains("first") else { return 1 }
        let bytes = try files.bytes(of: try files.open(path, .read), at: 0, count: 32)
        guard bytes.count == 20, bytes.starts(with: firstFormat),
            CRC32C.extend(0, with: Array(bytes[..<16])) == bytes.bigEndian(at: 16, as: UInt32.self)
        else { throw .unsupportedFormat(path: path) }
        return bytes.bigEndian(at: 8, as: UInt64.self)
    }

    /// Says durably that the log begins with this segment. What lies before it may go, in any order.
    static func writeFirst(
        _ number: UInt64, in folder: String, _ files: any FileSystem
    ) throws(StorageError) {
        var bytes = firstFormat
        bytes.appendBigEndian(number)
        bytes.appendBigEndian(CRC32C.extend(0, with: bytes))
        let path = firstPath(in: folder)
        let file = try files.open(path + unfinished, .replace)
        try files.write(bytes, to: file, at: 0)
        try files.synchronize(file)
        try files.rename(path + unfinished, to: path)
        try files.synchronizeFolder(folder)
    }

    /// Removes the segments before this one, oldest first, and their index files.
    static func removeSegments(
        below first: UInt64, in folder: String, _ files: any FileSystem
    ) throws(StorageError) {
        var isChanged = false
        for name in try files.names(in: folder) where name.hasSuffix(".seg") || name.hasSuffix(".idx") {
            guard let number = UInt64(name.dropLast(4)), number < first else { continue }
            try files.remove(folder + "/" + name)
            isChanged = true
        }
        if isChanged { try files.synchronizeFolder(folder) }
    }
}
