import Codec
import Cryptography
import Foundation
import Merkle
import TestSupport
import Testing

@testable import Ledger
@testable import Storage

@Suite struct SnapshotTests {
    let folder: TemporaryFolder
    var target: String { folder.path + "/new" }
    let world: SnapshotWorld
    let manifest: SnapshotManifest
    let chunks: [[UInt8]]
    let rows: [Row]

    /// Three blocks: 2.5 MB of rows, five of them small and listed under two owners.
    init() throws {
        folder = try TemporaryFolder()
        var world = try SnapshotWorld(folder.path + "/store")
        try world.add([Part(id: .init(number: 0), owner: "one", text: "nothing")])
        let large = String(repeating: "x", count: 40_000)
        try world.add((1...60).map { Part(id: .init(number: $0), owner: "", text: large) })
        try world.add((61...65).map { Part(id: .init(number: $0), owner: $0 < 64 ? "one" : "two", text: "") })
        try world.checkpoint()
        self.world = world
        let export = folder.path + "/export"
        manifest = try world.store.exportSnapshot(to: export, hash: SHA256.hash)
        let served = SnapshotFolder(export)
        chunks = try manifest.chunks.indices.map { try #require(try served.chunk($0)) }
        rows = try chunks.flatMap { try SnapshotChunk.rows(decoding: $0) }
        #expect(try served.manifest() == manifest.encoded)
        #expect(try served.chunk(chunks.count) == nil)
    }

    private func begin(
        _ manifest: SnapshotManifest, files: any FileSystem = POSIXFileSystem()
    ) throws -> SnapshotImport {
        try SnapshotImport(
            manifest, into: target, chain: chain, derived: SnapshotWorld.derived, hash: SHA256.hash,
            options: SnapshotWorld.options(), files: files)
    }

    /// What an import of other rows under a manifest that names them comes to.
    private func forged(
        _ chunks: [[UInt8]], _ change: (inout SnapshotManifest) -> Void = { _ in },
        header: BlockHeader? = nil, record: BlockHeader? = nil
    ) throws {
        var manifest = manifest
        manifest.chunks = chunks.map { .init(digest: SHA256.hash($0), byteCount: $0.count) }
        change(&manifest)
        let importing = try begin(manifest)
        for chunk in chunks { try importing.add(chunk) }
        try importing.finish(
            header ?? world.header, records: [SnapshotWorld.record(record ?? world.header)])
    }

    private func code(_ body: () throws -> Void) throws -> String? {
        do { try body() } catch let error as SnapshotError {
            // Whatever was false, nothing of it can be opened.
            if FileManager.default.fileExists(atPath: target) {
                #expect(throws: StorageError.incomplete(path: target)) {
                    try LedgerStore(opening: target, chain: chain)
                }
            }
            return error.code
        }
        return nil
    }

    /// The folder holds what the exporting store holds, and goes on.
    private func check() throws {
        let store = try LedgerStore(opening: target, chain: chain, options: SnapshotWorld.options())
        let (own, other) = (try store.state.snapshot(), try world.store.state.snapshot())
        #expect(own.height == 2)
        #expect(try own.entries(limit: 1000) == other.entries(limit: 1000))
        #expect(try own.historyStart == 3)
        #expect(try own.snapshotFrontier == manifest.frontier)
        #expect(store.nodesAreWhole)
        #expect(try store.nodes.frontier(size: 3) == world.store.nodes.frontier(size: 3))
        #expect(store.log.firstHeight == 2)
        #expect(store.log.lastHeight == 2)
        #expect(try store.log.certificate(at: 2) == Array("final".utf8))
        #expect(try store.log.latest(.vote) == vote(1, "promise"))
        try store.log.append([block(3, "three")])
        try store.nodes.append([SHA256.hash([3])])
        try store.overlay.apply(
            height: 3, changes: [(.rows, Storage.RowChange(key: [1], value: [1]))], nodeCount: 5)
        store.overlay.freeze()
        #expect(try store.checkpoint())
        #expect(try store.verifyReading())
    }

    private func importAll(files: any FileSystem = POSIXFileSystem()) throws {
        let importing = try begin(manifest, files: files)
        for chunk in chunks { try importing.add(chunk) }
        #expect(importing.isComplete)
        try importing.finish(
            world.header,
            records: [SnapshotWorld.record(world.header), certificate(2, "final"), vote(1, "promise")])
    }

