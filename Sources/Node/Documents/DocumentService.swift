import Codec
import Contracts
import Cryptography
import Ledger
import Vault

/// Documents in the vault as the ledger names them, for one member: it opens only what is sealed to it.
package struct DocumentService: Sendable {
    package let node: any LedgerAccess
    package let vault: DocumentVault
    package let member: ActingMember
    /// Where documents are looked for that are not in the vault; nil where there is nobody to ask.
    private let peers: (any DocumentPeers)?

    /// - Parameter peers: nil takes those that the ledger knows of.
    package init(
        node: any LedgerAccess, vault: DocumentVault, member: ActingMember,
        peers: (any DocumentPeers)? = nil
    ) {
        (self.node, self.vault, self.member) = (node, vault, member)
        self.peers = peers ?? node.documentPeers
    }

    /// With the vault of a data directory.
    /// - Parameter key: the name of a held key that signs instead of the member's own.
    /// - Throws: `vault.io`, `keys.*`.
    package init(
        node: any LedgerAccess, home: Home, member: MemberID, key: String? = nil
    ) throws(NodeError) {
        let vault: DocumentVault
        do { vault = try DocumentVault(home.vaultFolder) } catch { throw NodeError(error) }
        self.init(node: node, vault: vault, member: try ActingMember(member, in: home, key: key))
    }

    // MARK: Storing

    /// Stores a value as deterministic CBOR, sealed to the readers and to the member itself.
    /// - Throws: `cbor.*`, and those of `store(bytes:…)`.
    package func store(
        _ value: some Encodable, name: String, mediaType: String, for readers: [MemberID]
    ) throws(NodeError) -> DocumentReference {
        let bytes: [UInt8]
        do { bytes = try CBOR.encode(value) } catch {
            throw NodeError(error.code.rawValue, "\(name) has no CBOR form", cause: error)
        }
        return try store(bytes: bytes, name: name, mediaType: mediaType, for: readers)
    }

    /// Stores bytes, sealed to the readers and to the member itself; durable when the call returns.
    /// - Throws: `member.unknown`, `document.no_sealing_key`, `vault.*`.
    package func store(
        bytes: [UInt8], name: String, mediaType: String, for readers: [MemberID]
    ) throws(NodeError) -> DocumentReference {
        let stored = try seal(bytes, for: readers)
        return DocumentReference(
            cid: stored.cid.description, digest: stored.plainDigest, size: stored.size,
            mediaType: mediaType, name: name)
    }

    /// The same for what the ledger names otherwise than by a `DocumentReference`, such as telemetry.
    package func seal(
        _ bytes: [UInt8], for readers: [MemberID]
    ) throws(NodeError) -> DocumentVault.StoredDocument {
        let view = try node.view()
        var sealed: [DocumentVault.Reader] = []
        for reader in [member.id] + readers { sealed.append(try Self.reader(reader, in: view)) }
        let stored: DocumentVault.StoredDocument
        do { stored = try vault.store(bytes, readers: sealed) } catch { throw NodeError(error) }
        try peers?.announce(stored.cid, in: vault)
        return stored
    }

    /// Signs an action that names documents which were stored just for it, and waits until it is final. Where
    /// the ledger rejects the action nothing names them: they are destroyed in this vault again. Copies that
    /// a node or a reader has been given stay there.
    ///
    /// Where the action gets no place on the ledger, or nobody knows whether it has, they stay.
    /// - Throws: as `LedgerAccess.perform`; the ledger's own code, and why, where they cannot be destroyed.
    package func perform<C: Contract>(
        _ contract: C.Type, _ action: C.Action, naming documents: [DocumentReference]
    ) async throws(NodeError) -> FinalTransaction {
        let final = try await node.perform(contract, action, as: member.signer)
        guard case .rejected(let code) = final.outcome else { return final }
        var left: (names: [String], cause: NodeError)?
        for document in documents {
            let cid = try Self.cid(document.cid)
            do { try vault.shred(cid) } catch {
                left = ((left?.names ?? []) + ["«\(document.name)»"], NodeError(error))
            }
        }
        guard let left else { return final }
        throw NodeError(
            code, "\(final.message); still in the vault: \(left.names.joined(separator: ", "))",
            cause: left.cause)
    }

    /// The same, for an action that has to be accepted.
    /// - Throws: the contract's own code where it is rejected; as `perform`.
    @discardableResult
    package func enact<C: Contract>(
        _ contract: C.Type, _ action: C.Action, naming document: DocumentReference
    ) async throws(NodeError) -> FinalTransaction {
        try await perform(contract, action, naming: [document]).accepted()
    }

    private static func reader(
        _ id: MemberID, in view: StateView
    ) throws(NodeError) -> DocumentVault.Reader {
        guard let keys = try view.existing(MemberRecord.self, id).keys else {
            throw NodeError(
                "document.no_sealing_key", "\(id) has not joined yet: nothing can be sealed to it")
        }
        return DocumentVault.Reader(id: id.text, sealingPublicKey: keys.sealingPublicKey.array)
    }

    // MARK: Opening

    /// The plain bytes, where the member is a reader and they are those that the ledger names.
    /// - Throws: `document.hash_mismatch`, `document.bad_cid`, `vault.*`.
    package func open(_ reference: DocumentReference) throws(NodeError) -> [UInt8] {
        let bytes = try open(cid: reference.cid)
        guard SHA256.digest(bytes) == reference.digest, bytes.count == reference.size else {
            throw NodeError(
                "document.hash_mismatch",
                "the vault's «\(reference.name)» is not the document on the ledger")
        }
        return bytes
    }

    /// The value of a CBOR document.
    /// - Throws: `document.malformed`, and those of `open(_:)`.
    package func open<T: Decodable>(
        _ type: T.Type, _ reference: DocumentReference
    ) throws(NodeError) -> T {
        let bytes = try open(reference)
        do { return try CBOR.decode(type, from: bytes) } catch {
            throw NodeError("document.malformed", "«\(reference.name)» is not a \(type)", cause: error)
        }
    }

    /// The plain bytes of a ciphertext, which is checked against its name only.
    /// - Throws: `document.bad_cid`, `vault.*`.
    package func open(cid text: String) throws(NodeError) -> [UInt8] {
        let cid = try Self.cid(text)
        return try withKey(to: cid) { () throws(VaultError) in
            try vault.open(cid, with: member.sealingKey)
        }
    }

    /// Runs what opens a document; where it is not here or not sealed to the member here, once more after
    /// others have been asked.
    private func withKey<T>(
        to cid: CID, _ body: () throws(VaultError) -> T
    ) throws(NodeError) -> T {
        do { return try body() } catch {
            guard let peers, error.code == .notFound || error.code == .notReader,
                try peers.fetch(cid, for: member.sealingKey.publicKey, into: vault)
            else { throw NodeError(error) }
        }
        do { return try body() } catch { throw NodeError(error) }
    }

    private static func cid(_ text: String) throws(NodeError) -> CID {
        do { return try CID(parsing: text) } catch {
            throw NodeError("document.bad_cid", "«\(text)» is no content identifier", cause: error)
        }
    }

    // MARK: Readers

    /// Lets a member read a document that this member can read; nothing happens where it already can.
    /// - Throws: `member.unknown`, `document.*`, `vault.*`.
    package func addReader(_ reader: MemberID, to reference: DocumentReference) throws(NodeError) {
        try addReader(reader, toCID: reference.cid)
    }

    package func addReader(_ reader: MemberID, toCID text: String) throws(NodeError) {
        let cid = try Self.cid(text)
        let sealed = try Self.reader(reader, in: try node.view())
        try withKey(to: cid) { () throws(VaultError) in
            try vault.addReader(sealed, to: cid, by: member.sealingKey)
        }
        try peers?.announce(cid, in: vault)
    }

    /// Who may open a document, as the vault lists them.
    package func readers(of reference: DocumentReference) throws(NodeError) -> [String] {
        let cid = try Self.cid(reference.cid)
        do { return try vault.readers(of: cid) } catch { throw NodeError(error) }
    }
}

extension NodeError {
    /// The vault's own code, with a sentence for the caller.
    package init(_ error: VaultError) {
        let message =
            switch error.code {
            case .notFound: "the document is not in this vault"
            case .notReader: "the document is not sealed to this member"
            case .damaged: "the document in the vault is damaged"
            case .badReader: "a reader's sealing key is not usable"
            case .io: "the vault could not be read or written"
            }
        // Of that one the vault knows no more.
        self.init(error.code.rawValue, message, cause: error.code == .notReader ? nil : error)
    }
}
