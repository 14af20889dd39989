import Billing
import Codec
import Ledger

extension AgreementContract {
    /// The most versions that an agreement keeps.
    static let maximumVersions = 64
    /// The most agreements that a machine has in force, now and later ones together.
    static let maximumInForce = 64

    static func propose(_ body: Propose, _ context: Context) throws(Rejection) {
        let machine = try context.existing(MachineRecord.self, body.machine)
        try context.requireParty(oneOf: [machine.oem, machine.customer])
        try context.require(
            machine.state != .terminated, else: "agreement.machine_terminated", "the machine is terminated")
        try context.require(
            try context.get(AgreementRecord.self, body.agreement) == nil, else: "agreement.exists",
            "an agreement of that name exists")
        try requireTerms(body.terms, parties: [machine.oem, machine.customer], context)
        let agreement = AgreementRecord(
            id: body.agreement, machine: machine.id, oem: machine.oem, customer: machine.customer)
        try context.put(agreement)
        try putProposal(body.terms, of: agreement, context)
        context.emit("proposed", body.agreement)
    }

    static func amend(_ body: Amend, _ context: Context) throws(Rejection) {
        var agreement = try context.existing(AgreementRecord.self, body.agreement)
        try context.requireParty(oneOf: [agreement.oem, agreement.customer])
        guard agreement.isInForce, let current = agreement.versions.last else {
            throw Rejection("agreement.wrong_state", "the agreement is \(agreement.state.rawValue)")
        }
        try context.require(
            agreement.versions.count < maximumVersions, else: "agreement.too_many_versions",
            "an agreement is amended at most \(maximumVersions - 1) times")
        try requireTerms(body.terms, parties: [agreement.oem, agreement.customer], context)
        try context.require(
            body.terms.validFrom >= current.validFrom, else: "agreement.validity_order",
            "terms do not begin before those that they follow")
        try requireUnbilled(body.terms, agreement, context)
        try deletePending(of: agreement, context)
        agreement.lastNumber += 1
        agreement.pending = agreement.lastNumber
        agreement.state = .amending
        try context.put(agreement)
        try putProposal(body.terms, of: agreement, context)
        context.emit("amendmentProposed", agreement.id)
    }

    static func accept(_ body: Accept, _ context: Context) throws(Rejection) {
        var agreement = try context.existing(AgreementRecord.self, body.agreement)
        try context.requireParty(oneOf: [agreement.oem, agreement.customer])
        var version = try pending(of: agreement, context)
        try context.requireParty(agreement.counterparty(of: version.proposed.member) ?? agreement.customer)
        try context.require(
            body.number == version.id.number && body.termsHash == version.terms.hash,
            else: "agreement.other_terms", "the proposal is number \(version.id.number) with other terms")
        try requireNotOver(version.terms, context)
        try requireUnbilled(version.terms, agreement, context)
        try context.require(
            try context.existing(MachineRecord.self, agreement.machine).state != .terminated,
            else: "agreement.machine_terminated", "the machine is terminated")
        // An arbiter may have been suspended since the proposal.
        try requireArbiters(version.terms, context)
        let isFirst = agreement.versions.isEmpty
        if let validity = agreement.validity {
            try context.cancel(Deadline.end.rawValue, at: validity.to, subject: agreement.id.keyBytes)
        }
        version.accepted = try acceptance(context)
        try context.put(version)
        agreement.versions.append(.init(version.id.number, version.terms))
        agreement.pending = nil
        agreement.state = .active
        try requireAlone(agreement, context)
        try context.schedule(
            Deadline.end.rawValue, at: version.terms.validTo, subject: agreement.id.keyBytes)
        if isFirst {
            agreement.hasBegun = version.terms.validFrom <= context.time
            if !agreement.hasBegun {
                try context.schedule(
                    Deadline.begin.rawValue, at: version.terms.validFrom, subject: agreement.id.keyBytes)
            }
        }
        try context.put(agreement)
        context.emit(isFirst ? "accepted" : "amended", agreement.id)
    }

    static func withdraw(_ body: Withdraw, _ context: Context) throws(Rejection) {
        var agreement = try context.existing(AgreementRecord.self, body.agreement)
        try context.requireParty(oneOf: [agreement.oem, agreement.customer])
        try context.requireParty(try pending(of: agreement, context).proposed.member)
        try deletePending(of: agreement, context)
        agreement.pending = nil
        agreement.state = agreement.versions.isEmpty ? .withdrawn : .active
        try context.put(agreement)
        context.emit("withdrawn", agreement.id)
    }

    // MARK: Rules

    /// What waits for acceptance.
    private static func pending(
        of agreement: AgreementRecord, _ context: Context
    ) throws(Rejection) -> TermsRecord {
        guard let number = agreement.pending else {
            throw Rejection("agreement.nothing_proposed", "nothing waits for acceptance")
        }
        return try context.existing(TermsRecord.self, .init(agreement: agreement.id, number: number))
    }

