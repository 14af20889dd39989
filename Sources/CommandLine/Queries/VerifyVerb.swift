import Codec
import Foundation
import Ledger
import Node

/// Checking a ledger from the ground up.
extension QueryVerbs {
    static let verify = Verb(
        "verify", "derive the whole ledger again from its genesis and compare everything",
        detail: """
            Checks every signature, outcome, row, both roots, every vote and commit. Names the first block \
            and transaction that fails. Where older blocks were removed, or the node began with a snapshot, \
            it checks those that are there against what a quorum signed.
            """,
        options: [.flag("roots", "also print state root and log root of every block")],
        examples: ["millwright verify", "millwright verify --json"]
    ) { invocation in
        try await Session.with(invocation, for: .reading) { session in
            let summary: LedgerVerification.Summary
            var roots: [BlockRoots] = []
            do {
                var bar = ProgressBar("verify", total: try session.node.head().height)
                summary = try session.node.verify(width: ProcessInfo.processInfo.activeProcessorCount) {
                    header in
                    bar.show(header.height)
                    guard invocation.has("roots") else { return }
                    let block = BlockRoots(header)
                    if invocation.wantsJSON { return roots.append(block) }
                    Terminal.print("\(block.height) state \(block.stateRoot)")
                    let indent = String(repeating: " ", count: "\(block.height)".count)
                    Terminal.print("\(indent) log   \(block.logRoot)")
                }
                bar.end()
            } catch let failure as LedgerVerification.Failure {
                throw NegativeAnswer(failure.code, failure.place + failure.detail)
            }
            if invocation.wantsJSON {
                return try session.json(VerifyReport(summary, invocation.has("roots") ? roots : nil))
            }
            Terminal.print(
                """
                \(Terminal.green("verified")) \(summary.blocks) blocks, \(summary.transactions) transactions \
                (\(summary.rejected) rejected)
                     state root \(summary.stateRoot)
                """)
            guard summary.first > 0 else { return }
            Terminal.print(
                Help.wrap(
                    """
                             blocks below \(summary.first) are not here: the rules were not run again. What \
                    is here is what a quorum has signed, and follows from the genesis by the epochs' chain; \
                    millwright fetch-history brings the rest
                    """, indent: "         "))
        }
    }

    private struct BlockRoots: Encodable {
        let height: Height
        let stateRoot: Digest
        let logRoot: Digest

        init(_ header: BlockHeader) {
            (height, stateRoot, logRoot) = (header.height, header.stateRoot, header.logRoot)
        }
    }

    private struct VerifyReport: Encodable {
        let firstBlock: UInt64
        let blocks: UInt64
        let transactions: UInt64
        let rejected: UInt64
        let head: Digest
        let stateRoot: Digest
        /// With `--roots`: of every block.
        let roots: [BlockRoots]?

        init(_ summary: LedgerVerification.Summary, _ roots: [BlockRoots]?) {
            self.roots = roots
            firstBlock = summary.first
            (blocks, transactions, rejected) = (summary.blocks, summary.transactions, summary.rejected)
            (head, stateRoot) = (summary.head, summary.stateRoot)
        }
    }
}
