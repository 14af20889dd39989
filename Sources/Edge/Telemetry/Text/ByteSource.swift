import Foundation

/// Bytes in order, a chunk at a time, so that a file's size never matters.
package protocol ByteSource {
    /// Appends at most `count` bytes and returns how many; 0 at the end.
    mutating func read(upTo count: Int, into buffer: inout [UInt8]) throws -> Int
}

/// The bytes of a file, a pipe or standard input.
package struct FileBytes: ByteSource {
    private let handle: FileHandle

    package init(_ handle: FileHandle) { self.handle = handle }

    /// - Throws: `code` where the file cannot be opened.
    package init(_ file: URL, code: TelemetryError.Code) throws(TelemetryError) {
        do {
            handle = try FileHandle(forReadingFrom: file)
        } catch {
            throw TelemetryError(code, "cannot open \(file.path): \(error.localizedDescription)")
        }
    }

    package func read(upTo count: Int, into buffer: inout [UInt8]) throws -> Int {
        guard let data = try handle.read(upToCount: count) else { return 0 }
        buffer.append(contentsOf: data)
        return data.count
    }
}

/// Bytes that are already in memory.
package struct MemoryBytes: ByteSource {
    private var rest: ArraySlice<UInt8>

    package init(_ bytes: [UInt8]) { rest = bytes[...] }
    package init(_ text: String) { self.init(Array(text.utf8)) }

    package mutating func read(upTo count: Int, into buffer: inout [UInt8]) -> Int {
        let chunk = rest.prefix(count)
        rest = rest.dropFirst(count)
        buffer.append(contentsOf: chunk)
        return chunk.count
    }
}
