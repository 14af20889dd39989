import Codec
import Contracts
import Ledger
import Node

/// One kind of record as people look at it: its columns, and how its names are read.
struct TableView: Sendable {
    /// Plural, as in `millwright list machines`.
    let plural: String
    /// Singular, as in `millwright show machine press-7`.
    let singular: String
    let list: @Sendable (StateView) throws -> (rows: [[String]], json: () throws -> [ShownRecord])
    let show: @Sendable (StateView, String) throws -> (any Encodable)?
    /// The names of the records.
    let names: @Sendable (StateView) throws -> [String]
    let rowKey: @Sendable (StateView, String) throws -> RowKey?
    /// The key that a record of this name would have, for proofs of absence; nil where names have several
    /// parts.
    let absentKey: @Sendable (String) -> RowKey?
    let header: [String]
    /// Said where there is not one.
    var none: String {
        let name = plural.map { $0 == "-" ? " " : String($0) }.joined()
        return singular == plural ? "there is no \(name)" : "there are no \(name)"
    }
    /// The name of its rows' table on the ledger.
    let table: String
    /// A record from its stored row, without what `show` adds from others.
    let read: @Sendable ([UInt8]) throws -> (name: String, record: any Encodable)

    /// Records, in their order, with what `list --json` and `show` add to them from other rows.
    typealias Whole<R: Record> = @Sendable ([R], StateView) throws -> [any Encodable]

    init<R: Record>(
        _ type: R.Type, _ singular: String, _ plural: String,
        _ columns: [(String, @Sendable (R) -> String)],
        name: @escaping @Sendable (R.ID) -> String,
        whole: @escaping Whole<R> = { records, _ in records }
    ) {
        table = R.table
        read = { row in
            let record = try StoredRow.record(R.self, in: row)
            return (name(record.id), record)
        }
        (self.singular, self.plural) = (singular, plural)
        header = columns.map(\.0)
        list = { view in
            let records = try view.all(R.self)
            let rows = records.map { record in columns.map { $0.1(record) } }
            return (rows, { try whole(records, view).map { ShownRecord(record: $0) } })
        }
        let find: @Sendable (StateView, String) throws -> R? = { view, text in
            let records = try view.all(R.self)
            if let record = records.first(where: { name($0.id) == text }) { return record }
            // A digest is known by its beginning, as lists show it.
            guard R.ID.self == KeyID.self, text.count >= TableView.shortDigest else { return nil }
            let same = records.filter { name($0.id).hasPrefix(text.filter { $0 != "…" }) }
            return same.count == 1 ? same[0] : nil
        }
        show = { view, text in try find(view, text).flatMap { try whole([$0], view).first } }
        names = { view in try view.all(R.self).map { name($0.id) } }
        rowKey = { view, text in try find(view, text).map { R.rowKey($0.id) } }
        absentKey = { text in
            guard let type = R.ID.self as? any TextIdentifier.Type else { return nil }
            return type.isValid(text) ? RowKey(table: R.table, key: Array(text.utf8)) : nil
        }
    }
}

extension Option {
    static let record = Option.positional(
        "id", "its name as list prints it; that of several columns as in press-7/1")
}

extension TableView {
    /// A table whose names are texts of their own.
    init<R: Record>(
        _ type: R.Type, _ singular: String, _ plural: String,
        _ columns: [(String, @Sendable (R) -> String)]
    ) where R.ID: CustomStringConvertible {
        self.init(type, singular, plural, columns) { $0.description }
    }

    /// How many digits of a digest a list shows.
    private static let shortDigest = 16

    static let evidence = TableView(
        EvidenceRecord.self, "evidence", "evidence",
        [
            ("FAULT", { $0.id.description }), ("REPORTED BY", { $0.reporter.text }),
            ("TIME", { Output.time($0.time) }),
        ])

