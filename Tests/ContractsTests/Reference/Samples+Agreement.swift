import Billing
import Codec
import Ledger

@testable import Contracts

extension Samples {
    private static let agreementID = AgreementID(unchecked: "press-7-rent")
    private static let invoiceID = InvoiceID(issuer: member, number: "2026-0001")
    private static let terms = AgreedTerms(
        document: document, arbiter: member, substitute: member, currency: .euro, validFrom: time,
        validTo: time,
        periodEnds: [interval.to],
        minimumDisputeWindow: .days(10), paymentDays: 30, classificationWindow: .days(5))
    private static let evidence = InvoiceRecord.Evidence(
        telemetryRoot: digest, termsHash: digest, attributionRoot: digest, rulesVersion: 1)

    static func agreement() throws -> [Sample] {
        let actions: [AgreementContract.Action] = [
            .propose(.init(agreement: agreementID, machine: machineID, terms: terms)),
            .accept(.init(agreement: agreementID, number: 1, termsHash: digest)),
            .amend(.init(agreement: agreementID, terms: terms)), .withdraw(.init(agreement: agreementID)),
            .classify(.init(agreement: agreementID, interval: interval, attribution: .material)),
            .concludeClassification(.init(agreement: agreementID, until: interval.to)),
            .issueInvoice(
                .init(
                    agreement: agreementID, number: "2026-0001", document: document, evidence: evidence,
                    period: interval, currency: .euro, net: amount, tax: .zero, gross: amount,
                    disputeUntil: time, dueDate: time)),
            .approve(.init(invoice: invoiceID)),
            .dispute(.init(invoice: invoiceID, recomputed: document, undisputed: amount)),
            .rule(.init(invoice: invoiceID, payable: amount, reasons: document)),
            .creditNote(
                .init(
                    number: "2026-0002", invoice: invoiceID, ground: .correction, amount: amount,
                    reason: "price", document: document)),
            .markPaid(.init(invoice: invoiceID, reference: "E2E-1", amount: amount, date: date)),
            .confirmPayment(.init(invoice: invoiceID, reference: "E2E-1", amount: amount)),
        ]
        return try actions.map { try .action(AgreementContract.self, $0) }
    }

    static func agreementRecords() throws -> [Sample] {
        let acceptance = TermsRecord.Acceptance(member: member, key: key, time: time)
        let version = TermsRecord(
            id: .init(agreement: agreementID, number: 1), terms: terms, proposed: acceptance,
            accepted: acceptance)
        var agreement = AgreementRecord(
            id: agreementID, machine: machineID, oem: member, customer: member)
        (agreement.versions, agreement.billed) = ([.init(1, terms)], [interval])
        (agreement.finalInvoice, agreement.ended) = (invoiceID, time)
        (agreement.oemConcluded, agreement.customerConcluded) = (interval.to, interval.to)
        let classification = ClassificationRecord(
            id: .init(agreement: agreementID, party: .customer, until: interval.to), from: interval.from,
            attribution: .material, said: time)
        let count = ClassificationCount(
            id: .init(agreement: agreementID, until: interval.to), oem: 1, customer: 2)
        let invoice = InvoiceRecord(
            id: invoiceID, agreement: agreementID, machine: machineID, customer: member, arbiter: member,
            substitute: member, version: 1, document: document, evidence: evidence, period: interval,
            currency: .euro,
            net: amount,
            tax: .zero, gross: amount, issued: time, disputeUntil: time, dueDate: time, isFinal: true,
            state: .paid, payable: amount, credited: .zero, creditNotes: 0,
            dispute: .init(
                recomputed: document, undisputed: .zero, time: time, rulingDue: time, substituteDue: time),
            ruling: .init(
                origin: .arbiter, arbiter: member, payable: amount, reasons: document, time: time),
            payments: [
                .init(
                    payer: member, reference: "E2E-1", amount: amount, date: date, marked: time,
                    confirmed: time)
            ],
            refundDue: amount, settled: time)
        return [
            try .record(agreement), try .record(version), try .record(classification), try .record(count),
            try .record(invoice),
            try .record(
                CreditNoteRecord(
                    id: invoiceID, invoice: invoiceID, agreement: agreementID, ground: .ruling,
                    amount: amount,
                    reason: "ruling", document: document, issued: time)),
            try .record(NumberSeriesRecord(id: .init(issuer: member, series: "2026"), last: 1)),
        ]
    }
}
