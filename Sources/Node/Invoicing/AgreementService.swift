import Billing
import Codec
import Contracts
import Cryptography
import Ledger
import TimeZones

/// Agreements with their sealed terms, for one party.
package struct AgreementService: Sendable {
    package static let termsMediaType = "application/vnd.millwright.terms+cbor"

    private let documents: DocumentService
    private var node: any LedgerAccess { documents.node }
    private var signer: MessageSigner { documents.member.signer }

    package init(_ documents: DocumentService) { self.documents = documents }

    // MARK: Terms

    /// Stores terms for both parties and the arbiter, and proposes them.
    /// - Throws: `terms.*` where they do not hold together, or name others than the machine's parties or an
    ///   older version of the rules;
    ///   `agreement.*`.
    @discardableResult
    package func propose(
        _ agreement: AgreementID, terms: Terms
    ) async throws(NodeError) -> FinalTransaction {
        guard let machine = MachineID(terms.machine) else {
            throw NodeError("terms.machine", "«\(terms.machine)» cannot name a machine")
        }
        let agreed = try store(
            terms, of: agreement, for: try node.view().existing(MachineRecord.self, machine))
        return try await documents.enact(
            AgreementContract.self, .propose(.init(agreement: agreement, machine: machine, terms: agreed)),
            naming: agreed.document)
    }

    /// Stores other terms, and proposes them in place of those in force.
    @discardableResult
    package func amend(
        _ agreement: AgreementID, terms: Terms
    ) async throws(NodeError) -> FinalTransaction {
        let view = try node.view()
        let machine = try view.existing(AgreementRecord.self, agreement).machine
        let agreed = try store(terms, of: agreement, for: try view.existing(MachineRecord.self, machine))
        return try await documents.enact(
            AgreementContract.self, .amend(.init(agreement: agreement, terms: agreed)),
            naming: agreed.document)
    }

    /// Reads what is proposed, checks it as an acceptor should, and accepts it.
    /// - Returns: the terms that were accepted, too: nobody has to open them again.
    /// - Throws: `agreement.nothing_proposed`, `terms.*`, `document.*`, `vault.*`, `timezone.*`,
    ///   `agreement.*`.
    @discardableResult
    package func accept(
        _ agreement: AgreementID
    ) async throws(NodeError) -> (transaction: FinalTransaction, terms: Terms) {
        let view = try node.view()
        let record = try view.existing(AgreementRecord.self, agreement)
        guard let number = record.pending else {
            throw NodeError("agreement.nothing_proposed", "nothing waits for acceptance")
        }
        let proposal = try view.existing(TermsRecord.self, .init(agreement: agreement, number: number))
        let terms = try documents.open(Terms.self, proposal.terms.document)
        try check(terms, for: try view.existing(MachineRecord.self, record.machine))
        try checkZone(terms)
        guard try Self.agreed(terms, document: proposal.terms.document) == proposal.terms else {
            throw NodeError("terms.other_figures", "the ledger's figures are not those of the sealed terms")
        }
        let final = try await node.enact(
            AgreementContract.self,
            .accept(.init(agreement: agreement, number: number, termsHash: proposal.terms.hash)),
            as: signer)
        return (final, terms)
    }

    /// The stretch of time around an instant that one invoice bills, both in ms since 1970 UTC; where no
    /// terms are in force then, that of another part of the same period.
    /// - Throws: `agreement.unknown`, `agreement.not_accepted`, `agreement.no_terms`; `document.*`,
    ///   `vault.*`.
    package func billingInterval(
        containing time: Int64, under agreement: AgreementID
    ) throws(NodeError) -> Interval {
        try BillingBasis(of: agreement, at: time, documents).period
    }

    /// Says that the member has nothing more to classify in the period that holds an instant, and before.
    @discardableResult
    package func conclude(
        _ agreement: AgreementID, periodContaining time: Int64
    ) async throws(NodeError) -> FinalTransaction {
        let end = try billingInterval(containing: time, under: agreement).to
        return try await node.enact(
            AgreementContract.self, .concludeClassification(.init(agreement: agreement, until: end)),
            as: signer)
    }

    /// What both parties have said about the billing interval around an instant, side by side.
    /// - Throws: as `billingInterval`.
    package func classifications(
        _ agreement: AgreementID, periodContaining time: Int64
    ) throws(NodeError) -> (interval: Interval, words: [JointWord]) {
        let interval = try billingInterval(containing: time, under: agreement)
        let words = try node.view().classifications(of: agreement, in: interval)
        do { return (interval, try AgreementContract.jointWords(of: words, in: interval)) } catch {
            throw NodeError(error)
        }
    }

    /// The parts of a stretch of time, cut where billing intervals end: each can be classified.
    /// - Throws: `agreement.unknown`.
    package func parts(
        of interval: Interval, under agreement: AgreementID
    ) throws(NodeError) -> [Interval] {
        let view = try node.view()
        let record = try view.existing(AgreementRecord.self, agreement)
        var parts: [Interval] = []
        var from = interval.from
        while from < interval.to {
            // Beyond the terms the ledger says what is wrong.
            let billed = try view.billingInterval(at: from, of: record)
            let end = min(interval.to, billed?.to ?? interval.to)
            parts.append(Interval(from: from, to: end))
            from = end
        }
        return parts
    }

    /// The terms that wait for acceptance, or else the latest that were accepted.
    /// - Throws: `agreement.unknown`, `agreement.not_accepted`, `document.*`, `vault.*`.
    package func terms(of agreement: AgreementID) throws(NodeError) -> Terms {
        let view = try node.view()
        let record = try view.existing(AgreementRecord.self, agreement)
        guard let number = record.pending ?? record.versions.last?.number else {
            throw NodeError("agreement.not_accepted", "the agreement has no terms")
        }
        let version = try view.existing(TermsRecord.self, .init(agreement: agreement, number: number))
        return try documents.open(Terms.self, version.terms.document)
    }

    private func store(
        _ terms: Terms, of agreement: AgreementID, for machine: MachineRecord
    ) throws(NodeError) -> AgreedTerms {
        try check(terms, for: machine)
        let document = try documents.store(
            terms, name: "Terms of \(agreement)", mediaType: Self.termsMediaType,
            for: [machine.oem, machine.customer, try Self.arbiter(terms.arbiter)]
                + (try terms.substituteArbiter.map(Self.arbiter).map { [$0] } ?? []))
        return try Self.agreed(terms, document: document)
    }

    private func check(_ terms: Terms, for machine: MachineRecord) throws(NodeError) {
        if let problem = terms.validate().first { throw NodeError(problem.code.rawValue, problem.detail) }
        // Their parties could not tell from them that an older computation holds.
        guard terms.rulesVersion == InvoiceComputation.rulesVersion else {
            throw NodeError(
                "terms.rules_version",
                "the terms are to be computed by rules \(terms.rulesVersion): propose them again, by rules "
                    + "\(InvoiceComputation.rulesVersion)")
        }
        guard terms.machine == machine.id.text, terms.seller.id == machine.oem.text,
            terms.buyer.id == machine.customer.text
        else {
            throw NodeError(
                "terms.other_parties",
                "\(machine.id) is rented out by \(machine.oem) to \(machine.customer), not as the terms say")
        }
    }

    // MARK: What the ledger holds of terms

    /// The figures that the ledger's own deadlines need.
    /// - Throws: `terms.arbiter`; `billing.too_many` where there are too many periods;
    ///   `billing.time_out_of_range`.
    package static func agreed(
        _ terms: Terms, document: DocumentReference
    ) throws(NodeError) -> AgreedTerms {
        let periodEnds: [Int64]
        do { periodEnds = try terms.periodEnds() } catch { throw NodeError(error) }
        return AgreedTerms(
            document: document, arbiter: try arbiter(terms.arbiter),
            substitute: try terms.substituteArbiter.map(arbiter), currency: terms.currency,
            validFrom: Timestamp(milliseconds: terms.validity.from),
            validTo: Timestamp(milliseconds: terms.validity.to), periodEnds: periodEnds,
            minimumDisputeWindow: minimumDisputeWindow(terms.disputeWindowBusinessDays),
            paymentDays: Int64(terms.paymentDays),
            classificationWindow: .milliseconds(terms.classificationWindowMilliseconds),
            rulingWindow: .days(Int64(terms.rulingDays ?? Terms.standardRulingDays)))
    }

    private static func arbiter(_ name: String) throws(NodeError) -> MemberID {
        guard let member = MemberID(name) else {
            throw NodeError("terms.arbiter", "«\(name)» cannot name a member")
        }
        return member
    }

    /// The shortest that so many business days can be: issued at a day's last moment, none of them a
    /// holiday, and clocks that go forward an hour.
    private static func minimumDisputeWindow(_ businessDays: Int) -> Span {
        .hours(max(0, 24 * Int64(businessDays) - 1))
    }

    // MARK: Time zones

    /// A time zone for terms of a validity, as this machine's tzdata has it.
    ///
    /// It reaches from 40 days before, so that the first period's days resolve, to 400 days after, for the
    /// last invoice's deadlines.
    /// - Throws: `timezone.*`.
    package static func zone(
        _ name: String, for validity: Interval, in database: TimeZoneDatabase = .system
    ) throws(NodeError) -> ZoneRules {
        let day: Int64 = 86_400
        // Seconds cannot overflow after a division by 1000.
        let from = min(max(0, validity.from / 1000 - 40 * day), Interval.latest / 1000)
        let to = min(max(from, validity.to / 1000 + 400 * day), Interval.latest / 1000)
        do {
            return try TimeZoneFile(name: name, in: database).rules(from: from, to: to)
        } catch { throw NodeError(error.code.rawValue, error.detail) }
    }

    /// Whoever accepts looks the zone up again: its offsets decide when days and periods end.
    private func checkZone(_ terms: Terms) throws(NodeError) {
        let own = try Self.zone(terms.zone.name, for: terms.validity)
        guard own.initialOffsetSeconds == terms.zone.initialOffsetSeconds,
            own.transitions == terms.zone.transitions
        else {
            throw NodeError(
                "terms.zone_differs",
                "\(terms.zone.name) is not what tzdata \(own.tzdataVersion) says here "
                    + "(the terms name \(terms.zone.tzdataVersion))")
        }
    }
}