    @Test func aStoreBeginsWithASnapshot() throws {
        #expect(chunks.count == 3)
        #expect(chunks.allSatisfy { $0.count <= 1 << 20 })
        #expect(rows.count == 66)
        #expect(try SnapshotManifest(decoding: manifest.encoded) == manifest)
        try importAll()
        try check()
        #expect(throws: StorageError.notEmpty(path: target)) { try begin(manifest) }
    }

    @Test func theSameCheckpointGivesTheSameBytes() throws {
        let again = try world.store.exportSnapshot(to: folder.path + "/again", hash: SHA256.hash)
        #expect(again == manifest)
        try importAll()
        let imported = try LedgerStore(opening: target, chain: chain)
        #expect(try imported.exportSnapshot(to: folder.path + "/third", hash: SHA256.hash) == manifest)
    }

    @Test func aStoreWithoutACheckpointHasNoSnapshot() throws {
        let store = try LedgerStore(opening: target, chain: chain)
        #expect(throws: SnapshotError.noCheckpoint) {
            try store.exportSnapshot(to: folder.path + "/none", hash: SHA256.hash)
        }
        #expect(try SnapshotFolder(folder.path + "/none").manifest() == nil)
    }

    @Test func aChunkThatWasChangedOnTheWayIsFetchedAgain() throws {
        let importing = try begin(manifest)
        var wrong = chunks[0]
        wrong[100] ^= 1
        #expect(throws: SnapshotError.otherChunk(0)) { try importing.add(wrong) }
        #expect(throws: SnapshotError.otherChunk(0)) { try importing.add(chunks[1]) }
        #expect(throws: SnapshotError.otherChunk(0)) { try importing.add([]) }
        try importing.add(chunks[0])
        #expect(importing.nextChunk == 1)
        #expect(throws: SnapshotError.tooFew(chunks: 2, rows: 66 - 27)) {
            try importing.finish(world.header, records: [SnapshotWorld.record(world.header)])
        }
    }

    @Test func aLyingPeersRowsAreFound() throws {
        let last = rows.count - 1
        // Another value, another key, a row too few, a row too many: not the state of the block.
        for change in 0..<4 {
            var rows = Array(rows[60...])
            switch change {
            case 0:
                let part = Part(id: .init(number: 65), owner: "mallory", text: "")
                rows[rows.count - 1] = Row(
                    key: self.rows[last].key, value: try SnapshotWorld.rows(part, height: 2)[0].1)
            case 1:
                let other = try SnapshotWorld.rows(Part(id: .init(number: 66), owner: "two", text: ""))[0]
                rows[rows.count - 1] = Row(key: other.0.bytes, value: other.1)
            case 2: rows.removeLast()
            default:
                let other = try SnapshotWorld.rows(Part(id: .init(number: 99), owner: "two", text: ""))[0]
                rows.append(Row(key: other.0.bytes, value: other.1))
            }
            let chunks = [
                SnapshotChunk.encode(Array(self.rows[..<25])),
                SnapshotChunk.encode(Array(self.rows[25..<50])),
                SnapshotChunk.encode(Array(self.rows[50..<60])), SnapshotChunk.encode(rows),
            ]
            let count = UInt64(60 + rows.count)
            #expect(try code { try forged(chunks) { $0.rowCount = count } } == "snapshot.other_state")
        }
        #expect(
            try code { try forged(chunks) { $0.rowCount += 1 } } == "snapshot.too_few")
    }

    @Test func noDerivedRowIsTakenFromAPeer() throws {
        let listed = Part.indexKey("owner", Array("two".utf8), Part.Name(number: 1).keyBytes)
        let smuggled = SnapshotChunk.encode([rows[0], Row(key: listed.bytes, value: [])])
        #expect(try code { try forged([smuggled]) } == "snapshot.wrong_key")
        for name in ["~leaf", "~"] {
            let key = Ledger.RowKey(table: name, key: [1, 2, 3])
            let chunk = SnapshotChunk.encode([Row(key: key.bytes, value: [])])
            #expect(try code { try forged([chunk]) } == "snapshot.wrong_key")
        }
    }

    @Test func keysThatDoNotRiseOrAreNoRowsAreRefused() throws {
        let orders = [[rows[1], rows[0]], [rows[0], rows[0]]]
        for order in orders {
            #expect(try code { try forged([SnapshotChunk.encode(order)]) } == "snapshot.wrong_key")
        }
        let second = [SnapshotChunk.encode([rows[5]]), SnapshotChunk.encode([rows[4]])]
        #expect(try code { try forged(second) } == "snapshot.wrong_key")
        let keys: [[UInt8]] = [[], [UInt8](repeating: 0x70, count: 500)]
        for key in keys {
            let chunk = SnapshotChunk.encode([Row(key: key, value: rows[0].value)])
            #expect(try code { try forged([chunk]) } == "snapshot.wrong_key")
        }
        // A table that no contract declares could have an index that nobody makes.
        let unknown = Row(key: Ledger.RowKey(table: "other", key: [1]).bytes, value: rows[0].value)
        let others = [
            unknown, Row(key: rows[0].key, value: rows[1].value), Row(key: rows[0].key, value: [1]),
        ]
        for row in others {
            #expect(try code { try forged([SnapshotChunk.encode([row])]) } == "snapshot.malformed_chunk")
        }
        for bytes in [
            [], [0x81, 0x40] as [UInt8], [0x80, 0x00], [0x9b, 255, 255, 255, 255, 255, 255, 255, 254],
        ] {
            #expect(try code { try forged([bytes]) } == "snapshot.malformed_chunk")
        }
    }

    @Test func anotherBlockLogOrLedgerIsRefused() throws {
        var other = world.header
        other.position += 1
        #expect(try code { try forged(chunks, header: other, record: other) } == "snapshot.other_block")
        #expect(try code { try forged(chunks, record: other) } == "snapshot.other_block")
        #expect(
            try code {
                let importing = try begin(manifest)
                for chunk in chunks { try importing.add(chunk) }
                try importing.finish(world.header, records: [])
            } == "snapshot.other_block")
        var peaks = manifest.frontier.peaks
        peaks[0] = .zero
        let frontier = LogFrontier(size: 3, peaks: peaks)!
        #expect(try code { try forged(chunks) { $0.frontier = frontier } } == "snapshot.other_log")
        #expect(try code { try forged(chunks) { $0.chain = otherChain } } == "snapshot.other_ledger")
    }

    @Test func aManifestThatIsNoneIsRefused() throws {
        let bytes = manifest.encoded
        for end in 0..<bytes.count {
            #expect(throws: SnapshotError.self) { try SnapshotManifest(decoding: Array(bytes[..<end])) }
        }
        var large = manifest
        large.chunks = [.init(digest: .zero, byteCount: 1 << 20 + 1)]
        #expect(throws: SnapshotError.self) { try SnapshotManifest(decoding: large.encoded) }
    }

    @Test(arguments: [FaultyFileSystem.Fault.error, .noSpace])
    func anImportThatDidNotEndBeginsAgain(fault: FaultyFileSystem.Fault) throws {
        var call = 0
        var failures = 0
        while true {
            try? FileManager.default.removeItem(atPath: target)
            let files = FaultyFileSystem(failingCall: call, fault: fault)
            do {
                try importAll(files: files)
                guard files.hasFailed else { break }
            } catch {
                #expect(files.hasFailed, "\(error)")
                failures += 1
            }
            let names = (try? FileManager.default.contentsOfDirectory(atPath: target)) ?? []
            if names.contains("incomplete") {
                #expect(throws: StorageError.incomplete(path: target)) {
                    try LedgerStore(opening: target, chain: chain)
                }
            }
            if !names.contains("log") || names.contains("incomplete") { try importAll() }
            try check()
            call += 1
        }
        #expect(failures > 30)
    }

    @Test func digestsThatAreFetchedLaterFillTheHole() throws {
        try importAll()
        let store = try LedgerStore(opening: target, chain: chain)
        #expect(store.nodes.count == 4)
        let known = try (0..<4).map { try store.nodes.digest(at: $0) != nil }
        #expect(known == [false, false, true, true])
        let digests = try (0..<2).map { try #require(try world.store.nodes.digest(at: $0)) }
        try store.nodes.fill(digests, at: 0)
        for position in 0..<4 {
            #expect(try store.nodes.digest(at: position) == world.store.nodes.digest(at: position))
        }
    }
}

extension LedgerStore {
    /// Whether all of the log reads back.
    fileprivate func verifyReading() throws -> Bool { try log.verifyAll().isEmpty }
}
