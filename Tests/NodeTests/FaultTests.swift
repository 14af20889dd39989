import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Storage
import TestSupport
import Testing

@testable import Node

/// Fails every storage call of a node in turn: opening, blocks over several segments, checkpoints, closing.
@Suite struct FaultTests {
    /// What callers were told of each transaction that they sent.
    private struct Told {
        var final: [FinalTransaction] = []
        /// Bytes whose fate the caller was not told.
        var open: [[UInt8]] = []
    }

    private static let options: LedgerNode.Options = {
        var options = LedgerNode.Options()
        options.blocksPerCheckpoint = 2
        options.store.log.segmentBytes = 12_000
        options.store.log.preallocationBytes = 4096
        return options
    }()

    /// Opens, submits in turn and at once, reads, closes. Every call returns: an answer, or an error.
    private func run(_ home: Home, _ signer: MessageSigner, _ files: FaultyFileSystem, _ told: inout Told)
        async
    {
        let node: LedgerNode
        do { node = try LedgerNode(home: home, options: FaultTests.options, files: files) } catch {
            #expect(files.hasFailed, "\(error)")
            return
        }
        for step in 0..<5 {
            let action = step == 2 ? FoundedHome.refusedAction : FoundedHome.action("step \(step)")
            await submit([action], signer, node, files, &told)
        }
        await submit((0..<4).map { FoundedHome.action("together \($0)") }, signer, node, files, &told)
        do { _ = try node.view().all(MemberRecord.self) } catch { #expect(files.hasFailed, "\(error)") }
        do { try node.close() } catch { #expect(files.hasFailed, "\(error)") }
        // Nothing waits after the end.
        await #expect(throws: NodeError.self) { try await node.submit([1]) }
    }

    private func submit(
        _ actions: [ConsortiumContract.Action], _ signer: MessageSigner, _ node: LedgerNode,
        _ files: FaultyFileSystem, _ told: inout Told
    ) async {
        await withTaskGroup(of: ([UInt8], Result<FinalTransaction, NodeError>).self) { group in
            for action in actions {
                group.addTask {
                    var bytes: [UInt8] = []
                    do throws(NodeError) {
                        bytes = try node.sign(ConsortiumContract.self, action, as: signer)
                        return (bytes, .success(try await node.submit(bytes)))
                    } catch { return (bytes, .failure(error)) }
                }
            }
            for await (bytes, result) in group {
                switch result {
                case .success(let final): told.final.append(final)
                case .failure(let error):
                    #expect(files.hasFailed, "\(error)")
                    #expect(error.code.hasPrefix("node."), "\(error)")
                    told.open.append(bytes)
                }
            }
        }
    }

    /// Opens with a sound disk: what was told final is there, what was left open comes to one answer, all
    /// verifies.
    private func check(_ home: Home, _ told: Told) async throws {
        let node = try LedgerNode(home: home)
        for final in told.final {
            let found = try node.find(final.id)
            #expect(found?.height == final.height && found?.leaf == final.leaf)
            #expect(found?.outcome == final.outcome && found?.time == final.time)
        }
        for bytes in told.open {
            let final = try await node.submit(bytes)
            #expect(try await node.submit(bytes).leaf == final.leaf)
            let found = try node.find(final.id)
            #expect(found?.leaf == final.leaf)
        }
        _ = try node.verify(width: 1) { _ in }
        try node.close()
    }

    @Test(.timeLimit(.minutes(30)), arguments: FaultyFileSystem.Fault.allCases)
    func neverTellsAWrongFinalWhicheverCallFails(fault: FaultyFileSystem.Fault) async throws {
        let founded = try FoundedHome()
        let signer = try founded.signer()
        var call = 0
        var failures = 0
        while true {
            let copy = try FoundedHome(copying: founded)
            let files = FaultyFileSystem(failingCall: call, fault: fault)
            var told = Told()
            await run(copy.home, signer, files, &told)
            #expect(told.final.count + told.open.count == 9 || told.final.isEmpty)
            do { try await check(copy.home, told) } catch {
                Issue.record("after call \(call), \(files.failed): \(error)")
                throw error
            }
            failures += told.open.isEmpty ? 0 : 1
            guard files.hasFailed else { break }
            call += 1
        }
        print(
            "node faults: \(fault) at each of \(call) calls, \(failures) while transactions waited"
        )
        #expect(call > 60)
        #expect(failures > 10)
    }
}
