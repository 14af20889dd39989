import Codec
import Cryptography
import Foundation
import Ledger
import Storage

/// What a backup says of itself: `backup.json`, written last.
package struct BackupNote: Codable, Hashable, Sendable {
    package let chain: String
    /// The last block in it.
    package let height: UInt64
    /// When it was made, milliseconds since 1970-01-01 UTC.
    package let madeMilliseconds: Int64
    package let hasKeys: Bool
    /// Epoch blocks in `ledger/epochs`, without which a pruned log does not open.
    package let epochs: Int?
    /// Records of the log that are damaged, here and so in the copy.
    package let damages: [String]
}

/// Copies a node's data directory while the node runs, and puts such a copy back.
///
/// ```
/// backup.json            what it is; without it the copy did not end
/// genesis.cbor, node.json, clock
/// ledger/                block log, state, epochs
/// vault/                 ciphertexts and sealed keys
/// members/ tls/ nats.key with keys only
/// ```
///
/// The voting key is in no backup: whoever votes has to know what it has voted, and a copy does not.
package struct Backup {
    package static let noteName = "backup.json"
    private static let plain = ["genesis.cbor", "node.json", "clock", "vault"]
    private static let secret = ["members", "tls", "nats.key"]

    private let home: Home

    package init(_ home: Home) { self.home = home }

    // MARK: Making one

    /// - Parameter folder: new or empty.
    /// - Throws: `backup.not_empty`, `backup.io`, `node.storage`.
    package func write(
        of node: LedgerNode, to folder: URL, withKeys: Bool, now: Timestamp
    ) throws(NodeError) -> BackupNote {
        try Backup.requireEmpty(folder, "backup.not_empty")
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let ledger = folder.appendingPathComponent("ledger")
            let stored = try node.store.store.backup(to: ledger.path)
            let epochs = node.epochChain
            if !epochs.isEmpty {
                try EpochChain(
                    ledger.appendingPathComponent("epochs").path, files: POSIXFileSystem(), records: epochs
                ).save()
            }
            for name in Backup.plain + (withKeys ? Backup.secret : []) {
                try Backup.copy(home.folder, folder, name)
            }
            let note = BackupNote(
                chain: node.rules.chain.description, height: stored.lastHeight ?? 0,
                madeMilliseconds: now.milliseconds, hasKeys: withKeys, epochs: epochs.count,
                damages: stored.damages.map { "\($0)" })
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            try Home(folder).replace(
                folder.appendingPathComponent(Backup.noteName), with: [UInt8](try encoder.encode(note)),
                mode: 0o600)
            return note
        } catch let error as NodeError { throw error } catch let error as StorageError {
            throw NodeError("node.storage", "the ledger could not be copied", cause: error)
        } catch { throw NodeError("backup.io", "the backup could not be written", cause: error) }
    }

    // MARK: Putting one back

    /// Fills an empty data directory from a backup. The node then observes: see `voting-key rotate`.
    /// - Throws: `home.exists`, `home.busy`, `home.io`, `backup.incomplete`, `backup.other_ledger`,
    ///   `backup.damaged`, `backup.io`.
    package func restore(from folder: URL) throws(NodeError) -> BackupNote {
        guard let data = try? Data(contentsOf: folder.appendingPathComponent(Backup.noteName)),
            let note = try? JSONDecoder().decode(BackupNote.self, from: data)
        else {
            throw NodeError(
                "backup.incomplete", "\(folder.path) holds no whole backup: \(Backup.noteName) is missing")
        }
        let (_, _, chain) = try Home(folder).genesis()
        guard chain.description == note.chain else {
            throw NodeError("backup.other_ledger", "the backup's genesis document is another ledger's")
        }
        let unfinished = try UnfinishedHome(home)
        do {
            try fill(from: folder, note, chain)
            return note
        } catch {
            try? unfinished.remove(Backup.plain + Backup.secret)
            switch error {
            case let error as NodeError: throw error
            case let error as StorageError:
                throw NodeError("backup.damaged", "the backup's ledger does not open", cause: error)
            default: throw NodeError("backup.io", "the backup could not be restored", cause: error)
            }
        }
    }

    private func fill(from folder: URL, _ note: BackupNote, _ chain: ChainID) throws {
        try FileManager.default.createDirectory(
            at: home.folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for name in Backup.plain + Backup.secret + ["ledger"] { try Backup.copy(folder, home.folder, name) }
        let store = try LedgerStore(opening: home.ledgerFolder.path, chain: chain, options: .init())
        guard store.log.lastHeight ?? 0 >= note.height else {
            throw NodeError("backup.damaged", "the backup ends before block \(note.height)")
        }
        let epochs = EpochChain.load(home.ledgerFolder.appendingPathComponent("epochs").path)
        guard epochs.count >= note.epochs ?? 0 else {
            throw NodeError("backup.damaged", "the backup's chain of epochs is missing or damaged")
        }
        let damages = try store.log.verifyAll()
        guard damages.count <= note.damages.count else {
            throw NodeError("backup.damaged", "the backup's log is damaged: \(damages[0])")
        }
    }

    // MARK: Files

    private static func requireEmpty(_ folder: URL, _ code: String) throws(NodeError) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        guard names.isEmpty else {
            throw NodeError(code, "\(folder.path) is not empty: choose another directory")
        }
    }

    /// Copies a file, or a folder with all in it. What goes away meanwhile was on its way to another name.
    private static func copy(_ source: URL, _ target: URL, _ name: String) throws {
        let files = FileManager.default
        let (from, to) = (source.appendingPathComponent(name), target.appendingPathComponent(name))
        var isFolder: ObjCBool = false
        guard files.fileExists(atPath: from.path, isDirectory: &isFolder) else { return }
        guard isFolder.boolValue else {
            if name.hasSuffix(".new") || name == "lock" { return }
            do { try files.copyItem(at: from, to: to) } catch {
                if files.fileExists(atPath: from.path) { throw error }
                return
            }
            let handle = try FileHandle(forUpdating: to)
            try handle.synchronize()
            return try handle.close()
        }
        try files.createDirectory(
            at: to, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for child in try files.contentsOfDirectory(atPath: from.path) { try copy(from, to, child) }
    }
}
