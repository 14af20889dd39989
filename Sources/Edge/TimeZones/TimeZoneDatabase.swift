import Foundation

/// The time zone database on this machine: a folder of TZif files, and its release.
package struct TimeZoneDatabase: Sendable {
    package let folder: URL
    /// The release, such as "2025b"; "unknown" where the folder does not say.
    package let version: String

    /// The folder that `TZDIR` names, else the system's.
    package static let system = TimeZoneDatabase(
        folder: URL(
            fileURLWithPath: ProcessInfo.processInfo.environment["TZDIR"] ?? "/usr/share/zoneinfo",
            isDirectory: true))

    package init(folder: URL) {
        self.folder = folder
        version = TimeZoneDatabase.version(in: folder) ?? "unknown"
    }

    /// Debian's tzdata.zi begins "# version 2025b"; macOS and the BSDs have a file +VERSION with "2025b".
    private static func version(in folder: URL) -> String? {
        func firstLine(_ name: String) -> Substring? {
            guard let handle = try? FileHandle(forReadingFrom: folder.appendingPathComponent(name)) else {
                return nil
            }
            defer { try? handle.close() }
            guard let start = try? handle.read(upToCount: 64) else { return nil }
            return String(decoding: start, as: UTF8.self).split(separator: "\n").first
        }
        let prefix = "# version "
        let text: Substring?
        if let line = firstLine("tzdata.zi"), line.hasPrefix(prefix) {
            text = line.dropFirst(prefix.count)
        } else {
            text = firstLine("+VERSION")
        }
        guard let text, (1...32).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { return nil }
        return String(text)
    }

    /// The largest file read; the largest of tzdata's is under 4 KB.
    private static let maximumSize = 1 << 20

    /// The bytes of a zone's file.
    /// - Throws: `timezone.unknown` where the name is none or there is no file; `timezone.damaged` for an
    ///   oversized one.
    func bytes(of name: String) throws(TimeZoneError) -> [UInt8] {
        guard TimeZoneDatabase.isName(name) else { throw TimeZoneError(.unknown, "not a zone's name") }
        let data: Data?
        do {
            let handle = try FileHandle(forReadingFrom: folder.appendingPathComponent(name))
            defer { try? handle.close() }
            data = try handle.read(upToCount: TimeZoneDatabase.maximumSize + 1)
        } catch {
            throw TimeZoneError(.unknown, "\(name): \(error.localizedDescription)")
        }
        guard let data, data.count <= TimeZoneDatabase.maximumSize else {
            throw TimeZoneError(.damaged, "\(name): empty or over 1 MiB")
        }
        return [UInt8](data)
    }

    /// Whether a text can be a zone's name: letters, digits and "+-_" in parts between slashes, at most 64
    /// bytes.
    ///
    /// Not those that mean this machine's own setting, and not the copies in `posix` and `right`: all
    /// members must find the same zone under a name.
    package static func isName(_ name: String) -> Bool {
        guard (1...64).contains(name.utf8.count) else { return false }
        let parts = name.utf8.split(separator: 0x2f, omittingEmptySubsequences: false)
        guard !["posix", "right", "localtime", "posixrules"].contains(String(parts[0]) ?? "") else {
            return false
        }
        return parts.allSatisfy { part in
            !part.isEmpty
                && part.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2b, 0x2d, 0x5f: true
                    default: false
                    }
                }
        }
    }
}
