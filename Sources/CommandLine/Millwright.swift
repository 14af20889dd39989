import Billing
import Foundation
import Node

/// The one executable: finds the verb, runs it, and turns errors into one line and an exit status.
@main
struct Millwright {
    /// Every verb, grouped by its first word in the order in which help lists them.
    static let verbs: [Verb] =
        DemoVerb.all + RingVerb.all + NodeVerbs.all + OnboardingVerbs.all + OperationVerbs.all
        + EngineVerbs.all + ConsortiumVerbs.all + ValidatorVerbs.all + ProposalVerbs.all
        + EvidenceVerbs.all
        + KeyVerbs.all + MachineVerbs.all
        + AgreementVerbs.all + InvoiceVerbs.all
        + MaintenanceVerbs.all + DocumentVerbs.all + TelemetryVerbs.all + BillingVerbs.all + QueryVerbs.all

    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        exit(await run(arguments))
    }

    /// - Returns: 0 done; 1 the answer is no, or the node failed; 2 the person's input is wrong.
    static func run(_ arguments: [String]) async -> Int32 {
        do {
            guard let (verb, rest) = find(arguments) else {
                Terminal.print(try help(for: arguments))
                return arguments.isEmpty ? 2 : 0
            }
            let invocation = try Invocation(verb: verb, arguments: rest)
            if invocation.has("help") {
                Terminal.print(Help.verb(verb))
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
        } catch let error as NodeError {
            Terminal.error("millwright: \(error)")
            return 1
        } catch {
            Terminal.error("millwright: cli.failed: \(error)")
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
        guard let first = words.first else { return Help.overview(verbs) }
        if let (verb, _) = find(words) { return Help.verb(verb) }
        let group = verbs.filter { $0.words[0] == first }
        guard !group.isEmpty, words.count == 1 else {
            throw UsageError(
                "cli.unknown_verb", "there is no «\(words.joined(separator: " "))»; try millwright --help")
        }
        return Help.group(first, group)
    }
}
