import Billing
import Contracts
import Ledger

extension StateView {
    /// The billing interval around an instant, both in ms since 1970 UTC, as the ledger has it; nil where no
    /// terms are in force.
    package func billingInterval(
        at milliseconds: Int64, of agreement: AgreementRecord
    ) throws(NodeError) -> Interval? {
        guard let (version, end) = agreement.version(at: milliseconds) else { return nil }
        let terms = try existing(
            TermsRecord.self, .init(agreement: agreement.id, number: version.number)
        ).terms
        return terms.billingInterval(at: milliseconds, before: end)
    }

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
