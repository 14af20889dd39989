import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Node

/// A consortium of several validators in one process, each with its own data directory.
final class Cluster: Sendable {
    private let folder: URL
    private let segmentBytes: Int?
    let members: [MemberID]
    let homes: [Home]
    let network = ClusterNetwork()
    let orders = ClusterOrders()
    private let running: Mutex<[MemberID: (node: LedgerNode, files: CuttableFiles)]> = Mutex([:])

    /// - Parameters:
    ///   - followers: nodes that are no validators.
    ///   - segmentBytes: of the log's files, where they are to be small.
    ///   - engines: of the ledger's list; each is an order of this process.
    init(
        _ count: Int, followers: Int = 0, segmentBytes: Int? = nil, engines: [String] = ["embedded:"]
    ) throws {
        self.segmentBytes = segmentBytes
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "millwright-cluster-\(UUID().uuidString)")
        members = (1...(count + followers)).map { MemberID(unchecked: "n\($0)") }
        homes = members.map { [folder] in Home(folder.appendingPathComponent("\($0)")) }
        var founders: [Founder] = []
        var validators: [ValidatorsRecord.Validator] = []
        for (index, (member, home)) in zip(members, homes).enumerated() {
            let keystore = home.keystore(of: member)
            try keystore.create()
            founders.append(
                Founder(
                    id: member, name: "Company \(member)", roles: [.board, .customer],
                    profile: MemberProfile(registrationName: "Company \(member)", country: "DE"),
                    signingPublicKey: Bytes(try keystore.signingKey().publicKey.bytes),
                    sealingPublicKey: Bytes(try keystore.sealingKey().publicKey)))
            guard index < count else { continue }
            let key = try home.makeVotingKey()
            validators.append(.init(member: member, votingKey: Bytes(key.publicKey.bytes)))
        }
        let genesis = Genesis(
            name: "Cluster", created: Timestamp(milliseconds: 1_767_225_600_000), simulated: false,
            validators: validators, parameters: .init(), engines: engines,
            founders: Bytes(try CBOR.encode(founders)))
        for home in homes { try Data(try genesis.encoded()).write(to: home.genesisFile) }
        for index in members.indices { try start(index) }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    subscript(index: Int) -> LedgerNode {
        running.withLock { running in
            guard let node = running[members[index]]?.node else { preconditionFailure("it runs") }
            return node
        }
    }

    func start(_ index: Int) throws {
        let (member, files) = (members[index], CuttableFiles())
        var options = LedgerNode.Options()
        options.blocksPerCheckpoint = 5
        if let segmentBytes {
            (options.store.log.segmentBytes, options.store.log.preallocationBytes) = (
                segmentBytes, segmentBytes
            )
        }
        options.closeSeconds = 0.2
        // Consensus time is behind the clocks at first, and one validator's clock alone does not move it.
        options.ticks = true
        options.timing.suspect = .seconds(1)
        options.timing.change = .seconds(1)
        let surroundings = LedgerNode.Surroundings(
            network: network.port(member),
            engines: { [orders, network] in orders.engine($0, for: member, network: network) })
        let node = try LedgerNode(
            home: homes[index], surroundings: surroundings, options: options, files: files)
        running.withLock { $0[member] = (node, files) }
        network.connect(member, node)
    }

