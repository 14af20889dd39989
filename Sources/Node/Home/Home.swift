import Codec
import Cryptography
import Foundation
import Ledger

/// A node's data directory.
///
/// ```
/// genesis.cbor          the document that names the ledger
/// ledger/               block log and checkpointed state
/// ledger.before-N/      what was there before a snapshot took its place at block N
/// voting.key            the node's voting key: lives with the vote record, is in no backup
/// clock                 the demonstration's clock, where the genesis is simulated
/// members/NAME/keys/    one key store a member; `--as NAME` opens only that one
/// vault/                ciphertexts and sealed keys
/// ```
package struct Home: Sendable {
    package let folder: URL

    package init(_ folder: URL) { self.folder = folder }

    package var genesisFile: URL { folder.appendingPathComponent("genesis.cbor") }
    package var ledgerFolder: URL { folder.appendingPathComponent("ledger") }
    package var vaultFolder: URL { folder.appendingPathComponent("vault") }
    package var clockFile: URL { folder.appendingPathComponent("clock") }
    var votingKeyFile: URL { folder.appendingPathComponent("voting.key") }

    /// Bytes that are free on the disk; 0 where the system does not say.
    package var freeBytes: UInt64 {
        get throws {
            let room = try FileManager.default.attributesOfFileSystem(forPath: folder.path)[.systemFreeSize]
            return (room as? NSNumber)?.uint64Value ?? 0
        }
    }

    package var isFounded: Bool { FileManager.default.fileExists(atPath: genesisFile.path) }

    /// A member's key store; it need not be there yet.
    package func keystore(of member: MemberID) -> Keystore {
        Keystore(folder: folder.appendingPathComponent("members/\(member.text)/keys"))
    }

    /// The members that have a key store here, sorted.
    package func membersWithKeys() -> [MemberID] {
        let names = try? FileManager.default.contentsOfDirectory(
            atPath: folder.appendingPathComponent("members").path)
        return (names ?? []).compactMap { MemberID($0) }.sorted()
    }

    /// The genesis, its bytes, and the ledger's name.
    /// - Throws: `home.not_founded`, `home.damaged`.
    package func genesis() throws(NodeError) -> (genesis: Genesis, bytes: [UInt8], chain: ChainID) {
        guard let data = try? Data(contentsOf: genesisFile) else {
            throw NodeError(
                "home.not_founded",
                "there is no ledger in \(folder.path): name its directory with --home, or begin with "
                    + "millwright found")
        }
        return try Home.genesis([UInt8](data))
    }

    /// Reads a genesis document.
    /// - Throws: `home.damaged`.
    package static func genesis(
        _ bytes: [UInt8]
    ) throws(NodeError) -> (genesis: Genesis, bytes: [UInt8], chain: ChainID) {
        do { return (try Genesis(decoding: bytes), bytes, SHA256.digest(bytes)) } catch {
            throw NodeError("home.damaged", "this is not a genesis document", cause: error)
        }
    }

    /// The node's voting key.
    package func votingKey() throws(NodeError) -> Ed25519.SigningKey {
        try KeyFile(votingKeyFile).signingKey()
    }

    /// Makes the node's voting key, once.
    package func makeVotingKey() throws(NodeError) -> Ed25519.SigningKey {
        let key = Ed25519.SigningKey.generate()
        try KeyFile(votingKeyFile).write(key.seed)
        return key
    }
}

extension Ed25519.SigningKey {
    /// The key as the core uses it.
    package var signer: MessageSigner { MessageSigner(publicKey: publicKey.bytes) { self.sign($0) } }
}
