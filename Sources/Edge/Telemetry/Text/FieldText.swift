import Foundation

/// A field of a line: bytes that are known to be UTF-8.
typealias Field = ArraySlice<UInt8>

extension ArraySlice<UInt8> {
    /// The field without spaces and tabs around it.
    var trimmed: Field {
        var field = self
        while let first = field.first, first == 0x20 || first == 0x09 { field = field.dropFirst() }
        while let last = field.last, last == 0x20 || last == 0x09 { field = field.dropLast() }
        return field
    }

    var text: String { String(decoding: self, as: UTF8.self) }

    /// Whether it is `word` (upper case ASCII) in any case.
    func isWord(_ word: StaticString) -> Bool {
        guard count == word.utf8CodeUnitCount else { return false }
        return zip(self, 0..<count).allSatisfy { byte, index in
            let upper = (0x61...0x7a).contains(byte) ? byte - 0x20 : byte
            return upper == word.utf8Start[index]
        }
    }

    /// The pieces between the separators: always one more than there are separators.
    func pieces(separatedBy separator: UInt8) -> [Field] {
        var pieces: [Field] = []
        var begin = startIndex
        while let end = self[begin...].position(of: separator) {
            pieces.append(self[begin..<end])
            begin = end + 1
        }
        pieces.append(self[begin...])
        return pieces
    }

    /// The index of the first such byte.
    func position(of byte: UInt8) -> Int? {
        let offset = withUnsafeBytes { bytes -> Int? in
            guard let base = bytes.baseAddress, !bytes.isEmpty else { return nil }
            return memchr(base, Int32(byte), bytes.count).map { UnsafeRawPointer($0) - base }
        }
        return offset.map { startIndex + $0 }
    }

    /// The text for an error message: short, and quoted.
    var quoted: String { "\"" + (count > 40 ? prefix(40).text + "…" : text) + "\"" }
}
