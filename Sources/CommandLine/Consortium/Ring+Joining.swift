import API
import Contracts
import Foundation
import Ledger
import Node

/// From one company to six: everyone comes in by the commands that a company would use.
extension Ring {
    /// Starts the founder's node; the others are invited, join, start their nodes, and are admitted.
    /// - Throws: `process.*`, `consortium.interrupted`.
    func gather(_ narrator: Narrator) throws {
        guard let founder = companies.first(where: { $0.member == DemoCast.board }) else { return }
        try start(founder)
        try wait(for: founder)
        narrator.say(
            "\(DemoCast.name(founder.member)) founds the ledger. The others join it:")
        for company in companies where company.member != founder.member {
            try bringIn(company, by: founder, company.member == DemoCast.oem ? narrator : nil)
        }
        try wait { _ in true }
        narrator.good("All six are admitted, and each node has executed every block.")
    }

    /// - Parameter narrator: told the commands; nil where they have been told before.
    private func bringIn(_ company: Company, by founder: Company, _ narrator: Narrator?) throws {
        guard let member = DemoCast.members.first(where: { $0.id == company.member }) else { return }
        let (name, profile) = (company.member.text, member.profile)
        let file = folder.appendingPathComponent("\(name).invitation")
        // It is good for once.
        defer { unlink(file.path) }
        let roles = member.roles.flatMap { ["--role", $0.rawValue] }
        func tell(_ who: MemberID, _ line: String) {
            narrator?.say("\(who.text)$".padding(toLength: 15, withPad: " ", startingAt: 0) + line)
        }
        tell(founder.member, "millwright invite \(name) \(roles.joined(separator: " ")) --out FILE")
        try run(
            ["invite", name, "--name", member.name, "--out", file.path] + roles, home: founder.home)
        tell(
            company.member,
            "millwright join FILE --country \(profile.country) --endpoint URL …")
        try run(
            [
                "join", file.path, "--registered-name", profile.registrationName,
                "--address", profile.addressLine, "--city", profile.city,
                "--postal-code", profile.postalCode, "--country", profile.country,
                "--endpoint", company.endpoint, "--at", ISO8601.option(milliseconds: begins.milliseconds),
            ] + (profile.vatID.map { ["--vat-id", $0] } ?? []), home: company.home)
        try Ring.configure(company, try NodeConfiguration.read(company.home.configurationFile))
        tell(company.member, "millwright node")
        try start(company)
        tell(founder.member, "millwright admit \(name)")
        try run(["admit", name], home: founder.home)
    }

    /// Runs one command of this program to its end.
    /// - Throws: `process.failed` with what it said.
    private func run(_ arguments: [String], home: Home) throws {
        let log = folder.appendingPathComponent("\(arguments[0]).log")
        defer { unlink(log.path) }
        let command = try ChildProcess(
            arguments[0], try Ring.program(), arguments + ["--home", home.folder.path], log: log)
        let deadline = ContinuousClock.now + Ring.patience
        while command.status == nil, ContinuousClock.now < deadline {
            try check()
            usleep(5_000)
        }
        guard command.status == 0 else {
            throw NodeError(
                "process.failed", "millwright \(arguments.joined(separator: " ")): \(command.lastWords)")
        }
    }
}
