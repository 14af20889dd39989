import Codec
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Storage

/// What a writing task has reached, and whether it may stop.
private final class WriterProgress: Sendable {
    let acknowledged = Mutex(0 as UInt64)
    let isDone = Mutex(false)
}

private func openStore(_ path: String, files: any FileSystem = POSIXFileSystem()) throws -> LedgerStore {
    var options = LedgerStore.Options()
    options.log.segmentBytes = 2000
    options.log.preallocationBytes = 512
    return try LedgerStore(opening: path, chain: chain, options: options, files: files)
}

private func payload(_ height: UInt64) -> [UInt8] { [UInt8](repeating: UInt8(height % 251), count: 100) }

private func add(_ height: UInt64, to store: LedgerStore) throws {
    try store.log.append([block(height, payload(height)), vote(height, "\(height)")])
    try store.nodes.append([Digest([UInt8](repeating: UInt8(height % 251), count: 32))!])
    try store.overlay.apply(
        height: height, changes: [(.rows, RowChange(key: [UInt8(height % 7)], value: payload(height)))],
        nodeCount: height)
    if height % 5 == 0 {
        store.overlay.freeze()
        _ = try store.checkpoint()
    }
}

/// The copy holds every block up to a height, and a state, and digests, that fit them.
private func check(_ path: String, atLeast height: UInt64, _ backup: StoreBackup? = nil) throws {
    let store = try openStore(path)
    let last = try #require(store.log.lastHeight)
    #expect(last >= height)
    let first = try #require(store.log.firstHeight)
    #expect(try store.log.blocks() == (first...last).map { block($0, payload($0)) })
    #expect(try store.log.latest(.vote) == vote(last, "\(last)"))
    let base = try store.state.snapshot()
    let stateHeight = base.height ?? 0
    for key in 0..<7 as Range<UInt64> {
        let written = (0...stateHeight).last { $0 % 7 == key && $0 > 0 }
        #expect(try base.value(forKey: [UInt8(key)]) == written.map(payload))
    }
    #expect(store.nodesAreWhole)
    #expect(store.nodes.count == Int(stateHeight))
    if let backup {
        #expect(backup == StoreBackup(lastHeight: last, stateHeight: base.height, damages: []))
    }
    try add(last + 1, to: store, replayingFrom: stateHeight)
}

private func add(_ height: UInt64, to store: LedgerStore, replayingFrom state: UInt64) throws {
    for old in state + 1..<height {
        try store.nodes.append([Digest([UInt8](repeating: UInt8(old % 251), count: 32))!])
        try store.overlay.apply(height: old, changes: [], nodeCount: old)
    }
    try add(height, to: store)
    #expect(store.log.lastHeight == height)
}

@Suite struct BackupTests {
    let folder: TemporaryFolder
    var path: String { folder.path + "/store" }
    var copy: String { folder.path + "/copy" }
    init() throws { folder = try TemporaryFolder() }

    @Test(arguments: [0, 1, 4, 5, 60] as [UInt64])
    func aCopyOpensAndGoesOn(height: UInt64) throws {
        let store = try openStore(path)
        for height in 0..<height { try add(height + 1, to: store) }
        if height > 20 { #expect(try store.prune(below: 20) > 0) }
        let backup = try store.backup(to: copy)
        guard height > 0 else {
            #expect(backup == StoreBackup(lastHeight: nil, stateHeight: nil, damages: []))
            #expect(try openStore(copy).log.lastHeight == nil)
            return
        }
        try check(copy, atLeast: height, backup)
    }

    @Test func copiesWhileBlocksAreWritten() async throws {
        let store = try openStore(path)
        let progress = WriterProgress()
        let copy = copy
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var height: UInt64 = 0
                while !progress.isDone.withLock({ $0 }) {
                    height += 1
                    try add(height, to: store)
                    progress.acknowledged.withLock { $0 = height }
                }
            }
            group.addTask {
                defer { progress.isDone.withLock { $0 = true } }
                for number in 0..<3 {
                    let before = progress.acknowledged.withLock { $0 }
                    let target = "\(copy)\(number)"
                    let backup = try store.backup(to: target)
                    #expect(backup.damages.isEmpty)
                    if before > 0 { try check(target, atLeast: before, backup) }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func refusesAFolderThatHoldsSomething() throws {
        let store = try openStore(path)
        try store.log.append([block(1, "one")])
        #expect(throws: StorageError.notEmpty(path: path)) { try store.backup(to: path) }
        _ = try store.backup(to: copy)
        #expect(throws: StorageError.notEmpty(path: copy)) { try store.backup(to: copy) }
    }

    @Test func namesDamageThatItCopied() throws {
        let store = try openStore(path)
        for height in 1...60 as ClosedRange<UInt64> { try add(height, to: store) }
        var bytes = try Disk.bytes(segment(2, in: path + "/log"))
        bytes[SegmentHeader.count + RecordFrame.count] ^= 1
        try Disk.write(bytes, to: segment(2, in: path + "/log"))
        let damages = try store.backup(to: copy).damages
        #expect(damages.map(\.segment) == [2])
        #expect(try damages == store.log.verifyAll())
    }

    @Test(arguments: FaultyFileSystem.Fault.allCases)
    func aCopyThatDidNotEndIsNotOpened(fault: FaultyFileSystem.Fault) throws {
        do {
            let store = try openStore(path)
            for height in 1...23 as ClosedRange<UInt64> { try add(height, to: store) }
        }
        var calls = 0
        var failures = 0
        while true {
            let target = "\(copy)\(calls)"
            let files = FaultyFileSystem(failingCall: calls, fault: fault)
            let store: LedgerStore
            do { store = try openStore(path, files: files) } catch {
                #expect(files.hasFailed)
                calls += 1
                continue
            }
            do {
                _ = try store.backup(to: target)
                guard files.hasFailed else { break }
            } catch {
                #expect(files.hasFailed, "\(error)")
                failures += 1
            }
            // The mark is the first thing in the folder and the last that goes.
            let names = (try? FileManager.default.contentsOfDirectory(atPath: target)) ?? []
            if names.contains("incomplete") {
                #expect(throws: StorageError.incomplete(path: target)) { try openStore(target) }
            } else if !names.isEmpty {
                try check(target, atLeast: 23)
            }
            #expect(store.log.lastHeight == 23)
            calls += 1
        }
        #expect(failures > 60)
    }
}
