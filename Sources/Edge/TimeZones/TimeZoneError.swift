/// Why a time zone cannot be had.
package struct TimeZoneError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Stable codes.
    package enum Code: String, Sendable, Hashable {
        /// No file for the name, or not a name at all.
        case unknown = "timezone.unknown"
        /// The file is not TZif, or contradicts itself.
        case damaged = "timezone.damaged"
        /// A file that this reader has no use for: without 64-bit times or rules for the future, or with
        /// leap seconds.
        case unsupported = "timezone.unsupported"
        /// Times outside 1970 to 9999, or more transitions than terms may hold.
        case outOfRange = "timezone.out_of_range"
    }

    package let code: Code
    /// What is wrong, for a person.
    package let detail: String

    package init(_ code: Code, _ detail: String) { (self.code, self.detail) = (code, detail) }

    package var description: String { "\(code.rawValue): \(detail)" }
}
