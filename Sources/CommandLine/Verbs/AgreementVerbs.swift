import Billing
import Contracts
import Ledger
import Node

/// What an OEM and a customer agree for a machine, and what they put its downtime down to.
enum AgreementVerbs {
    static let all: [Verb] = [
        propose, accept, amend, withdraw, terms, classify, classifications, conclude,
    ]

    private static let agreement = Option.positional("agreement", "the agreement's short name")

    static let propose = Verb(
        "agreement propose", "propose terms for a machine (OEM, customer)",
        detail: """
            The terms file is JSON: tariff, service level, period, time zone, dispute window and arbiter \
            (see examples/terms). They are sealed for both parties and the arbiter; the ledger holds their \
            hash and the few figures that its own deadlines need.
            """,
        options: [agreement, .value("terms", "FILE", "the terms as JSON", required: true)] + Option.signing,
        examples: ["millwright agreement propose rent-7 --as press-works --terms examples/terms/press.json"]
    ) { invocation in
        let agreement: AgreementID = try invocation.identifier("agreement")
        try await Session.with(invocation) { session in
            let terms = try TermsInput.read(invocation, in: session)
            let final = try await AgreementService(try session.documents()).propose(agreement, terms: terms)
            try noteInterval(terms, session)
            try notePart(terms)
            try session.announce(final, saying: "\(agreement) is proposed for \(terms.machine)")
        }
    }

    /// Says so where silence would be judged by another interval than the machine's own.
    private static func noteInterval(_ terms: Terms, _ session: Session) throws {
        guard let id = MachineID(terms.machine),
            let machine = try session.node.view().get(MachineRecord.self, id),
            machine.reportingIntervalMilliseconds != terms.reportingIntervalMilliseconds
        else { return }
        func text(_ milliseconds: Int64) -> String { Output.duration(milliseconds: milliseconds) }
        let (own, agreed) = (machine.reportingIntervalMilliseconds, terms.reportingIntervalMilliseconds)
        Terminal.note(
            "\(id) is registered with a reading every \(text(own)), these terms say every \(text(agreed)): "
                + "invoices take silence of more than \(text(3 * agreed)) as unknown.")
    }

    /// Says so where the first or the last invoice is of a part of a billing period only.
    private static func notePart(_ terms: Terms) throws {
        let prorated =
            terms.proratesTiersAndCap ? "base fees, minimums, tiers and the cap" : "base fees and minimums"
        for part in try terms.partialPeriods() {
            let word = part.begins ? part.ends ? "begin and end" : "begin" : "end"
            Terminal.note(
                "these terms \(word) within a billing period. Their part of it, \(part.days) of \(part.all) "
                    + "days, has an invoice of its own: \(prorated) are prorated by days.")
        }
    }

    static let accept = Verb(
        "agreement accept", "accept the terms that the other party has proposed",
        detail: """
            Opens the sealed terms, checks that they hold together, that the machine and its parties are \
            the right ones, that the time zone is what this computer's database says, and that the \
            ledger's figures are theirs. Read them first with millwright agreement terms.
            """,
        options: [agreement] + Option.signing,
        examples: ["millwright agreement accept rent-7 --as stamper"]
    ) { invocation in
        let agreement: AgreementID = try invocation.identifier("agreement")
        try await Session.with(invocation) { session in
            let (final, terms) = try await AgreementService(try session.documents()).accept(agreement)
            try notePart(terms)
            try session.announce(final, saying: "\(agreement) is agreed")
        }
    }

    static let amend = Verb(
        "agreement amend", "propose other terms for an agreement in force (either party)",
        detail: """
            They replace the present ones from their own beginning, once the other party accepts. Where that \
            is within a billing period, each part of it has an invoice of its own, and base fees, minimums, \
            tiers and the cap are prorated by days. A day begun counts whole: best is a local midnight.
            """,
        options: [agreement, .value("terms", "FILE", "the new terms as JSON", required: true)]
            + Option.signing,
        examples: ["millwright agreement amend rent-7 --as press-works --terms examples/terms/press.json"]
    ) { invocation in
        let agreement: AgreementID = try invocation.identifier("agreement")
        try await Session.with(invocation) { session in
            let terms = try TermsInput.read(invocation, in: session)
            let final = try await AgreementService(try session.documents()).amend(agreement, terms: terms)
            try noteInterval(terms, session)
            try notePart(terms)
            try session.announce(final, saying: "other terms are proposed for \(agreement)")
        }
    }

    static let withdraw = Verb(
        "agreement withdraw", "take a proposal back before it is accepted (proposer)",
        options: [agreement] + Option.signing,
        examples: ["millwright agreement withdraw rent-7 --as press-works"]
    ) { invocation in
        let agreement: AgreementID = try invocation.identifier("agreement")
        try await Session.with(invocation) { session in
            try await session.perform(
                AgreementContract.self, .withdraw(.init(agreement: agreement)),
                saying: "the proposal on \(agreement) is withdrawn")
        }
    }

