import Contracts
import Foundation
import Ledger
import Node

/// Files that records name: sealed into the vault when an action brings them, fetched by those who may read.
enum DocumentVerbs {
    static let all: [Verb] = [get]

    private struct Fetched: Encodable {
        let name: String
        let file: String
        let bytes: Int64
        let mediaType: String
        let digest: String
    }

    static let get = Verb(
        "document get", "fetch the documents that a record names, where they are sealed to you",
        detail: """
            Works for every kind of record that names documents: machine, ticket, agreement, invoice, credit \
            note. Each is opened with your sealing key and compared with the digest on the ledger. No file \
            is overwritten. Exit status 1 where one is not sealed to you; the others are written.
            """,
        options: [
            .positional("kind", "machine, ticket, …"), .record,
            .value("out", "DIR", "where to write them (default: the current folder)"),
            .value("as", "MEMBER", "the member that reads", required: true),
        ],
        examples: ["millwright document get ticket t-1 --as stamper --out documents"]
    ) { invocation in
        let table = try TableView.named(try invocation.required("kind"))
        let id = try invocation.required("id")
        let folder = URL(fileURLWithPath: invocation.string("out") ?? ".")
        try await Session.with(invocation) { session in
            guard let record = try table.show(try session.node.view(), id) else {
                throw NegativeAnswer("\(table.singular).unknown", "there is no \(table.singular) «\(id)»")
            }
            let references = documents(in: record)
            guard !references.isEmpty else {
                throw NegativeAnswer("document.none", "\(table.singular) «\(id)» names no documents")
            }
            let service = try session.documents()
            var fetched: [Fetched] = []
            var refusal: NodeError?
            for reference in references {
                let bytes: [UInt8]
                do throws(NodeError) { bytes = try service.open(reference) } catch {
                    refusal = refusal ?? NodeError(error.code, "«\(reference.name)»: \(error.message)")
                    continue
                }
                let file = try write(bytes, named: reference.name, to: folder)
                fetched.append(
                    Fetched(
                        name: reference.name, file: file, bytes: reference.size,
                        mediaType: reference.mediaType, digest: reference.digest.description))
            }
            if invocation.wantsJSON {
                try session.json(fetched)
            } else {
                for document in fetched { Terminal.print(document.file) }
            }
            if let refusal { throw refusal }
        }
    }

    /// All documents that a record names, in the order of its fields.
    static func documents(in value: Any) -> [DocumentReference] {
        if let document = value as? DocumentReference { return [document] }
        return Mirror(reflecting: value).children.flatMap { documents(in: $0.value) }
    }

    /// Writes a file under a name that somebody else chose: it stays in the folder and replaces nothing.
    private static func write(_ bytes: [UInt8], named name: String, to folder: URL) throws -> String {
        let file = folder.appendingPathComponent(fileName(name))
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data(bytes).write(to: file, options: .withoutOverwriting)
        } catch CocoaError.fileWriteFileExists {
            throw NodeError("document.exists", "\(file.path) is there already")
        } catch { throw NodeError("document.io", "\(file.path) could not be written", cause: error) }
        return file.path
    }

    static func fileName(_ name: String) -> String {
        let plain = String(
            name.unicodeScalars.map { scalar -> Character in
                let isPlain = scalar != "/" && scalar != "\\" && scalar.properties.generalCategory != .control
                return isPlain ? Character(scalar) : "_"
            })
        return plain.hasPrefix(".") || plain.isEmpty ? "_" + plain : plain
    }
}

extension Option {
    static let document = Option.value(
        "document", "FILE", "seal this file for the readers, and name it in the record", repeated: true)
}

extension Session {
    /// Seals the files that `--document` names, for the readers and for the member itself.
    /// - Throws: `UsageError` for a file that cannot be read or named; `document.*`, `vault.*`.
    func attach(for readers: [MemberID]) throws -> [DocumentReference] {
        let paths = invocation.strings("document")
        guard !paths.isEmpty else { return [] }
        // All are read before one is stored: a name that is wrong leaves nothing behind.
        let files = try paths.map { path -> (name: String, bytes: [UInt8]) in
            let name = path == "-" ? "document" : URL(fileURLWithPath: path).lastPathComponent
            guard 1...200 ~= name.utf8.count else {
                throw UsageError("cli.bad_value", "the name of --document «\(path)» is over 200 bytes long")
            }
            return (name, try invocation.file(path))
        }
        let service = try documents()
        return try files.map {
            try service.store(
                bytes: $0.bytes, name: $0.name, mediaType: Session.mediaType(of: $0.name), for: readers)
        }
    }

    /// By the name's ending, as IANA registers them.
    private static func mediaType(of name: String) -> String {
        switch URL(fileURLWithPath: name).pathExtension.lowercased() {
        case "pdf": "application/pdf"
        case "jpg", "jpeg": "image/jpeg"
        case "png": "image/png"
        case "txt": "text/plain"
        case "csv": "text/csv"
        case "json": "application/json"
        case "xml": "application/xml"
        case "zip": "application/zip"
        case "stp", "step": "model/step"
        default: "application/octet-stream"
        }
    }
}
