/// The stable codes with which contracts refuse.
enum RejectionCodes {
    /// Literals that stand where a code does: first in `Rejection(…)`, and after `else:`.
    static func literals(in file: SourceFile) -> [SwiftText.Literal] {
        let code = file.text.code
        return file.text.literals.filter { literal in
            // What stands before the literal, without spaces.
            let before = code[..<literal.offset].reversed().lazy.filter { $0 > 0x20 }
            return before.starts(with: "Rejection(".utf8.reversed())
                || before.starts(with: "else:".utf8.reversed())
        }
    }

    /// `[a-z]+(\.[a-z_]+)+`, at most 64 bytes.
    static func isWellFormed(_ code: String) -> Bool {
        let parts = code.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        return parts.count >= 2 && code.utf8.count <= 64 && parts.allSatisfy { !$0.isEmpty }
            && parts[0].allSatisfy(letters.contains)
            && parts.dropFirst().allSatisfy {
                $0.allSatisfy { letters.contains($0) || $0 == UInt8(ascii: "_") }
            }
    }
}
