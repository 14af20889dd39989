import Foundation
import TestSupport

// Six nodes and three NATS servers as processes, and what can happen to them.
//
// First every fault once, or those that are named, then some of them that the seed chooses until the time is
// over. Ends with status 1 where something is wrong, and says what.

func value(_ name: String) -> String? {
    guard let index = CommandLine.arguments.firstIndex(of: name) else { return nil }
    let next = CommandLine.arguments.index(after: index)
    return next < CommandLine.arguments.endIndex ? CommandLine.arguments[next] : nil
}

func fail(_ text: String, _ status: Int32) -> Never {
    FileHandle.standardError.write(Data((text + "\n").utf8))
    exit(status)
}

atexit { Child.killAll() }
for number in [SIGINT, SIGTERM, SIGHUP] { signal(number) { _ in exit(130) } }
signal(SIGPIPE, SIG_IGN)

let usage = "usage: millwright-chaos [--seconds N] [--seed N] [--only FAULT,…] [--keep]"
var words = CommandLine.arguments.dropFirst()
while let word = words.popFirst() {
    if word == "--keep" { continue }
    guard ["--seconds", "--seed", "--only"].contains(word), words.popFirst() != nil else { fail(usage, 2) }
}
guard NATSTestCluster.isPresent else { fail(NATSTestCluster.absence, 2) }
let names = value("--only")?.split(separator: ",").map(String.init)
let faults = names.map { names in
    names.map { name in
        guard let fault = Fault.allCases.first(where: { "\($0)" == name }) else {
            fail("there is no fault «\(name)»: \(Fault.allCases.map { "\($0)" }.joined(separator: " "))", 2)
        }
        return fault
    }
}
let program = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("millwright")
let run = Run(
    seconds: value("--seconds").flatMap { Double($0) } ?? 0,
    seed: value("--seed").flatMap { UInt64($0) } ?? 1,
    faults: faults,
    keeps: CommandLine.arguments.contains("--keep"), program: program)
do {
    let problems = try run.perform()
    if !problems.isEmpty { fail(problems.joined(separator: "\n"), 1) }
} catch { fail("\(error)", 1) }