    /// Ends a node as a kill does: nothing more is written, sent or told.
    func kill(_ index: Int) {
        let member = members[index]
        network.connect(member, nil)
        guard let (node, files) = running.withLock({ $0.removeValue(forKey: member) }) else { return }
        files.cut()
        #expect(throws: NodeError.self) {
            try node.close()
            throw NodeError("test.killed", "a killed node has nothing left to say")
        }
    }

    func close() throws {
        for index in members.indices {
            guard let (node, _) = running.withLock({ $0.removeValue(forKey: members[index]) }) else {
                continue
            }
            network.connect(members[index], nil)
            try node.close()
        }
    }

    func signer(_ index: Int) throws -> MessageSigner {
        try homes[index].keystore(of: members[index]).signingKey().signer
    }

    /// A change that is accepted, different from all others.
    func transaction(_ index: Int, _ name: String) throws -> [UInt8] {
        try self[index].sign(ConsortiumContract.self, FoundedHome.action(name), as: try signer(index))
    }

    @discardableResult
    func perform(_ index: Int, _ name: String) async throws -> FinalTransaction {
        try await self[index].submit(try transaction(index, name))
    }

    /// Brings changes through one after the other at each of some nodes, at all of them at once.
    func performMany(_ count: Int, by nodes: Range<Int>, _ name: String) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in nodes {
                group.addTask {
                    for round in 0..<count { try await self.perform(index, "\(name) \(index) \(round)") }
                }
            }
            try await group.waitForAll()
        }
    }

    /// All nodes that run come to the same blocks up to a height that all have, and each derives them again.
    func expectEqual(through height: Height? = nil, _ location: SourceLocation = #_sourceLocation)
        async throws
    {
        let nodes = members.indices.compactMap { index in running.withLock { $0[members[index]]?.node } }
        let common = try height ?? #require(nodes.map(\.height).max())
        for node in nodes { try await node.waitForFinal(common) }
        let headers = try nodes.map { try $0.header(common) }
        for header in headers { #expect(header == headers[0], sourceLocation: location) }
        for node in nodes {
            let summary = try node.verify(width: 1) { _ in }
            #expect(summary.blocks > common, sourceLocation: location)
        }
    }
}

/// A disk that is gone from one moment on.
final class CuttableFiles: FileSystem {
    private let files = POSIXFileSystem()
    private let isCut = Mutex(false)

    func cut() { isCut.withLock { $0 = true } }

    private func check(_ call: String, _ path: String) throws(StorageError) {
        if isCut.withLock({ $0 }) { throw .system(call: call, path: path, errno: EIO) }
    }

    func open(_ path: String, _ access: FileAccess) throws(StorageError) -> OpenFile {
        try check("open", path)
        return try files.open(path, access)
    }

    func size(of file: OpenFile) throws(StorageError) -> Int { try files.size(of: file) }

    func read(
        _ file: OpenFile, at offset: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int { try files.read(file, at: offset, into: buffer) }

    func write(_ buffer: UnsafeRawBufferPointer, to file: OpenFile, at offset: Int) throws(StorageError) {
        try check("write", file.path)
        try files.write(buffer, to: file, at: offset)
    }

    func synchronize(_ file: OpenFile) throws(StorageError) {
        try check("fsync", file.path)
        try files.synchronize(file)
    }

    func synchronizeFolder(_ path: String) throws(StorageError) {
        try check("fsync", path)
        try files.synchronizeFolder(path)
    }

    func truncate(_ file: OpenFile, to size: Int) throws(StorageError) {
        try check("truncate", file.path)
        try files.truncate(file, to: size)
    }

    func preallocate(_ file: OpenFile, at offset: Int, count: Int) throws(StorageError) -> Bool {
        try check("fallocate", file.path)
        return try files.preallocate(file, at: offset, count: count)
    }

    func rename(_ path: String, to newPath: String) throws(StorageError) {
        try check("rename", path)
        try files.rename(path, to: newPath)
    }

    func remove(_ path: String) throws(StorageError) {
        try check("unlink", path)
        try files.remove(path)
    }

    func names(in folder: String) throws(StorageError) -> [String] { try files.names(in: folder) }
    func createFolder(_ path: String) throws(StorageError) { try files.createFolder(path) }
    func lock(_ file: OpenFile) throws(StorageError) -> Bool { try files.lock(file) }

    func before(_ call: LMDBCall, in path: String) throws(StorageError) {
        if call == .commit { try check("commit", path) }
        files.before(call, in: path)
    }
}