    static let terms = Verb(
        "agreement terms", "print an agreement's sealed terms as a terms file (parties, arbiter)",
        detail: "The terms that wait for acceptance, or else the latest that were accepted.",
        options: [agreement, .value("as", "MEMBER", "the member that reads", required: true)],
        examples: ["millwright agreement terms rent-7 --as stamper"]
    ) { invocation in
        let agreement: AgreementID = try invocation.identifier("agreement")
        try await Session.with(invocation) { session in
            let terms = try AgreementService(try session.documents()).terms(of: agreement)
            try notePart(terms)
            Terminal.print(TermsFile.text(terms))
        }
    }

    static let classify = Verb(
        "agreement classify", "say what a stretch of downtime is put down to (OEM, customer)",
        detail: """
            What is over can be classified until the window after the billing interval's end has closed. It \
            holds where both say the same; where they differ or one is silent, the agreement's default does. \
            Say the same stretch again to change your word. A stretch that crosses an interval's end is said \
            in parts. The interval is invoiced after the window, or when both have concluded.
            """,
        options: [
            agreement, .from, .to,
            .value("attribution", "CAUSE", MaintenanceVerbs.names(Attribution.self)),
            .flag("take-back", "take your own word back instead"),
        ] + Option.signing,
        examples: [
            "millwright agreement classify rent-7 --as press-works --attribution OEM "
                + "--from 2026-03-10T08:00:00Z --to 2026-03-10T11:20:00Z"
        ]
    ) { invocation in
        let attribution: Attribution? = try invocation.choice("attribution")
        guard (attribution == nil) == invocation.has("take-back") else {
            throw UsageError("cli.missing_option", "agreement classify needs --attribution or --take-back")
        }
        let agreement: AgreementID = try invocation.identifier("agreement")
        let interval = try invocation.interval()
        try await Session.with(invocation) { session in
            let service = AgreementService(try session.documents())
            let word = attribution.map { "put down to \($0.rawValue)" } ?? "taken back"
            let parts = try service.parts(of: interval, under: agreement)
            var reports: [TransactionReport] = []
            for part in parts {
                let final = try await session.node.perform(
                    AgreementContract.self,
                    .classify(.init(agreement: agreement, interval: part, attribution: attribution)),
                    as: try session.signer())
                reports.append(TransactionReport(final))
                // Several parts are one list in JSON; a refusal is told at once.
                guard invocation.wantsJSON, parts.count > 1, final.outcome == .accepted else {
                    try session.announce(final, saying: "\(ISO8601.text(part)): \(word)")
                    continue
                }
            }
            if invocation.wantsJSON, parts.count > 1 { try session.json(reports) }
        }
    }

    private struct WordReport: Encodable {
        let from: Ledger.Timestamp
        let to: Ledger.Timestamp
        let oem: Attribution?
        let customer: Attribution?
        let agreed: Attribution?
    }

    static let classifications = Verb(
        "agreement classifications", "show what both have said about a billing interval (OEM, customer)",
        detail: """
            Where they do not agree the invoice takes the agreement's defaults: that for downtime, or that \
            for time without data.
            """,
        options: [
            agreement,
            .value("period", "TIME", "any moment of the period, such as its first day", required: true),
            InvoiceVerbs.reader,
        ],
        examples: ["millwright agreement classifications rent-7 --as stamper --period 2026-03-01"]
    ) { invocation in
        let agreement: AgreementID = try invocation.identifier("agreement")
        let time = try invocation.requiredTime("period").milliseconds
        try await Session.with(invocation) { session in
            let (_, words) = try AgreementService(try session.documents()).classifications(
                agreement, periodContaining: time)
            let reports = words.map { word in
                WordReport(
                    from: Timestamp(milliseconds: word.interval.from),
                    to: Timestamp(milliseconds: word.interval.to), oem: word.seller,
                    customer: word.buyer, agreed: word.agreed)
            }
            if invocation.wantsJSON { return try session.json(reports) }
            guard !reports.isEmpty else { return Terminal.print("nobody has said anything") }
            Terminal.print(
                Terminal.table(
                    ["FROM", "TO", "OEM SAYS", "CUSTOMER SAYS", "HOLDS"],
                    reports.map { word in
                        [
                            Output.time(word.from), Output.time(word.to), word.oem?.rawValue ?? "-",
                            word.customer?.rawValue ?? "-",
                            word.agreed?.rawValue ?? "the default",
                        ]
                    }))
        }
    }

    static let conclude = Verb(
        "agreement conclude", "say that you have no more downtime to classify (OEM, customer)",
        detail: """
            For the billing interval that holds the moment, and all before. Once both parties have \
            concluded, it can be invoiced without waiting for the window to close; what they do not agree \
            on takes the agreement's default. Until then you can still answer the other.
            """,
        options: [
            agreement,
            .value("period", "TIME", "any moment of the period, such as its first day", required: true),
        ] + Option.signing,
        examples: ["millwright agreement conclude rent-7 --as stamper --period 2026-03-01"]
    ) { invocation in
        let agreement: AgreementID = try invocation.identifier("agreement")
        let time = try invocation.requiredTime("period").milliseconds
        try await Session.with(invocation) { session in
            let service = AgreementService(try session.documents())
            let end = try service.billingInterval(containing: time, under: agreement).to
            try await session.perform(
                AgreementContract.self, .concludeClassification(.init(agreement: agreement, until: end)),
                saying: "you have nothing more to classify up to \(ISO8601.text(milliseconds: end))")
        }
    }
}
