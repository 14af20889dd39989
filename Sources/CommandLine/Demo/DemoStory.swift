import Billing
import Contracts
import Cryptography
import Foundation
import Ledger
import Node
import Telemetry

/// The story, act by act.
struct DemoStory: Sendable {
    let scenario: DemoScenario
    /// Where documents for people are written.
    let folder: URL
    let narrator: Narrator
    let agreement = AgreementID(unchecked: "rental-1")

    /// Where the founding document says that time begins.
    var begins: Ledger.Timestamp { Ledger.Timestamp(milliseconds: scenario.from) }

    /// The first act, once the companies have founded.
    func introduce(_ chain: ChainID) {
        for member in DemoCast.members {
            narrator.say(
                member.roles[0].rawValue.padding(toLength: 11, withPad: " ", startingAt: 0) + member.name
            )
        }
        narrator.say("Ledger \(chain.description.prefix(16))…, its time is simulated and passes in seconds.")
    }

    /// What a story was about.
    struct Told {
        let first: InvoiceID
        let report: ImportReport
    }

    /// All acts after the first.
    func tell(_ cast: DemoCast) async throws -> Told {
        try await rent(cast)
        var source = try DemoSource(scenario)
        try await run(cast, &source, to: scenario.periods[0])
        let first = try await billHonestly(cast)
        narrator.act("5. The machine runs on")
        try await run(cast, &source, to: scenario.periods[1])
        try await DemoDispute(story: self, cast: cast).quarrel(after: first)
        try prove(cast, first)
        try end(cast, first, source.report)
        return Told(first: first, report: source.report)
    }

    // MARK: Acts

    private func rent(_ cast: DemoCast) async throws {
        narrator.act("2. A machine is registered, accepted and rented out")
        narrator.say(scenario.title)
        let device = try cast.company(DemoCast.customer).home.keystore(of: DemoCast.customer)
            .createHeldKey(ActingMember.deviceKeyName(scenario.machine))
        try await cast.act(
            DemoCast.oem, MachineContract.self,
            .register(
                .init(
                    machine: scenario.machine, customer: DemoCast.customer,
                    machineClass: scenario.machineClass,
                    site: .init(region: Region(unchecked: "de-south"), name: "Hall 2"),
                    nameplate: scenario.nameplate, documents: [],
                    devices: [.init(publicKey: .init(device.publicKey.bytes), label: "gateway")],
                    reportingIntervalMilliseconds: scenario.reportingIntervalMilliseconds)))
        narrator.say("\(DemoCast.name(DemoCast.oem)) registers \(scenario.machine) with its device's key.")
        // A recording may be months long, and its repairs are verified when all of it is in.
        let order = StandingOrder(
            biddingSpan: DemoRepair(story: self, cast: cast).bidding, currency: .euro,
            priceLimit: MinorUnits(250_000), ceiling: MinorUnits(1_000_000),
            acceptWithin: .days(366))
        try await cast.act(
            DemoCast.customer, MachineContract.self, .accept(.init(machine: scenario.machine, order: order)))
        for maintainer in [DemoCast.fixit, DemoCast.rotec] {
            try await cast.act(
                DemoCast.oem, ConsortiumContract.self,
                .accredit(
                    .init(
                        maintainer: maintainer, classes: [scenario.machineClass],
                        regions: [Region(unchecked: "de-south")],
                        until: cast.clock.now + .days(365))))
        }
        narrator.say("It accredits two maintainers; \(DemoCast.name(DemoCast.customer)) accepts the machine.")
        let limit = Output.amount(order.priceLimit, order.tender.currency)
        narrator.say("Its standing order: a repair of up to \(limit) need not wait for it.")
        try await agree(cast)
        try await cast.act(DemoCast.customer, MachineContract.self, .start(.init(machine: scenario.machine)))
        narrator.good("The machine is in service: from now on its use is billed.")
    }

    private func agree(_ cast: DemoCast) async throws {
        let terms = try scenario.terms()
        let (oem, customer) = (
            AgreementService(try cast.documents(DemoCast.oem)),
            AgreementService(try cast.documents(DemoCast.customer))
        )
        try await oem.propose(agreement, terms: terms[0])
        try await customer.accept(agreement)
        for later in terms.dropFirst() {
            try await oem.amend(agreement, terms: later)
            try await customer.accept(agreement)
        }
        narrator.say("Terms are sealed in the vault; the ledger holds their hash and both signatures:")
        for line in scenario.tariffLines { narrator.say("  \(line)") }
    }

    /// Brings a period's telemetry in, with the repair where the machine fails.
    private func run(_ cast: DemoCast, _ source: inout DemoSource, to period: Interval) async throws {
        let isFirst = period == scenario.periods[0]
        if isFirst { narrator.act("3. The machine runs and reports") }
        let service = try TelemetryImport(
            of: scenario.machine, documents: try cast.documents(DemoCast.customer))
        let repair = DemoRepair(story: self, cast: cast)
        var finished: DemoRepair.Finished?
        if !isFirst && !scenario.fails {
            let done = try await repair.service()
            source.watch(from: source.lastSequence, notBefore: done.upAt)
            finished = done
        }
        // What comes late by its clock is in the file all the same.
        source.horizon = isFirst ? period.to : .max
        let summary = try await service.run(&source) { fault, source in
            // Another fault than the last: that one's repair is over.
            if let last = finished, last.ticket != fault.ticket {
                try await repair.settle(last, evidence: source.firstUp)
            }
            let upAt = scenario.outages.first { $0.upAt > fault.time }?.upAt
            let done = try await repair.work(on: fault, upAt: upAt)
            source.repair(at: done.upAt)
            source.watch(from: fault.sequence, notBefore: done.upAt)
            finished = done
        }
        let afterwards = Ledger.Timestamp(milliseconds: period.to) + scenario.untilInvoice
        if afterwards > cast.clock.now { try cast.clock.set(afterwards) }
        try await cast.tick()
        narrator.good(
            "\(summary.anchored) readings: signed by the device, sealed in the vault, anchored on the ledger."
        )
        if let finished { try await repair.settle(finished, evidence: source.firstUp) }
    }