    private static func putProposal(
        _ terms: AgreedTerms, of agreement: AgreementRecord, _ context: Context
    ) throws(Rejection) {
        let id = TermsRecord.ID(agreement: agreement.id, number: agreement.lastNumber)
        try context.put(TermsRecord(id: id, terms: terms, proposed: try acceptance(context)))
    }

    /// What was never accepted leaves no row.
    static func deletePending(of agreement: AgreementRecord, _ context: Context) throws(Rejection) {
        guard let number = agreement.pending else { return }
        try context.delete(TermsRecord.self, .init(agreement: agreement.id, number: number))
    }

    private static func acceptance(_ context: Context) throws(Rejection) -> TermsRecord.Acceptance {
        let signer = try context.signer
        return TermsRecord.Acceptance(member: signer.member, key: signer.key, time: context.time)
    }

    private static func requireTerms(
        _ terms: AgreedTerms, parties: [MemberID], _ context: Context
    ) throws(Rejection) {
        try context.requireDocument(terms.document)
        try context.requireNumber(terms.paymentDays, "paymentDays", in: 0...366)
        try context.requireNumber(terms.minimumDisputeWindow, "minimumDisputeWindow", in: upToAYear)
        try context.requireNumber(terms.classificationWindow, "classificationWindow", in: upToAYear)
        try context.requireNumber(terms.rulingWindow, "rulingWindow", in: Span.days(1)...Span.days(366))
        try context.require(
            terms.validFrom < terms.validTo, else: "agreement.validity_empty",
            "the terms end before they begin")
        try context.require(
            [terms.validFrom, terms.validTo].allSatisfy { $0.nanoseconds % 1_000_000 == 0 },
            else: "agreement.validity_not_whole", "terms begin and end at whole milliseconds")
        try requirePeriods(terms, context)
        try requireNotOver(terms, context)
        try context.require(
            !terms.arbiters.contains { parties.contains($0) }, else: "agreement.arbiter_is_party",
            "a party cannot rule on its own dispute")
        try context.require(
            terms.substitute != terms.arbiter, else: "agreement.substitute_is_arbiter",
            "the arbiter is no substitute for itself")
        try requireArbiters(terms, context)
    }

    private static func requireArbiters(_ terms: AgreedTerms, _ context: Context) throws(Rejection) {
        for arbiter in terms.arbiters {
            try context.requireRole(.arbiter, of: try context.activeMember(arbiter))
        }
    }

    /// Period ends rise within the validity.
    private static func requirePeriods(_ terms: AgreedTerms, _ context: Context) throws(Rejection) {
        try context.requireList(terms.periodEnds, "periodEnds", count: 0...Terms.maximumPeriods)
        let rises = zip(terms.periodEnds, terms.periodEnds.dropFirst()).allSatisfy { $0 < $1 }
        let first = terms.periodEnds.first ?? terms.validTo.milliseconds
        let last = terms.periodEnds.last ?? first
        try context.require(
            rises && terms.validFrom.milliseconds < first && last <= terms.validTo.milliseconds,
            else: "agreement.periods_invalid", "periods end one after the other, within the validity")
    }

    private static let upToAYear = Span.days(0)...Span.days(366)

    private static func requireNotOver(_ terms: AgreedTerms, _ context: Context) throws(Rejection) {
        try context.require(
            context.time < terms.validTo, else: "agreement.expired", "the terms' validity is over")
    }

    /// Terms do not change what is invoiced: billing intervals stay as invoices have them. Whoever wants it
    /// otherwise credits the invoices first.
    private static func requireUnbilled(
        _ terms: AgreedTerms, _ agreement: AgreementRecord, _ context: Context
    ) throws(Rejection) {
        let billed = agreement.billed.last?.to ?? .min
        try context.require(
            billed <= terms.validFrom.milliseconds, else: "agreement.period_billed",
            "the terms begin before \(billed) ms since 1970, up to where is invoiced")
    }

    /// No two agreements of a machine may be in force at one time: both would bill it.
    private static func requireAlone(_ agreement: AgreementRecord, _ context: Context) throws(Rejection) {
        let others = try context.records(
            AgreementRecord.self, where: "inForce", equals: agreement.machine.keyBytes
        ).filter { $0.id != agreement.id }
        try context.require(
            others.count < maximumInForce, else: "agreement.too_many",
            "a machine has at most \(maximumInForce) agreements in force")
        guard let own = agreement.validity else { return }
        let overlaps = others.contains { other in
            guard let validity = other.validity else { return false }
            return own.from < validity.to && validity.from < own.to
        }
        try context.require(
            !overlaps, else: "agreement.overlaps",
            "another agreement is in force for the machine at that time")
    }
}

extension Context {
    /// - Throws: `<contract>.number_out_of_range`.
    func requireNumber(_ span: Span, _ field: String, in range: ClosedRange<Span>) throws(Rejection) {
        try require(
            range.contains(span), else: code("number_out_of_range"), "\(field) is out of range")
    }
}
