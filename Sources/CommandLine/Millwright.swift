import Billing
import Cryptography
import Foundation
import Node

/// The one executable: finds the verb, runs it, and turns errors into one line and an exit status.
@main
struct Millwright {
    /// Every verb, in the order in which help lists them.
    static let groups: [VerbGroup] = [
        VerbGroup("begin", DemoVerb.all + RingVerb.all + [ConsortiumVerbs.found] + NodeVerbs.all),
        VerbGroup("members", OnboardingVerbs.all + ConsortiumVerbs.members + KeyVerbs.all),
        VerbGroup("decisions of the board", ProposalVerbs.all + ValidatorVerbs.all),
        VerbGroup("machines and agreements", MachineVerbs.all + AgreementVerbs.all),
        VerbGroup("telemetry and figures", TelemetryVerbs.all + BillingVerbs.all),
        VerbGroup("invoices", InvoiceVerbs.all),
        VerbGroup("maintenance", MaintenanceVerbs.all),
        VerbGroup("look and prove", QueryVerbs.all + DocumentVerbs.all + VersionVerb.all),
        VerbGroup("run a node", OperationVerbs.all + EngineVerbs.all + EvidenceVerbs.all),
        VerbGroup("several companies in one data directory (demonstrations)", ConsortiumVerbs.shared),
    ]

    static let verbs = groups.flatMap(\.verbs)

    static func main() async {
        Cryptography.initialise()
        var arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == "--version" { arguments[0] = VersionVerb.version.title }
        exit(await run(arguments))
    }

    /// - Returns: 0 done; 1 the answer is no, or the node failed; 2 the person's input is wrong; 128 and its
    ///   number for a signal that came before the end.
    static func run(_ arguments: [String]) async -> Int32 {
        do {
            guard let (verb, rest) = find(arguments) else {
                Terminal.print(try help(for: arguments))
                return arguments.isEmpty ? 2 : 0
            }
            let invocation = try Invocation(verb: verb, arguments: rest)
            if invocation.has("help") {
                Terminal.print(Help.verb(verb, of: verbs))
                return 0
            }
            try await verb.run(invocation)
            return 0
        } catch let error as UsageError {
            Terminal.error("millwright: \(error)")
            return 2
        } catch let error as BillingError {
            // What the ledger refuses comes as a `NodeError`: these are figures that a person gave.
            Terminal.error("millwright: \(error)")
            return 2
        } catch let answer as NegativeAnswer {
            Terminal.error("millwright: \(answer)")
            return 1
        } catch let interruption as Interruption {
            Terminal.error("millwright: \(interruption)")
            return Interruption.status(interruption.signal)
        } catch let error as NodeError {
            Terminal.error("millwright: \(error)")
            // The person named a place where no ledger is, or what can be no key's name.
            return ["home.not_founded", "keys.bad_name"].contains(error.code) ? 2 : 1
        } catch {
            Terminal.error("millwright: cli.failed: \(ErrorText.of(error))")
            return 1
        }
    }

    /// The verb with the most words that the arguments begin with.
    private static func find(_ arguments: [String]) -> (Verb, [String])? {
        verbs.filter { arguments.starts(with: $0.words) }.max { $0.words.count < $1.words.count }
            .map { ($0, Array(arguments.dropFirst($0.words.count))) }
    }

    private static func help(for arguments: [String]) throws -> String {
        let words = arguments.filter { $0 != "--help" && $0 != "help" && $0 != "-h" }
        guard let first = words.first else { return Help.overview(groups) }
        if let (verb, _) = find(words) { return Help.verb(verb, of: verbs) }
        let group = verbs.filter { $0.words[0] == first }
        guard !group.isEmpty, words.count == 1 else {
            throw Guess.unknownVerb(words, among: verbs)
        }
        return Help.group(first, group)
    }
}