    static let all: [TableView] = [
        TableView(
            MemberRecord.self, "member", "members",
            [
                ("MEMBER", { $0.id.text }), ("NAME", { $0.name }),
                ("ROLES", { $0.roles.map(\.rawValue).joined(separator: ", ") }),
                ("STATUS", { $0.status.rawValue }),
            ]),
        TableView(
            InvitationRecord.self, "invitation", "invitations",
            [
                ("INVITATION", { $0.id.text }), ("MEMBER", { $0.member.text }),
                ("STATE", { $0.state.rawValue }), ("EXPIRES", { Output.time($0.expires) }),
            ]),
        TableView(
            ProposalRecord.self, "proposal", "proposals",
            [
                ("PROPOSAL", { $0.id.description }), ("STATE", { $0.state.rawValue }),
            ]),
        TableView(
            AccreditationRecord.self, "accreditation", "accreditations",
            [
                ("OEM", { $0.id.oem.text }), ("MAINTAINER", { $0.id.maintainer.text }),
                ("CLASSES", { $0.classes.map(\.text).joined(separator: ", ") }),
                ("REGIONS", { $0.regions.map(\.text).joined(separator: ", ") }),
                ("UNTIL", { $0.revoked == nil ? Output.time($0.until) : "revoked" }),
            ]
        ) { "\($0.oem)/\($0.maintainer)" },
        TableView(
            KeyRecord.self, "key", "keys",
            [
                ("KEY", { "\($0.id.description.prefix(TableView.shortDigest))…" }),
                ("MEMBER", { $0.account.text }),
                (
                    "KIND",
                    { $0.kind.rawValue + ($0.revoked ? ", revoked" : $0.since == .max ? ", waits" : "") }
                ),
                ("FOR", { $0.subject.isEmpty ? "-" : $0.subject }),
            ]),
        TableView(
            VotingKeyRecord.self, "voting-key", "voting-keys",
            [
                ("VOTING KEY", { $0.id.description }), ("MEMBER", { $0.member.text }),
                ("SINCE BLOCK", { "\($0.since)" }), ("REPLACED", { $0.replaced.map { "\($0)" } ?? "-" }),
            ]),
        evidence,
        TableView(
            MachineRecord.self, "machine", "machines",
            [
                ("MACHINE", { $0.id.text }), ("CLASS", { $0.machineClass.text }), ("OEM", { $0.oem.text }),
                ("CUSTOMER", { $0.customer.text }), ("STATE", { $0.state.rawValue }),
            ], name: { $0.text }, whole: WholeMachine.all),
        TableView(
            NameplateRecord.self, "nameplate", "nameplates",
            [
                ("MACHINE", { $0.id.text }), ("MANUFACTURER", { $0.nameplate.manufacturer }),
                ("MODEL", { $0.nameplate.model }), ("SERIAL NUMBER", { $0.nameplate.serialNumber }),
                ("DOCUMENTS", { "\($0.documents.count)" }),
            ]),
        TableView(
            StandingOrderRecord.self, "standing-order", "standing-orders",
            [
                ("MACHINE", { $0.id.text }),
                ("LIMIT", { Output.amount($0.order.priceLimit, $0.order.tender.currency) }),
                ("CEILING", { Output.amount($0.order.ceiling, $0.order.tender.currency) }),
                ("AWARDED", { Output.amount($0.awarded, $0.order.tender.currency) }),
            ]),
        TableView(
            AnchorRecord.self, "anchor", "anchors",
            [
                ("MACHINE", { $0.id.machine.text }), ("NUMBER", { "\($0.id.number)" }),
                ("ENTRIES", { "\($0.first)-\($0.last)" }),
                ("FROM", { ISO8601.text(milliseconds: $0.fromMilliseconds) }),
            ]
        ) { "\($0.machine)/\($0.number)" },
        TableView(
            GapRecord.self, "gap", "gaps",
            [
                ("MACHINE", { $0.id.machine.text }), ("ENTRIES", { "\($0.first)-\($0.last)" }),
                ("REASON", { $0.reason }),
            ]
        ) { "\($0.machine)/\($0.number)" },
        TableView(
            ContestRecord.self, "contest", "contests",
            [
                ("MACHINE", { $0.id.machine.text }), ("ANCHOR", { "\($0.id.number)" }),
                ("STANDS FROM", { Output.time($0.stands) }), ("REASON", { $0.reason }),
            ]
        ) { "\($0.machine)/\($0.number)" },
        TableView(
            AgreementRecord.self, "agreement", "agreements",
            [
                ("AGREEMENT", { $0.id.text }), ("MACHINE", { $0.machine.text }), ("OEM", { $0.oem.text }),
                ("CUSTOMER", { $0.customer.text }), ("STATE", { $0.state.rawValue }),
            ]),
        TableView(
            TermsRecord.self, "terms", "terms",
            [
                ("TERMS", { $0.id.description }), ("FROM", { Output.time($0.terms.validFrom) }),
                ("TO", { Output.time($0.terms.validTo) }), ("ARBITER", { $0.terms.arbiter.text }),
                ("ACCEPTED", { $0.accepted.map { Output.time($0.time) } ?? "-" }),
            ]),
        TableView(
            ClassificationRecord.self, "classification", "classifications",
            [
                ("AGREEMENT", { $0.id.agreement.text }), ("PARTY", { $0.id.party.rawValue }),
                ("FROM", { ISO8601.text(milliseconds: $0.from) }),
                ("TO", { ISO8601.text(milliseconds: $0.id.until) }),
                ("SAYS", { $0.attribution.rawValue }),
            ]
        ) { "\($0.agreement)/\($0.party.rawValue)/\(ISO8601.option(milliseconds: $0.until))" },
        TableView(
            InvoiceRecord.self, "invoice", "invoices",
            [
                ("INVOICE", { $0.id.description }), ("MACHINE", { $0.machine.text }),
                ("STATE", { $0.state.rawValue + ($0.refundDue == nil ? "" : ", refund due") }),
                ("PAYABLE", { Output.amount($0.payable, $0.currency) }),
                ("DUE", { Output.time($0.dueDate) }),
            ]),
        TableView(
            TicketRecord.self, "ticket", "tickets",
            [
                ("TICKET", { $0.id.text }), ("MACHINE", { $0.machine.text }),
                ("STATE", { $0.state.rawValue }),
                ("AWARDED TO", { $0.award?.maintainer.text ?? "-" }),
                ("REPORTED", { Output.time($0.reported) }),
            ]),
        TableView(
            BidRecord.self, "bid", "bids",
            [
                ("TICKET", { $0.id.ticket.text }), ("MAINTAINER", { $0.id.maintainer.text }),
                (
                    "OFFER",
                    { bid in
                        bid.offer.map { Output.amount($0.price.limit, $0.currency) } ?? "sealed"
                    }
                ), ("PLACED", { Output.time($0.placed) }),
            ]
        ) { "\($0.ticket)/\($0.maintainer)" },
        TableView(
            MaintainerStatistics.self, "maintainer", "maintainers",
            [
                ("MAINTAINER", { $0.id.text }), ("COMPLETED", { "\($0.completed)" }),
                ("FIRST-TIME FIXES", { "\($0.firstTimeFixes)" }), ("ON TIME", { "\($0.onTime)" }),
                ("REPUTATION", { Output.rounded($0.reputation) }),
            ]),
        TableView(
            CreditNoteRecord.self, "credit-note", "credit-notes",
            [
                ("CREDIT NOTE", { $0.id.description }), ("INVOICE", { $0.invoice.description }),
                ("REASON", { $0.reason }),
            ]),
    ]

    /// Says that there is no record of a name, and which one may be meant: a part or the beginning of its
    /// name, or one with another letter.
    func unknown(_ id: String, _ view: StateView) throws -> NegativeAnswer {
        let names = try names(view)
        let near =
            names.first { $0.split(separator: "/").contains { $0 == id } } ?? Guess.nearest(id, among: names)
            ?? (id.count > 2 ? names.first { $0.hasPrefix(id) } : nil)
        return NegativeAnswer(
            "\(singular).unknown",
            "there is no \(singular) «\(id)»" + (near.map { "; did you mean \($0)?" } ?? ""))
    }

    /// The table that a person means by either of its names.
    static func named(_ name: String) throws -> TableView {
        guard let table = all.first(where: { $0.singular == name || $0.plural == name }) else {
            throw UsageError(
                "cli.unknown_table", "there are no «\(name)»: \(all.map(\.plural).joined(separator: ", "))")
        }
        return table
    }
}
