import Billing
import Codec
import Ledger

/// Payments happen elsewhere: whoever pays says so with the payment's reference, whoever receives confirms.
extension AgreementContract {
    /// The most payments that an invoice keeps.
    static let maximumPayments = 64

    static func markPaid(_ body: MarkPaid, _ context: Context) throws(Rejection) {
        let invoice = try context.existing(InvoiceRecord.self, body.invoice)
        let payer = try context.requireParty(oneOf: [invoice.customer, invoice.oem]).id
        try context.requireText(body.reference, "reference", bytes: 1...140)
        let others = invoice.payments.filter { !isSame($0.reference, body.reference) }
        let same = invoice.payments.filter { isSame($0.reference, body.reference) }
        try context.require(
            same.allSatisfy { $0.confirmed == nil && $0.payer == payer }, else: "agreement.payment_exists",
            "a payment of that reference is confirmed, or the other party's")
        try context.require(
            others.count < maximumPayments, else: "agreement.too_many_payments",
            "an invoice is paid in at most \(maximumPayments) parts")
        let pending = others.filter { $0.confirmed == nil && $0.payer == payer }.reduce(0) {
            $0 + $1.amount.rawValue
        }
        let open = invoice.owed(by: payer).rawValue - pending
        try context.require(
            0 < body.amount.rawValue && body.amount.rawValue <= open, else: "agreement.amount_out_of_range",
            "\(max(0, open)) is open")
        try change(invoice, context) {
            $0.payments =
                others + [
                    .init(
                        payer: payer, reference: body.reference, amount: body.amount, date: body.date,
                        marked: context.time)
                ]
        }
        context.emit("paymentMarked", invoice.id)
    }

    static func confirmPayment(_ body: ConfirmPayment, _ context: Context) throws(Rejection) {
        let invoice = try context.existing(InvoiceRecord.self, body.invoice)
        try context.requireParty(oneOf: [invoice.customer, invoice.oem])
        guard
            let index = invoice.payments.firstIndex(where: {
                isSame($0.reference, body.reference) && $0.confirmed == nil
            })
        else {
            throw Rejection("agreement.no_payment", "no payment of that reference waits for confirmation")
        }
        let payment = invoice.payments[index]
        try context.requireParty(payment.payer == invoice.customer ? invoice.oem : invoice.customer)
        try context.require(
            .zero <= body.amount && body.amount <= payment.amount, else: "agreement.amount_out_of_range",
            "\(payment.amount.rawValue) was marked")
        try change(invoice, context) {
            if body.amount == .zero {
                $0.payments.remove(at: index)
            } else {
                $0.payments[index].amount = body.amount
                $0.payments[index].confirmed = context.time
            }
        }
        context.emit(body.amount == .zero ? "paymentRefused" : "paymentConfirmed", invoice.id)
    }

    /// As bytes, never by canonical equivalence.
    static func isSame(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }
}
