import Foundation

/// Test material that lives beside the project, in `../shared`: never copied into it.
public enum SharedFiles {
    /// The project's root folder, found from this file's own path.
    public static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The shared folder: `MILLWRIGHT_SHARED` if set, else `../shared`.
    public static let folder: URL =
        ProcessInfo.processInfo.environment["MILLWRIGHT_SHARED"].map { URL(fileURLWithPath: $0) }
        ?? root.deletingLastPathComponent().appendingPathComponent("shared")

    /// Whether the shared folder is there; suites that need it say so when it is not.
    public static var isPresent: Bool { FileManager.default.fileExists(atPath: folder.path) }

    /// The file's bytes. Throws Foundation's error where it cannot be read.
    public static func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appendingPathComponent(path)))
    }

    /// The file's URL in the shared folder.
    public static func url(_ path: String) -> URL { folder.appendingPathComponent(path) }

    /// Names in a shared folder, sorted.
    public static func names(in path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent(path).path).sorted()
    }
}
