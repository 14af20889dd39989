import Codec
import Foundation
import HTTP
import Ledger
import Node

/// After the last fault: every node has the same ledger, everything that anybody was told is on it, and it
/// verifies.
struct FinalCheck {
    let fleet: Fleet
    let load: Load
    let program: URL
    let print: (String) -> Void

    private static let patience = 120.0

    /// What is wrong; empty where nothing is.
    func run() throws -> [String] {
        guard let height = settled() else { return ["the nodes do not come to one height: \(heights())"] }
        print("every node is at height \(height)")
        var problems: [String] = []
        let target = HTTPTarget(["v1", "local", "blocks", "\(height)", "header"])
        let headers = try fleet.members.indices.map {
            try fleet.client($0).request(.get, target).successful().body
        }
        if !headers.allSatisfy({ $0 == headers[0] }) { problems.append("the blocks at \(height) differ") }
        problems += try missing()
        for index in fleet.members.indices {
            let output = fleet.folder.appendingPathComponent("\(fleet.members[index]).verify")
            let child = try Child(
                program, ["verify", "--home", fleet.homes[index].folder.path], log: output)
            let status = child.end(0, seconds: 300)
            let text = (try? String(contentsOf: output, encoding: .utf8)) ?? ""
            let last = text.split(whereSeparator: \.isNewline).last.map(String.init) ?? ""
            print("verify \(fleet.members[index]): \(last)")
            if status != 0 {
                problems.append("verify of \(fleet.members[index]) failed: \(text.suffix(500))")
            }
        }
        for index in fleet.members.indices {
            let status = fleet.stop(index)
            if status != 0 {
                problems.append("\(fleet.members[index]) stopped with \(status.map { "\($0)" } ?? "SIGKILL")")
            }
        }
        return problems
    }

    private func heights() -> String {
        fleet.members.indices.map { index in
            guard let report = try? fleet.report(index) else {
                return "\(fleet.members[index]) does not answer"
            }
            return "\(fleet.members[index]) final \(report.finalHeight) head \(report.headHeight)"
                + " outbox \(report.outbox) epoch \(report.epoch) \(report.engine.state)"
        }.joined(separator: "; ")
    }

    /// The height of all, once nothing is under way any more.
    private func settled() -> UInt64? {
        let end = Date(timeIntervalSinceNow: FinalCheck.patience)
        while Date() < end {
            let reports = fleet.members.indices.compactMap { try? fleet.report($0) }
            let isQuiet = reports.allSatisfy { $0.outbox == 0 && $0.finalHeight == $0.headHeight }
            if reports.count == fleet.members.count, isQuiet, Set(reports.map(\.finalHeight)).count == 1 {
                return reports[0].finalHeight
            }
            usleep(200_000)
        }
        return nil
    }

    /// Transactions that somebody was told are final and that are not at that height everywhere.
    private func missing() throws -> [String] {
        let (told, fleet) = (load.told, fleet)
        print("\(told.count) transactions were told final")
        let problems = Shared<[String]>([])
        let running = Shared(fleet.members.count)
        for index in fleet.members.indices {
            Thread.detachNewThread {
                defer { running.update { $0 -= 1 } }
                for one in told {
                    let target = HTTPTarget(["v1", "local", "transactions", "\(one.id)"])
                    do {
                        let body = try fleet.client(index).request(.get, target).successful().body
                        let final = try CBOR.decode(LocalFinal.self, from: body).transaction
                        guard final.height != one.height else { continue }
                        throw Trouble("is at \(final.height)")
                    } catch {
                        problems.update {
                            $0.append(
                                "\(one.id), told final at \(one.height) by \(fleet.members[one.node]), "
                                    + "on \(fleet.members[index]): \(error)")
                        }
                    }
                }
            }
        }
        while running.read({ $0 }) > 0 { usleep(20_000) }
        return problems.read { Array($0.prefix(20)) }
    }
}
