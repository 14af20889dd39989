import Billing
import Testing

@Suite struct CreditNoteTests {
    private func mixed() throws -> Invoice {
        var reduced = Sample.goodParts
        (reduced.id, reduced.vat) = ("reduced", VAT(.standard, rate: Rate(percent: 7)))
        var free = Sample.goodParts
        (free.id, free.vat) = ("free", VAT(.exempt, rate: .zero, exemptionReason: "Training"))
        return try Sample.invoice(Sample.terms([Sample.goodParts, reduced, free], level: Sample.bonusTable))
    }

    @Test func aFullCreditTakesEverythingBack() throws {
        let invoice = try mixed()
        let note = try invoice.credited(
            number: "2025-0043", issueDate: Sample.date("2025-05-05"), reason: "Issued in error")
        #expect(note.kind == .creditNote)
        #expect(note.original == .init(number: "2025-0042", issueDate: Sample.date("2025-04-02")))
        #expect(note.totals == invoice.totals)
        #expect(note.lines == invoice.lines)
        #expect(note.dueDate == Sample.date("2025-06-04"))
        #expect(try Round.trip(note) == note)
    }

    @Test func everyRulingComesOutExactly() throws {
        let invoice = try mixed()
        let payable = invoice.totals.payable.rawValue
        for ruled in [1, 2, 3, payable / 3, payable - 3, payable - 2, payable - 1]
            + stride(
                from: 7, to: payable, by: 7919)
        {
            let note = try invoice.credited(
                toPayable: MinorUnits(ruled), number: "N", issueDate: Sample.date("2025-05-05"),
                reason: "Ruling")
            #expect(note.totals.payable.rawValue == payable - ruled)
            #expect(abs(note.totals.rounding.rawValue) <= 3)
            #expect(note.lines.allSatisfy { $0.amount >= .zero })
        }
    }

    @Test func aRulingOfZeroIsAFullCredit() throws {
        let invoice = try mixed()
        let note = try invoice.credited(
            toPayable: .zero, number: "N", issueDate: Sample.date("2025-05-05"), reason: "Ruling")
        #expect(note.lines == invoice.lines)
    }

    @Test func refusesCreditsThatAreNone() throws {
        let invoice = try mixed()
        let day = Sample.date("2025-05-05")
        for ruled in [-1, invoice.totals.payable.rawValue, invoice.totals.payable.rawValue + 1] {
            #expect(
                BillingError.code {
                    _ = try invoice.credited(
                        toPayable: MinorUnits(ruled), number: "N", issueDate: day, reason: "Ruling")
                } == .invalidCredit)
        }
        let note = try invoice.credited(number: "N", issueDate: day, reason: "Error")
        #expect(
            BillingError.code { _ = try note.credited(number: "M", issueDate: day, reason: "Twice") }
                == .invalidCredit)
    }
}
