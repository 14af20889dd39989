import Contracts
import Cryptography
import Foundation
import Ledger
import Node
import Storage

// The process that the crash tests kill: opens the ledger in a data directory, says `open`, and then submits
// transactions from several tasks until it is killed. Each acknowledged one is told in one unbuffered write,
// `ack <transaction> <height> <leaf> <outcome>`; an error ends the process with `error <code>`.

func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    // A line is shorter than PIPE_BUF, so that it is written whole or not at all.
    guard write(STDOUT_FILENO, bytes, bytes.count) == bytes.count else { exit(3) }
}

func load(_ home: Home, tasks: Int) async throws {
    var options = LedgerNode.Options()
    options.blocksPerCheckpoint = 7
    options.store.log.segmentBytes = 200_000
    options.store.log.preallocationBytes = 65_536
    let node = try LedgerNode(home: home, options: options)
    let member = MemberID(unchecked: "board")
    let signer = try home.keystore(of: member).signingKey().signer
    say("open")
    try await withThrowingTaskGroup(of: Void.self) { group in
        for task in 0..<tasks {
            group.addTask {
                var count = 0
                while true {
                    count += 1
                    let final = try await node.perform(
                        ConsortiumContract.self, action(task: task, count: count), as: signer)
                    let outcome = final.outcome == .accepted ? "accepted" : "rejected"
                    say("ack \(final.id) \(final.height) \(final.leaf) \(outcome)")
                }
            }
        }
        try await group.waitForAll()
    }
}

/// Mostly accepted; every fifth one is refused by the contract, which is as final.
func action(task: Int, count: Int) -> ConsortiumContract.Action {
    if count % 5 == 0 { return .vote(.init(proposal: .zero, approve: true)) }
    return .updateProfile(
        .init(
            name: "Board \(task).\(count)", profile: MemberProfile(registrationName: "Board", country: "DE"),
            endpoint: ""))
}

guard CommandLine.arguments.count == 3, let tasks = Int(CommandLine.arguments[2]) else {
    say("usage: millwright-load HOME TASKS")
    exit(2)
}
do {
    try await load(Home(URL(fileURLWithPath: CommandLine.arguments[1])), tasks: tasks)
} catch {
    say("error \((error as? NodeError)?.description ?? "\(error)")")
    exit(1)
}
