import Codec
import Foundation
import TestSupport
import Testing

@testable import Storage

/// What a run of the store was told is durable.
private struct Acknowledged {
    var blocks: [UInt64: [UInt8]] = [:]
    var certificates: [UInt64: [UInt8]] = [:]
    var vote: LogRecord?
    /// Everything that was written, undone blocks too.
    var records: [LogRecord] = []
    var stateHeight: UInt64?
    /// The rows as they are at each height.
    var rows: [UInt64: [[UInt8]: [UInt8]]] = [0: [:]]
}

@Suite struct StorageFaultTests {
    /// Opens, appends in groups over several segments, undoes, checkpoints; stops at the first error.
    private func run(_ path: String, _ files: FaultyFileSystem, _ told: inout Acknowledged) throws {
        var options = LedgerStore.Options()
        options.log.segmentBytes = 700
        options.log.preallocationBytes = 512
        let store = try LedgerStore(opening: path, chain: chain, options: options, files: files)
        var random = SeededGenerator(seed: 3)
        for height in 1...12 as ClosedRange<UInt64> {
            let payload = random.bytes(100)
            let record = vote(height, "vote \(height)")
            var group = [block(height, payload), record]
            if height > 1 { group.append(certificate(height - 1, "over \(height - 1)")) }
            try store.log.append(group)
            told.records += group
            told.blocks[height] = payload
            if height > 1 { told.certificates[height - 1] = Array("over \(height - 1)".utf8) }
            told.vote = record
            try store.nodes.append([Digest(random.bytes(32))!])
            let key = [UInt8(height % 5)]
            var rows = told.rows[height - 1]!
            rows[key] = payload
            told.rows[height] = rows
            try store.overlay.apply(
                height: height, changes: [(.rows, RowChange(key: key, value: payload))], nodeCount: height)
            if height % 4 == 0 {
                store.overlay.freeze()
                if try store.checkpoint() { told.stateHeight = height }
            }
        }
        try store.log.append([certificate(12, "over 12")])
        told.records.append(certificate(12, "over 12"))
        try store.log.append([block(12, "another twelve")])
        told.records.append(block(12, "another twelve"))
        told.blocks[12] = Array("another twelve".utf8)
        _ = try store.log.verifyAll()
    }

    private func check(_ path: String, _ told: Acknowledged) throws {
        let store = try LedgerStore(opening: path, chain: chain)
        for (height, payload) in told.blocks where height != 12 {
            #expect(try store.log.read(height) == payload)
        }
        for (height, payload) in told.certificates {
            #expect(try store.log.certificate(at: height) == payload)
        }
        if try store.log.read(12) == Array("another twelve".utf8) {
            #expect(try store.log.certificate(at: 12) == nil)
        }
        #expect(try store.log.allRecords(fromHeight: 1).starts(with: told.records))
        // A group that was written whole and not acknowledged may be there: one block beyond what was told.
        let last = told.blocks.keys.max() ?? 0
        #expect((last...last + 1).contains(store.log.lastHeight ?? 0))
        if let vote = told.vote {
            let found = try #require(try store.log.latest(.vote))
            #expect(found == vote || found.height == vote.height + 1)
        }
        let height = store.overlay.height ?? 0
        #expect(height >= told.stateHeight ?? 0)
        let rows = try #require(told.rows[height])
        #expect(
            try store.overlay.entries(limit: 10).map(\.value)
                == rows.sorted { $0.key[0] < $1.key[0] }.map(\.value))
        #expect(store.nodesAreWhole)
        #expect(store.nodes.count == Int(height))
        // And it goes on.
        try store.log.append([block(store.log.lastHeight.map { $0 + 1 } ?? 1, "next")])
        #expect(try store.log.verifyAll().isEmpty)
    }

    @Test(arguments: FaultyFileSystem.Fault.allCases)
    func keepsWhatWasAcknowledgedWhicheverCallFails(fault: FaultyFileSystem.Fault) throws {
        var call = 0
        while true {
            let folder = try TemporaryFolder()
            let path = folder.path + "/store"
            let files = FaultyFileSystem(failingCall: call, fault: fault)
            var told = Acknowledged()
            do { try run(path, files, &told) } catch {
                #expect(files.hasFailed, "\(error)")
            }
            try check(path, told)
            guard files.hasFailed else { break }
            call += 1
        }
        #expect(call > 100)
    }

    @Test func refusesAppendsAfterAFailedSynchronisationUntilOpenedAgain() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/log"
        var failures = 0
        for call in 0..<40 {
            try? FileManager.default.removeItem(atPath: path)
            let files = FaultyFileSystem(failingCall: call)
            guard let log = try? openLog(path, files: files) else { continue }
            guard (try? log.append([block(1, "one")])) == nil else { break }
            failures += 1
            #expect { try log.append([block(1, "one")]) } throws: {
                ($0 as? StorageError)?.code == "storage.failed"
            }
        }
        #expect(failures > 5)
    }

    /// The power goes at each call in turn; sectors that were not synchronised are lost at random.
    @Test(arguments: [11, 12, 13] as [UInt64])
    func keepsWhatWasAcknowledgedThroughAPowerCut(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var call = 0
        while true {
            let folder = try TemporaryFolder()
            let path = folder.path + "/log"
            let files = FaultyFileSystem(failingCall: call, fault: call % 2 == 0 ? .error : .shortWrite)
            var told: [LogRecord] = []
            do {
                let log = try openLog(path, segmentBytes: 4000, files: files)
                for height in 1...12 as ClosedRange<UInt64> {
                    let group = [block(height, random.bytes(1500)), vote(height, "\(height)")]
                    try log.append(group)
                    told.append(group[0])
                }
            } catch { #expect(files.hasFailed, "\(error)") }
            let copy = folder.path + "/crashed"
            try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            try files.crash(path, to: copy, &random)
            let log = try openLog(copy, segmentBytes: 4000)
            let found = try log.blocks()
            let isKept = found.starts(with: told)
            #expect(isKept, "call \(call): \(found.count) blocks of \(told.count)")
            #expect(found.count <= told.count + 1)
            #expect(try log.verifyAll().isEmpty)
            guard files.hasFailed else { break }
            call += 1
        }
        #expect(call > 40)
    }

    @Test func aFailedCheckpointCommitChangesNothingAndIsMadeAgain() throws {
        let folder = try TemporaryFolder()
        // Calls before the commit differ by what the store does; each is tried until one is the
        // checkpoint's.
        var failures = 0
        for call in 20..<120 {
            let path = folder.path + "/\(call)"
            let files = FaultyFileSystem(failingCall: call, fault: .noSpace)
            guard let store = try? LedgerStore(opening: path, chain: chain, files: files),
                (try? store.log.append([block(1, "one")])) != nil
            else { continue }
            try store.overlay.apply(
                height: 1, changes: [(.rows, RowChange(key: [1], value: [2]))], nodeCount: 0)
            store.overlay.freeze()
            if (try? store.checkpoint()) == nil {
                failures += 1
                #expect(try store.overlay.value(forKey: [1]) == [2])
                // All or nothing is there: the reader after the commit may be what failed.
                let height = try store.state.snapshot().height
                let isRead = ["mdb_txn_begin", "mdb_get"].contains { files.failed.hasPrefix($0) }
                #expect(height == nil || isRead, "\(files.failed)")
                #expect(try store.checkpoint())
            } else if !files.hasFailed {
                break
            }
            #expect(try store.state.snapshot().value(forKey: [1]) == [2])
            #expect(try store.overlay.value(forKey: [1]) == [2])
        }
        #expect(failures > 6)
    }
}
