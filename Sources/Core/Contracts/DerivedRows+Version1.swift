import Ledger

extension DerivedRows {
    /// Of all records of the first version of the rules.
    package static let version1 = DerivedRows([
        MemberRecord.self, InvitationRecord.self, ProposalRecord.self, AccreditationRecord.self,
        MachineRecord.self, NameplateRecord.self, StandingOrderRecord.self, AnchorRecord.self,
        GapRecord.self, ContestRecord.self, TelemetryHead.self, AgreementRecord.self, TermsRecord.self,
        ClassificationRecord.self, ClassificationCount.self,
        InvoiceRecord.self, CreditNoteRecord.self, NumberSeriesRecord.self, TicketRecord.self,
        BidRecord.self, MaintainerStatistics.self, LatestRepairRecord.self, PinRecord.self,
        EvidenceRecord.self,
    ])
}
