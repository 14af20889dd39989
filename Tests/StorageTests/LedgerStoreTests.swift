import Codec
import Foundation
import TestSupport
import Testing

@testable import Storage

@Suite struct LedgerStoreTests {
    let folder: TemporaryFolder
    var path: String { folder.path + "/store" }
    init() throws { folder = try TemporaryFolder() }

    private func digests(_ range: Range<UInt8>) -> [Digest] {
        range.map { Digest([UInt8](repeating: $0, count: 32))! }
    }

    @Test func isHeldByOneAtATime() throws {
        let pid = ProcessInfo.processInfo.processIdentifier
        do {
            let store = try LedgerStore(opening: path, chain: chain)
            #expect(throws: StorageError.locked(path: path + "/lock", pid: pid)) {
                try LedgerStore(opening: path, chain: chain)
            }
            withExtendedLifetime(store) {}
        }
        _ = try LedgerStore(opening: path, chain: chain)
    }

    @Test func opensAtTheCheckpointAndReplaysTheRest() throws {
        do {
            let store = try LedgerStore(opening: path, chain: chain)
            for height in 1...5 as ClosedRange<UInt64> {
                try store.log.append([block(height, "\(height)")])
                try store.nodes.append(digests(UInt8(height)..<UInt8(height) + 1))
                try store.overlay.apply(
                    height: height, changes: [(.rows, RowChange(key: [1], value: [UInt8(height)]))],
                    nodeCount: height)
                if height == 3 { store.overlay.freeze() }
            }
            #expect(try store.checkpoint())
            #expect(try !store.checkpoint())
            #expect(try store.overlay.value(forKey: [1]) == [5])
        }
        let store = try LedgerStore(opening: path, chain: chain)
        #expect(store.overlay.height == 3)
        #expect(try store.overlay.value(forKey: [1]) == [3])
        #expect(store.nodesAreWhole)
        #expect(store.nodes.count == 3)
        #expect(try store.nodes.digest(at: 2) == digests(3..<4)[0])
        var cursor = store.log.records(from: 4)
        #expect(try cursor.next() == block(4, "4"))
        #expect(try cursor.next() == block(5, "5"))
        #expect(try cursor.next() == nil)
    }

    @Test func refusesALogThatEndsBelowTheState() throws {
        do {
            let store = try LedgerStore(opening: path, chain: chain)
            try store.log.append([block(1, "one")])
            try store.overlay.apply(height: 1, changes: [], nodeCount: 0)
            store.overlay.freeze()
            _ = try store.checkpoint()
        }
        let file = segment(1, in: path + "/log")
        try Disk.write(Array(try Disk.bytes(file).dropLast()), to: file)
        #expect(throws: StorageError.logBehindState(lastHeight: 0, stateHeight: 1)) {
            try LedgerStore(opening: path, chain: chain)
        }
    }

    @Test func saysWhenTheLogTreesDigestsAreToBeMadeAgain() throws {
        do {
            let store = try LedgerStore(opening: path, chain: chain)
            try store.log.append([block(1, "one")])
            try store.nodes.append(digests(0..<4))
            try store.overlay.apply(height: 1, changes: [], nodeCount: 4)
            store.overlay.freeze()
            _ = try store.checkpoint()
        }
        try Disk.write(Array(try Disk.bytes(path + "/nodes").dropLast()), to: path + "/nodes")
        let store = try LedgerStore(opening: path, chain: chain)
        #expect(!store.nodesAreWhole)
        #expect(store.nodes.count == 3)
    }

    @Test func theNodeFileIsCutAndGoesOn() throws {
        let file = folder.path + "/nodes"
        do {
            let nodes = try NodeFile(opening: file)
            try nodes.append(digests(1..<11))
            try nodes.truncate(to: 7)
            try nodes.truncate(to: 9)
            #expect(nodes.count == 7)
            #expect(try nodes.digest(at: 7) == nil)
            try nodes.append(digests(20..<22))
        }
        try Disk.write(try Disk.bytes(file) + [1, 2, 3], to: file)
        let nodes = try NodeFile(opening: file)
        #expect(nodes.count == 9)
        try nodes.append(digests(30..<31))
        #expect(
            try (0..<10).map { try nodes.digest(at: $0) } == digests(1..<8) + digests(20..<22)
                + digests(30..<31))
        #expect(try nodes.digest(at: -1) == nil)
    }
}
