import Codec
import Ledger

/// What OEM and customer agree, and what follows from it: invoices, disputes, credit notes, payments.
///
/// No currency lives on the ledger: payments are references to real ones.
package enum AgreementContract: Contract {
    package static let name = "agreement"

    /// Deadlines of this contract.
    enum Deadline: String {
        /// Of an agreement: its first terms begin.
        case begin
        /// Of an agreement: its terms end.
        case end
        /// Of an invoice: it can no longer be disputed.
        case disputeWindow
        /// Of a dispute: the arbiter has not ruled.
        case ruling
        /// Of an invoice: it is to be paid by now.
        case payment
    }

    package static func apply(_ action: Action, in context: Context) throws(Rejection) {
        switch action {
        case .propose(let body): try propose(body, context)
        case .accept(let body): try accept(body, context)
        case .amend(let body): try amend(body, context)
        case .withdraw(let body): try withdraw(body, context)
        case .classify(let body): try classify(body, context)
        case .concludeClassification(let body): try concludeClassification(body, context)
        case .issueInvoice(let body): try issueInvoice(body, context)
        case .approve(let body): try approve(body, context)
        case .dispute(let body): try dispute(body, context)
        case .rule(let body): try rule(body, context)
        case .creditNote(let body): try creditNote(body, context)
        case .markPaid(let body): try markPaid(body, context)
        case .confirmPayment(let body): try confirmPayment(body, context)
        }
    }

    package static func due(_ timer: Timer, in context: Context) throws(Rejection) {
        switch Deadline(rawValue: timer.kind) {
        case .begin: try begin(timer.subject, context)
        case .end: try endByDate(timer.subject, context)
        case .disputeWindow: try closeDisputeWindow(timer.subject, context)
        case .ruling: try ruleByDefault(timer.subject, context)
        case .payment: try fallDue(timer.subject, context)
        case nil: return
        }
    }

    /// Whether the machine can be terminated as far as money goes: each agreement whose terms have begun has
    /// its final invoice, and every invoice is paid. One that is not says no: no more is read.
    package static func isSettled(_ machine: MachineID, in context: Context) throws(Rejection) -> Bool {
        try context.records(
            AgreementRecord.self, where: "unsettled", equals: machine.keyBytes, limit: 1
        ).isEmpty
    }

    /// Ends the agreements in force of a machine that is terminated, with their amendments. Those only
    /// proposed can no longer be accepted.
    package static func endAgreements(of machine: MachineID, in context: Context) throws(Rejection) {
        let agreements = try context.records(
            AgreementRecord.self, where: "inForce", equals: machine.keyBytes)
        for agreement in agreements { try end(agreement, context) }
    }

    private static func end(_ agreement: AgreementRecord, _ context: Context) throws(Rejection) {
        var agreement = agreement
        try deletePending(of: agreement, context)
        agreement.state = .ended
        agreement.pending = nil
        agreement.ended = context.time
        try context.put(agreement)
        context.emit("ended", agreement.id)
    }

    private static func begin(_ subject: [UInt8], _ context: Context) throws(Rejection) {
        guard let id = AgreementID(String(decoding: subject, as: UTF8.self)),
            var agreement = try context.get(AgreementRecord.self, id), agreement.isInForce
        else { return }
        agreement.hasBegun = true
        try context.put(agreement)
        context.emit("began", agreement.id)
    }

    private static func endByDate(_ subject: [UInt8], _ context: Context) throws(Rejection) {
        guard let id = AgreementID(String(decoding: subject, as: UTF8.self)),
            let agreement = try context.get(AgreementRecord.self, id), agreement.isInForce,
            let validity = agreement.validity, validity.to <= context.time
        else { return }
        try end(agreement, context)
    }
}
