import Cryptography
import Foundation
import HTTP
import Ledger
import Node
import Testing

@testable import API

/// Four companies' nodes as four processes.
@Suite(.serialized) struct NodeClusterTests {
    @Test func whatOneTakesInIsFinalOnAllAndOutlivesAKill() async throws {
        let world = try NodeWorld(["anvil", "bench", "crane", "drill"])
        var programs = try world.members.indices.map { try NodeProgram(world.home($0)) }
        do {
            for index in world.members.indices {
                try await wait("node \(index) to be ready") { try world.report(index).isReady }
            }
            let first = try world.transaction(1, city: "Ulm")
            try world.submit(first.bytes, to: 1)
            for index in world.members.indices {
                try await wait("the first transaction at \(index)") {
                    try world.finalHeight(of: first.bytes, at: index) != nil
                }
            }

            #expect(programs[3].end(SIGKILL) == -SIGKILL)
            let second = try world.transaction(2, city: "Jena")
            try world.submit(second.bytes, to: 2)
            for index in 0..<3 {
                try await wait("the second transaction at \(index)") {
                    try world.finalHeight(of: second.bytes, at: index) != nil
                }
            }
            #expect(NodeAddress.running(in: world.home(3)) == nil, "the process is gone")

            programs[3] = try NodeProgram(world.home(3))
            try await wait("the killed node to catch up") {
                try world.finalHeight(of: second.bytes, at: 3) != nil && world.report(3).isReady
            }
            // The first finality is where it was.
            #expect(
                try world.finalHeight(of: first.bytes, at: 3) == world.finalHeight(of: first.bytes, at: 0))
            for program in programs { #expect(program.end(SIGTERM) == 0) }
            #expect(NodeAddress.running(in: world.home(0)) == nil)
        } catch {
            let logs = programs.map { $0.words.suffix(3_000) }.joined(separator: "\n---\n")
            throw Trouble("\(error)\n\(logs)")
        }
    }

    @Test func oneLineTellsWhatIsWrongWithAConfiguration() async throws {
        let world = try NodeWorld(["anvil"])
        let file = world.home(0).configurationFile
        for (text, code) in [
            (#"{"member":"anvil","lisen":"127.0.0.1:1"}"#, "config.unknown_name"), ("{", "config.malformed"),
            (#"{"member":"anvil","listen":"nowhere"}"#, "config.bad_value"),
            (#"{"listen":"127.0.0.1:1"}"#, "config.malformed"),
        ] {
            try Data(text.utf8).write(to: file)
            let program = try NodeProgram(world.home(0))
            #expect(program.wait() == 2)
            let lines = program.words.split(separator: "\n")
            #expect(lines.count == 1 && lines[0].hasPrefix("millwright: \(code): "), "\(program.words)")
            try FileManager.default.removeItem(at: program.log)
        }
    }
}
