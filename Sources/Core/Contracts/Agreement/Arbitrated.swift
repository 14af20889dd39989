import Ledger

/// What names who rules on invoices: agreed terms, and what follows from them.
package protocol Arbitrated {
    var arbiter: MemberID { get }
    /// Who may rule once the arbiter's time is over.
    var substitute: MemberID? { get }
}

extension Arbitrated {
    /// Who may rule, in turn.
    package var arbiters: [MemberID] { [arbiter] + (substitute.map { [$0] } ?? []) }
}

extension AgreedTerms: Arbitrated {}
extension AgreementRecord.Version: Arbitrated {}
extension InvoiceRecord: Arbitrated {}