    private func billHonestly(_ cast: DemoCast) async throws -> InvoiceID {
        narrator.act("4. The first invoice")
        let oem = InvoiceService(try cast.documents(DemoCast.oem))
        let customer = InvoiceService(try cast.documents(DemoCast.customer))
        try await conclude(scenario.periods[0], cast)
        let invoice = try oem.compute(
            agreement, periodContaining: scenario.periods[0].from,
            number: try oem.nextNumber(series: cast.year), toleratingMissingTelemetry: true)
        let id = try await oem.issue(invoice, under: agreement)
        narrator.say(
            "\(DemoCast.name(DemoCast.oem)) issues \(id.number): "
                + "\(Output.amount(invoice.totals.payable, invoice.currency))."
        )
        guard case .equal = try customer.recompute(id) else {
            throw NegativeAnswer("demo.unequal", "the honest invoice was not recomputed equal")
        }
        narrator.good(
            "\(DemoCast.name(DemoCast.customer)) recomputes it from its own telemetry: equal, bit for bit.")
        try await customer.approve(id)
        if invoice.totals.payable > .zero {
            try await customer.markPaid(id, reference: "SEPA-\(id.number)")
            try await oem.confirmPayment(id, reference: "SEPA-\(id.number)")
        }
        narrator.good("Approved, paid (SEPA-\(id.number)), the payment confirmed.")
        return id
    }

    /// Both parties have nothing to say on a period's downtime beyond the agreed default, so that its
    /// invoice need not wait for the window to close.
    func conclude(_ period: Interval, _ cast: DemoCast) async throws {
        if case .file = scenario.source { try await classifyOff(in: period, cast) }
        for party in [DemoCast.customer, DemoCast.oem] {
            try await AgreementService(try cast.documents(party)).conclude(
                agreement, periodContaining: period.from)
        }
        narrator.say("Both parties conclude: downtime is the OEM's, as agreed. No need to wait.")
    }

    /// A recorded machine is billed all the time; while it was switched off nothing had failed, which both
    /// parties say.
    private func classifyOff(in period: Interval, _ cast: DemoCast) async throws {
        let usage = try MeteringService(try cast.documents(DemoCast.customer)).usage(
            of: scenario.machine, in: period
        ).usage
        for off in usage.stoppages where off.state == .notAvailable && off.interval.milliseconds >= 60_000 {
            for party in [DemoCast.customer, DemoCast.oem] {
                try await cast.act(
                    party, AgreementContract.self,
                    .classify(
                        .init(
                            agreement: agreement, interval: off.interval,
                            attribution: .plannedMaintenance)))
            }
            narrator.say(
                "Switched off from \(ISO8601.text(off.interval)): both parties classify it as planned.")
        }
    }

    private func prove(_ cast: DemoCast, _ invoice: InvoiceID) throws {
        narrator.act("7. Proof for outsiders")
        let customer = try cast.company(DemoCast.customer)
        let ledger = customer.ledger
        let steps = try ledger.history(of: InvoiceRecord.rowKey(invoice))
        guard let issued = steps.last?.transaction else { return }
        let bundle = try ledger.receipt(for: issued.id)
        let genesis = try customer.home.genesis()
        _ = try bundle.verify(
            genesis: genesis.genesis, chain: genesis.chain, hash: ledger.rules.hash,
            verifier: ledger.rules.verify)
        let file = folder.appendingPathComponent("invoice-\(invoice.number).receipt")
        do { try Data(bundle.encoded).write(to: file) } catch {
            throw NodeError("demo.io", "\(file.path) could not be written", cause: error)
        }
        narrator.good(
            "A receipt of \(bundle.encoded.count) bytes proves the invoice with the genesis document alone.")
        let summary = try ledger.verify(width: ProcessInfo.processInfo.activeProcessorCount) { _ in }
        narrator.good(
            "The whole ledger derived again from its genesis: \(summary.blocks) blocks, "
                + "\(summary.transactions) transactions, every signature, outcome and root as stored."
        )
    }

    private func end(_ cast: DemoCast, _ invoice: InvoiceID, _ report: ImportReport) throws {
        narrator.act("What the data could not tell, and how it was treated")
        for sentence in report.sentences { narrator.say(sentence) }
        let document = try InvoiceService(try cast.documents(DemoCast.customer)).invoice(invoice)
        narrator.act("The first invoice, as a person reads it")
        if !narrator.isQuiet { Terminal.print("\n" + InvoiceFiles.text(document, isSimulated: true)) }
        guard !narrator.isSilent else { return }
        narrator.act("Files")
        Terminal.print("  \(folder.path)")
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
            Terminal.print("    \(name)")
        }
    }

    /// Writes an invoice or credit note where the person finds it.
    func write(_ invoice: Invoice) throws {
        try InvoiceFiles.write(invoice, to: folder, isSimulated: true)
    }
}
