import Codec
import Contracts
import Ledger

/// A document that a record names, and whose it is.
struct NamedDocument: Sendable {
    let cid: CID
    /// The parties of the record, whoever stored the document first.
    let parties: [MemberID]
}

/// Finds the documents that rows name.
struct DocumentNaming {
    let view: StateView

    /// What a row's stored bytes name; nothing for tables that name no documents.
    /// - Throws: `node.damaged`, `node.storage`.
    func documents(in key: RowKey, _ stored: [UInt8]) throws(NodeError) -> [NamedDocument] {
        switch key.table {
        case NameplateRecord.table: try documents(of: try StateView.decode(NameplateRecord.self, stored))
        case TermsRecord.table: try documents(of: try StateView.decode(TermsRecord.self, stored))
        case InvoiceRecord.table: documents(of: try StateView.decode(InvoiceRecord.self, stored))
        case CreditNoteRecord.table: try documents(of: try StateView.decode(CreditNoteRecord.self, stored))
        case TicketRecord.table: documents(of: try StateView.decode(TicketRecord.self, stored))
        case AnchorRecord.table: try documents(of: try StateView.decode(AnchorRecord.self, stored))
        default: []
        }
    }

    /// Everything that the state names.
    func all(_ take: ([NamedDocument]) -> Void) throws(NodeError) {
        for record in try view.all(NameplateRecord.self) { take(try documents(of: record)) }
        for record in try view.all(TermsRecord.self) { take(try documents(of: record)) }
        for record in try view.all(InvoiceRecord.self) { take(documents(of: record)) }
        for record in try view.all(CreditNoteRecord.self) { take(try documents(of: record)) }
        for record in try view.all(TicketRecord.self) { take(documents(of: record)) }
        for record in try view.all(AnchorRecord.self) { take(try documents(of: record)) }
    }

    private func documents(of plate: NameplateRecord) throws(NodeError) -> [NamedDocument] {
        guard let machine = try view.get(MachineRecord.self, plate.id) else { return [] }
        return name(plate.documents, [machine.oem, machine.customer])
    }

    private func documents(of version: TermsRecord) throws(NodeError) -> [NamedDocument] {
        guard let agreement = try view.get(AgreementRecord.self, version.id.agreement) else { return [] }
        return name(
            [version.terms.document],
            [version.proposed.member, agreement.oem, agreement.customer] + version.terms.arbiters)
    }

    private func documents(of invoice: InvoiceRecord) -> [NamedDocument] {
        let parties = [invoice.oem, invoice.customer] + invoice.arbiters
        return name([invoice.document], parties)
            + name(invoice.dispute.map { [$0.recomputed] } ?? [], [invoice.customer] + parties)
            + name(invoice.ruling?.reasons.map { [$0] } ?? [], invoice.arbiters + parties)
    }

    private func documents(of note: CreditNoteRecord) throws(NodeError) -> [NamedDocument] {
        guard let invoice = try view.get(InvoiceRecord.self, note.invoice) else { return [] }
        return name([note.document], [invoice.oem, invoice.customer] + invoice.arbiters)
    }

    private func documents(of ticket: TicketRecord) -> [NamedDocument] {
        let maintainer = ticket.award.map { [$0.maintainer] } ?? []
        let parties = [ticket.client, ticket.oem, ticket.customer] + maintainer
        return name(ticket.request.documents, parties)
            + name(ticket.report?.documents ?? [], Array(parties.reversed()))
    }

    private func documents(of anchor: AnchorRecord) throws(NodeError) -> [NamedDocument] {
        guard let machine = try view.get(MachineRecord.self, anchor.id.machine),
            let cid = try? CID(parsing: anchor.cid)
        else { return [] }
        let agreements = try view.records(
            AgreementRecord.self, where: "inForce", equals: anchor.id.machine.keyBytes)
        let arbiters = agreements.flatMap { $0.versions.flatMap(\.arbiters) }
        return [NamedDocument(cid: cid, parties: [machine.customer, machine.oem] + arbiters)]
    }

    /// A text that is no CID names nothing that could be fetched.
    private func name(_ references: [DocumentReference], _ parties: [MemberID]) -> [NamedDocument] {
        references.compactMap { reference in
            (try? CID(parsing: reference.cid)).map { NamedDocument(cid: $0, parties: parties) }
        }
    }
}
