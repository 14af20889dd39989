import Billing
import Contracts
import Ledger

extension LedgerAccess {
    /// When a machine was in service, in ms since 1970 UTC, as its accepted starts and stops on the ledger
    /// say.
    ///
    /// Sorted and disjoint; a spell that goes on ends at the end of time.
    package func timeInService(_ machine: MachineID) throws(NodeError) -> [Interval] {
        var spells: [Interval] = []
        var start: Int64?
        for step in try history(of: MachineRecord.rowKey(machine)).reversed() {
            guard let payload = step.transaction?.payload, payload.contract == MachineContract.name else {
                continue
            }
            switch payload.action {
            case "start": start = step.time.milliseconds
            case "stop":
                if let from = start, from < step.time.milliseconds {
                    spells.append(Interval(from: from, to: step.time.milliseconds))
                }
                start = nil
            default: continue
            }
        }
        if let from = start { spells.append(Interval(from: from, to: Interval.latest)) }
        // A stop and the next start within one millisecond are one spell.
        return spells.reduce(into: []) { merged, spell in
            if let last = merged.last, last.to >= spell.from {
                merged[merged.count - 1].to = spell.to
            } else {
                merged.append(spell)
            }
        }
    }
}
