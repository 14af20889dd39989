import Foundation

/// Lines of UTF-8 text from a byte source, in bounded memory: one chunk and one line.
///
/// Lines end with LF or CRLF; the last may have no end. A byte order mark is skipped. After an error the
/// reader goes on with the line that follows.
struct LineReader {
    /// What the errors of a reader are called.
    struct Codes {
        let unreadable, tooLong, notUTF8, nulByte: TelemetryError.Code

        static let csv = Codes(
            unreadable: .csvUnreadable, tooLong: .csvLineTooLong, notUTF8: .csvNotUTF8, nulByte: .csvNULByte)
        static let shdr = Codes(
            unreadable: .shdrUnreadable, tooLong: .shdrLineTooLong, notUTF8: .shdrNotUTF8,
            nulByte: .shdrNULByte)
    }

    /// Bytes that a line may have without its end.
    static let maximumLineLength = 64 * 1024
    static let chunkLength = 256 * 1024

    private var source: any ByteSource
    private let codes: Codes
    private let maximum: Int
    private var buffer: [UInt8] = []
    /// Where the line that is not taken yet begins.
    private var start = 0
    /// Up to where there is no line end.
    private var scanned = 0
    private var isAtEnd = false
    /// Whether the rest of a line that was too long is still to be dropped.
    private var isDropping = false
    /// Lines taken so far, which is the number of the last one.
    private(set) var number = 0

    init(_ source: any ByteSource, codes: Codes, maximum: Int = Self.maximumLineLength) {
        (self.source, self.codes, self.maximum) = (source, codes, maximum)
    }

    /// The next line without its end, or nil at the end.
    /// - Throws: the reader's codes, with the number of the line.
    mutating func next() throws(TelemetryError) -> [UInt8]? {
        while true {
            if let end = lineEnd() {
                let range = start..<end
                (start, scanned) = (end + 1, end + 1)
                if isDropping { isDropping = false } else { return try take(range) }
            } else if isDropping {
                (start, scanned) = (buffer.count, buffer.count)
                if try !fill() { return nil }
            } else if buffer.count - start > maximum + 1 {
                isDropping = true
                number += 1
                throw tooLong()
            } else if try !fill() {
                guard start < buffer.count else { return nil }
                let range = start..<buffer.count
                (start, scanned) = (buffer.count, buffer.count)
                return try take(range)
            }
        }
    }

    private mutating func lineEnd() -> Int? {
        let found = buffer.withUnsafeBytes { bytes -> Int? in
            guard let base = bytes.baseAddress, scanned < bytes.count else { return nil }
            return memchr(base + scanned, 0x0a, bytes.count - scanned).map {
                UnsafeRawPointer($0) - base
            }
        }
        if found == nil { scanned = buffer.count }
        return found
    }

    /// Reads one more chunk behind what is left. False at the end.
    private mutating func fill() throws(TelemetryError) -> Bool {
        if isAtEnd { return false }
        buffer.removeSubrange(..<start)
        scanned -= start
        start = 0
        do {
            isAtEnd = try source.read(upTo: Self.chunkLength, into: &buffer) == 0
        } catch {
            isAtEnd = true
            throw TelemetryError(
                codes.unreadable, "reading failed: \(error.localizedDescription)", line: number + 1)
        }
        return !isAtEnd
    }

    private mutating func take(_ range: Range<Int>) throws(TelemetryError) -> [UInt8] {
        var line = buffer[range]
        number += 1
        if number == 1, line.starts(with: [0xef, 0xbb, 0xbf]) { line = line.dropFirst(3) }
        if line.last == 0x0d { line = line.dropLast() }
        guard line.count <= maximum else { throw tooLong() }
        let (hasNUL, isText) = line.withUnsafeBufferPointer { bytes in
            let hasNUL = bytes.baseAddress.map { memchr($0, 0, bytes.count) != nil } ?? false
            return (hasNUL, String(validating: bytes, as: UTF8.self) != nil)
        }
        if hasNUL { throw TelemetryError(codes.nulByte, "the line holds a NUL byte", line: number) }
        guard isText else { throw TelemetryError(codes.notUTF8, "the line is not UTF-8", line: number) }
        return Array(line)
    }

    private func tooLong() -> TelemetryError {
        TelemetryError(codes.tooLong, "the line is longer than \(maximum) bytes", line: number)
    }
}
