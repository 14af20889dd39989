import Codec
import Cryptography
import Foundation
import TestSupport

/// One run: a fleet under load, faults for some time, and the check at the end.
struct Run {
    let seconds: Double
    let seed: UInt64
    /// Only these; nil means all.
    let faults: [Fault]?
    /// Keep the data directories and logs.
    let keeps: Bool
    let program: URL

    private static let submitters = 2

    /// - Returns: what is wrong; empty where nothing is.
    func perform() throws -> [String] {
        Cryptography.initialise()
        let begin = Date()
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "millwright-chaos-\(UUID().uuidString)")
        let print = { (line: String) in
            let time = String(format: "%7.1f s  ", Date().timeIntervalSince(begin))
            FileHandle.standardOutput.write(Data((time + line + "\n").utf8))
        }
        print("seed \(seed), six nodes, quorum \(Fleet.quorum), three NATS servers, in \(folder.path)")
        let fleet = try Fleet(6, in: folder, program: program)
        let load = try Load(fleet)
        let recovery = Recovery(fleet: fleet, load: load)
        let first = recovery.probe(Array(fleet.members.indices), seconds: 60)
        let order = fleet.host.map { "the node of \(fleet.members[$0]) orders" } ?? "NATS orders"
        print("founded, servers and nodes started at once: \(first.text), \(order)")
        load.start(submitters: Run.submitters)
        let maker = Faults(fleet, recovery, among: faults ?? Fault.allCases, seed: seed, print: print)
        var remaining = (faults ?? Fault.once)[...]
        while maker.problems.isEmpty {
            if let fault = remaining.popFirst() {
                try maker.perform(fault)
            } else {
                guard Date().timeIntervalSince(begin) < seconds else { break }
                try maker.perform(maker.next())
            }
            usleep(1_000_000)
        }
        fleet.mend()
        load.stop()
        var problems = maker.problems + load.problems
        if problems.isEmpty {
            let check = FinalCheck(fleet: fleet, load: load, program: program, print: print)
            problems += try check.run()
        }
        problems += complaints(of: fleet)
        Child.killAll()
        if problems.isEmpty, !keeps { try FileManager.default.removeItem(at: folder) }
        print(problems.isEmpty ? "all is well" : "logs are in \(folder.path)")
        return problems
    }

    /// What nodes should never have to say.
    private func complaints(of fleet: Fleet) -> [String] {
        let words = ["node has halted", "a validator contradicts itself", "Fatal error", "level=error"]
        return fleet.members.indices.flatMap { index -> [String] in
            let text = (try? String(contentsOf: fleet.log(index), encoding: .utf8)) ?? ""
            return text.split(separator: "\n").filter { line in words.contains { line.contains($0) } }
                .prefix(5).map { "\(fleet.members[index]): \($0)" }
        }
    }
}
