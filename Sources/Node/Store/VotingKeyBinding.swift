import Cryptography
import Foundation

/// Ties the voting key to the store that holds its vote record.
///
/// The key lives at `voting.key`, the vote record in the block log. Whoever votes without knowing what it has
/// voted before can break its word; so the key is used only beside the store in which it was first used. Both
/// carry the same random name: `voting.store` in the data directory, `ledger/store` beside the log. A backup
/// holds neither. A key whose name is another's, or whose store has none, does not vote: the node observes
/// until a new key (`Home.replaceVotingKey`) is named by an epoch block.
struct VotingKeyBinding {
    private let home: Home

    init(_ home: Home) { self.home = home }

    private var keyMark: URL { home.votingStoreFile }
    private var storeMark: URL { home.ledgerFolder.appendingPathComponent("store") }

    /// Whether the key may vote with this store. The first time it is bound to it.
    /// - Throws: `keys.io`.
    func allowsVoting() throws(NodeError) -> Bool {
        if let name = try? Data(contentsOf: keyMark) { return (try? Data(contentsOf: storeMark)) == name }
        do {
            if (try? Data(contentsOf: storeMark))?.isEmpty ?? true {
                try write(SecureRandom.bytes(16).map { String(format: "%02x", $0) }.joined(), to: storeMark)
            }
            let name = String(decoding: try Data(contentsOf: storeMark), as: UTF8.self)
            // The store's first: a crash in between leaves a key that has not been bound.
            try write(name, to: keyMark)
            return true
        } catch { throw NodeError("keys.io", "the voting key could not be bound to its store", cause: error) }
    }

    private func write(_ text: String, to file: URL) throws {
        let new = file.appendingPathExtension("new")
        try Data(text.utf8).write(to: new)
        let handle = try FileHandle(forWritingTo: new)
        try handle.synchronize()
        try handle.close()
        guard rename(new.path, file.path) == 0 else {
            throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
        }
    }
}

extension Home {
    var votingStoreFile: URL { folder.appendingPathComponent("voting.store") }
    var outboxFile: URL { folder.appendingPathComponent("outbox") }

    package var hasVotingKey: Bool { FileManager.default.fileExists(atPath: votingKeyFile.path) }

    /// Puts a new voting key in the place of the old one, which is kept aside and never used again: after a
    /// backup was restored. It votes once an epoch block names it.
    /// - Throws: `keys.io`, `keys.exist`.
    package func replaceVotingKey() throws(NodeError) -> Ed25519.SigningKey {
        try putVotingKeyAside()
        return try makeVotingKey()
    }

    private func putVotingKeyAside() throws(NodeError) {
        do {
            if hasVotingKey {
                let old = try votingKey().publicKey.bytes.prefix(8).map { String(format: "%02x", $0) }
                    .joined()
                try FileManager.default.moveItem(
                    at: votingKeyFile, to: folder.appendingPathComponent("voting-retired-\(old).key"))
            }
            if FileManager.default.fileExists(atPath: votingStoreFile.path) {
                try FileManager.default.removeItem(at: votingStoreFile)
            }
        } catch { throw NodeError("keys.io", "the old voting key could not be put aside", cause: error) }
    }
}

/// A voting key to follow, kept aside until the ledger has it.
extension Home {
    private var nextVotingKeyFile: URL { folder.appendingPathComponent("voting-next.key") }

    /// The key that is to follow, made when it is first asked for.
    /// - Throws: `keys.*`.
    package func nextVotingKey() throws(NodeError) -> Ed25519.SigningKey {
        let file = KeyFile(nextVotingKeyFile)
        if FileManager.default.fileExists(atPath: nextVotingKeyFile.path) { return try file.signingKey() }
        let key = Ed25519.SigningKey.generate()
        try file.write(key.seed)
        return key
    }

    /// Puts that key in the place of the old one, which is kept aside and never used again.
    /// - Throws: `keys.io`.
    package func promoteNextVotingKey() throws(NodeError) {
        try putVotingKeyAside()
        do { try FileManager.default.moveItem(at: nextVotingKeyFile, to: votingKeyFile) } catch {
            throw NodeError("keys.io", "the new voting key could not be put in place", cause: error)
        }
    }
}
