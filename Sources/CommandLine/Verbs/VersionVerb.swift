import Billing
import Ledger
import Node

/// Which program this is, and which rules it knows.
enum VersionVerb {
    /// The program's version (semantic versioning), said here and nowhere else.
    static let program = "0.1.0"

    static let all: [Verb] = [version]

    private struct Report: Encodable {
        let version: String
        /// Versions of the contracts: a node stops before a block that another holds for.
        let contracts: [UInt64]
        /// The version of the rules that compute invoices.
        let invoiceRules: Int

        var text: String {
            let contracts = contracts.map(String.init).joined(separator: ", ")
            return "millwright \(version) (contracts \(contracts); invoice rules \(invoiceRules))"
        }
    }

    static let version = Verb(
        "version", "say which version this is, and which rules it knows",
        detail: """
            Nodes of one ledger need the same versions of the contracts and of the rules that compute \
            invoices; programs of different versions that know them work together.
            """,
        examples: ["millwright version", "millwright --version"], isOffline: true
    ) { invocation in
        let report = Report(
            version: program, contracts: LedgerNode.rules(chain: .zero).contracts.keys.sorted(),
            invoiceRules: InvoiceComputation.rulesVersion)
        if invocation.wantsJSON { return try Output.json(report) }
        Terminal.print(report.text)
    }
}
