import Billing
import Contracts
import Ledger

extension StateView {
    /// What either party has said about any part of a stretch of time.
    func classifications(
        of agreement: AgreementID, in interval: Interval
    ) throws(NodeError) -> [ClassificationRecord] {
        var found: [ClassificationRecord] = []
        for party in [ClassificationRecord.Party.oem, .customer] {
            found += try records(
                ClassificationRecord.self, keysBeginWith: ClassificationRecord.prefix(of: agreement, party),
                from: ClassificationRecord.key(after: interval.from, of: agreement, party)
            ).prefix { $0.from < interval.to }
        }
        return found
    }
}
