import Codec
import Contracts
import Cryptography
import Foundation
import HTTP
import Ledger
import Synchronization
import Vault

/// The vaults of other members' nodes, as the ledger says where they are and which TLS keys they have.
package final class DocumentExchange: DocumentPeers {
    private struct Peer {
        let address: Address
        let client: HTTPClient
        /// When it was last out of reach, by a clock that never goes back.
        var failed: UInt64?
    }

    /// Where a member's node is, and which TLS keys it may have.
    package struct Address: Hashable, Sendable {
        package let endpoint: String
        package let pins: [TLSPin]

        package init(endpoint: String, pins: [TLSPin]) { (self.endpoint, self.pins) = (endpoint, pins) }

        /// As the ledger says it; nil where it does not.
        package static func onLedger(_ record: MemberRecord) -> Address? {
            let pins = (record.tlsPins ?? []).map { TLSPin($0) }
            guard record.status == .active, !pins.isEmpty, record.endpoint.hasPrefix("https://") else {
                return nil
            }
            return Address(endpoint: record.endpoint, pins: pins)
        }
    }

    private let node: any LedgerAccess
    private let member: MemberID
    private let identity: Mutex<TLSIdentity>
    private let address: @Sendable (MemberRecord) -> Address?
    private let peers = Mutex<[MemberID: Peer]>([:])
    private let isClosed = Mutex(false)
    private let onFailure: @Sendable (MemberID, NodeError) -> Void

    /// For how long a peer that was out of reach is asked last.
    private static let pauseNanoseconds: UInt64 = 30_000_000_000

    /// - Parameters:
    ///   - identity: the node's own TLS key, by which others know the member.
    ///   - address: how a member's node is reached; nil where it is not.
    ///   - onFailure: told why a peer's vault gave no document; not that it has none.
    package init(
        node: any LedgerAccess, member: MemberID, identity: TLSIdentity,
        address: @escaping @Sendable (MemberRecord) -> Address? = Address.onLedger,
        onFailure: @escaping @Sendable (MemberID, NodeError) -> Void = { _, _ in }
    ) {
        (self.node, self.member) = (node, member)
        self.identity = Mutex(identity)
        (self.address, self.onFailure) = (address, onFailure)
    }

    /// Shows another TLS key from now on.
    package func use(_ identity: TLSIdentity) {
        self.identity.withLock { $0 = identity }
        peers.withLock { $0 = [:] }
    }

    /// Ends calls that are under way; later ones find nobody.
    package func close() {
        isClosed.withLock { $0 = true }
        let clients = peers.withLock { peers in peers.values.map(\.client) }
        for client in clients { client.close() }
    }

    package func fetch(_ cid: CID, for reader: [UInt8], into vault: DocumentVault) throws(NodeError) -> Bool {
        try fetch(cid, for: reader, from: [], into: vault)
    }

    /// Asks one member's node after the other until a vault has a document.
    /// - Parameters:
    ///   - reader: whom it is to be sealed to, as a sealing public key; nil takes it as the first one has it.
    ///   - parties: who is asked first, the author before all.
    /// - Returns: whether the vault has it now, sealed to the reader where one is given.
    /// - Throws: what reading the ledger or this vault throws; a peer's failure is passed over.
    package func fetch(
        _ cid: CID, for reader: [UInt8]?, from parties: [MemberID], into vault: DocumentVault
    ) throws(NodeError) -> Bool {
        let view = try node.view()
        for (id, client) in try order(parties, view) {
            do throws(NodeError) {
                try DocumentSource(client).fetch(cid, into: vault) { keys throws(NodeError) in
                    try DocumentExchange.known(keys, view)
                }
                reached(id)
                if try isSatisfied(cid, reader, vault) { return true }
            } catch {
                switch error.code {
                case "vault.not_found", "vault.not_reader": reached(id)
                case "vault.io": throw error
                default:
                    if error.code == "node.unreachable" { failed(id) }
                    onFailure(id, error)
                }
            }
        }
        return false
    }

    private func isSatisfied(
        _ cid: CID, _ reader: [UInt8]?, _ vault: DocumentVault
    ) throws(NodeError) -> Bool {
        guard let reader else { return vault.contains(cid) }
        do { return try vault.keys(of: cid).has(reader) } catch { throw NodeError(error) }
    }

    /// The keys of members; nil where there are none.
    package static func known(_ keys: SealedKeys, _ view: StateView) throws(NodeError) -> SealedKeys? {
        var names: Set<String> = []
        for name in Set(keys.entries.map(\.reader.id)) {
            if let id = MemberID(name), try view.get(MemberRecord.self, id) != nil { names.insert(name) }
        }
        return keys.kept { names.contains($0) }
    }

    package func announce(_ cid: CID, in vault: DocumentVault) throws(NodeError) {
        let readers: [String]
        do { readers = try vault.readers(of: cid) } catch { throw NodeError(error) }
        for reader in readers.compactMap({ MemberID($0) }) where reader != member {
            _ = try push(cid, from: vault, to: reader)
        }
    }

    /// Hands a member's node the keys of a document that it has already.
    /// - Returns: whether it has taken them, or has no such document: it gets both when it asks for it.
    package func push(_ cid: CID, from vault: DocumentVault, to member: MemberID) throws(NodeError) -> Bool {
        let keys: SealedKeys
        do { keys = try vault.keys(of: cid) } catch { throw NodeError(error) }
        guard let record = try node.view().get(MemberRecord.self, member), let client = client(record) else {
            return true
        }
        do throws(NodeError) {
            try DocumentSource(client).push(keys, of: cid)
        } catch {
            if error.code == "vault.not_found" { return true }
            if error.code == "node.unreachable" { failed(member) }
            onFailure(member, error)
            return false
        }
        return true
    }

    // MARK: Peers

    /// Whom to ask, in this order: the parties, then the others by name; who was just out of reach last.
    private func order(
        _ parties: [MemberID], _ view: StateView
    ) throws(NodeError) -> [(MemberID, HTTPClient)] {
        var asked: [(id: MemberID, client: HTTPClient)] = []
        let others = try view.all(MemberRecord.self)
        let first = parties.compactMap { party in others.first { $0.id == party } }
        for record in first + others where !asked.contains(where: { $0.id == record.id }) {
            if let client = client(record) { asked.append((record.id, client)) }
        }
        let late = asked.filter { isPaused($0.id) }
        return asked.filter { one in !late.contains { $0.id == one.id } } + late
    }

    /// The client of a member's node; nil where it cannot be reached, and for the own one.
    private func client(_ record: MemberRecord) -> HTTPClient? {
        guard record.id != member, let address = address(record) else { return nil }
        return peers.withLock { peers in
            if isClosed.withLock({ $0 }) { return nil }
            if let peer = peers[record.id], peer.address == address { return peer.client }
            var configuration = HTTPClientConfiguration()
            configuration.connectMilliseconds = 3_000
            let made = try? HTTPClient(
                address.endpoint, trust: .pins(address.pins), identity: self.identity.withLock { $0 },
                configuration: configuration)
            // An endpoint that is no URL leads nowhere: as if there were none.
            guard let made else { return nil }
            peers[record.id] = Peer(address: address, client: made)
            return made
        }
    }

    private func isPaused(_ id: MemberID) -> Bool {
        let now = DispatchTime.now().uptimeNanoseconds
        return peers.withLock { peers in
            peers[id]?.failed.map { now - $0 < DocumentExchange.pauseNanoseconds } ?? false
        }
    }

    private func reached(_ id: MemberID) { peers.withLock { $0[id]?.failed = nil } }

    private func failed(_ id: MemberID) {
        peers.withLock { $0[id]?.failed = DispatchTime.now().uptimeNanoseconds }
    }
}
