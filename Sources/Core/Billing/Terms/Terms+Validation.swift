import Codec

/// Something that keeps terms from being used.
package struct TermsProblem: Hashable, Sendable, CustomStringConvertible {
    /// Stable codes.
    package enum Code: String, Hashable, Sendable, CaseIterable {
        case party = "terms.party"
        case country = "terms.country"
        case vatID = "terms.vat_id"
        case machine = "terms.machine"
        case arbiter = "terms.arbiter"
        case text = "terms.text"
        case zone = "terms.zone"
        case validity = "terms.validity"
        case billingPeriod = "terms.billing_period"
        case tariffEmpty = "terms.tariff_empty"
        case lineID = "terms.line_id"
        case tiers = "terms.tiers"
        case price = "terms.price"
        case basis = "terms.basis"
        case minimum = "terms.minimum"
        case cap = "terms.cap"
        case vatRate = "terms.vat_rate"
        case vatReason = "terms.vat_reason"
        case vatMixed = "terms.vat_mixed"
        case serviceHours = "terms.service_hours"
        case excluded = "terms.excluded"
        case steps = "terms.steps"
        case adjustment = "terms.adjustment"
        case windows = "terms.windows"
        case holidays = "terms.holidays"
        case reportingInterval = "terms.reporting_interval"
        case plannedRunTime = "terms.planned_run_time"
        case rulesVersion = "terms.rules_version"
    }

    package let code: Code
    /// What is wrong, for a person.
    package let detail: String

    package var description: String { "\(code.rawValue): \(detail)" }
}

extension Terms {
    /// The most lines, tiers, steps or service hours that terms may hold, each.
    package static let maximumItems = 100
    /// The longest text in UTF-8 bytes.
    package static let maximumTextBytes = 200

    /// What is wrong with the terms; empty where an invoice can be computed from them.
    package func validate() -> [TermsProblem] {
        var found = Problems()
        checkParties(&found)
        checkTexts(&found)
        checkTimes(&found)
        checkTariff(&found)
        checkVAT(&found)
        if let serviceLevel { check(serviceLevel, &found) }
        return found.list
    }

    private struct Problems {
        var list: [TermsProblem] = []

        mutating func require(_ isRight: Bool, _ code: TermsProblem.Code, _ detail: String) {
            if !isRight { list.append(TermsProblem(code: code, detail: detail)) }
        }
    }

    private func checkParties(_ found: inout Problems) {
        for (party, role) in [(seller, "seller"), (buyer, "buyer")] {
            found.require(
                !party.id.isEmpty && !party.registrationName.isEmpty, .party, "\(role) needs id and name")
            let country = Array(party.countryCode.utf8)
            found.require(
                country.count == 2 && country.allSatisfy { 0x41...0x5a ~= $0 }, .country,
                "\(role) needs a country of two capital letters")
            if let vatID = party.vatID {
                // The prefix is ISO 3166-1, or EL for Greece (BR-CO-09).
                let prefix = Array(vatID.utf8.prefix(2))
                found.require(
                    vatID.utf8.count > 2 && prefix.allSatisfy { 0x41...0x5a ~= $0 }, .vatID,
                    "\(role)'s VAT id needs its country prefix")
            }
        }
        found.require(!machine.isEmpty, .machine, "names no machine")
        found.require(!arbiter.isEmpty, .arbiter, "names no arbiter")
        found.require(
            substituteArbiter.map { !$0.isEmpty && !$0.utf8.elementsEqual(arbiter.utf8) } ?? true, .arbiter,
            "the arbiter's substitute is another member")
    }

    private func checkTexts(_ found: inout Problems) {
        var texts = [
            machine, arbiter, substituteArbiter ?? "", zone.name, zone.tzdataVersion, paymentReference ?? "",
        ]
        for party in [seller, buyer] {
            texts += [party.id, party.registrationName, party.addressLine, party.city]
            texts += [party.postalCode, party.vatID ?? ""]
        }
        for line in tariff.lines { texts += [line.id, line.name, line.vat?.exemptionReason ?? ""] }
        texts.append(tariff.vat.exemptionReason ?? "")
        for text in texts {
            let isPlain = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && XMLWriter.isAllowed($0) }
            found.require(
                isPlain && text.utf8.count <= Terms.maximumTextBytes, .text,
                "a text is longer than \(Terms.maximumTextBytes) bytes or holds control characters")
        }
    }

    private func checkTimes(_ found: inout Problems) {
        found.require(
            zone.isValid && !zone.name.isEmpty, .zone, "transitions do not rise or lie out of range")
        found.require(validity.isValid, .validity, "ends before it begins or lies out of range")
        if case .custom(let from, let to) = billingPeriod {
            found.require(Interval(from: from, to: to).isValid, .billingPeriod, "ends before it begins")
        }
        let days = 0...3660
        found.require(
            days ~= disputeWindowBusinessDays && days ~= paymentDays
                && 0...Interval.latest ~= classificationWindowMilliseconds,
            .windows, "windows and payment days are not negative and at most ten years")
        found.require(
            rulingDays.map { 1...366 ~= $0 } ?? true, .windows, "an arbiter has 1 to 366 days to rule")
        let rises = zip(holidays, holidays.dropFirst()).allSatisfy { $0 < $1 }
        found.require(rises && holidays.count <= 1000, .holidays, "holidays rise, each once, at most 1000")
        found.require(
            1...86_400_000 ~= reportingIntervalMilliseconds, .reportingInterval, "is 1 ms to one day")
        if let unit = plannedRunTimePerUnitMilliseconds {
            found.require(1...31_536_000_000 ~= unit, .plannedRunTime, "is 1 ms to one year")
        }
        found.require(
            1...InvoiceComputation.rulesVersion ~= rulesVersion, .rulesVersion,
            "these rules are versions 1 to \(InvoiceComputation.rulesVersion)")
    }

    private func checkTariff(_ found: inout Problems) {
        found.require(
            !tariff.lines.isEmpty && tariff.lines.count <= Terms.maximumItems, .tariffEmpty,
            "a tariff has 1 to \(Terms.maximumItems) lines")
        for (index, line) in tariff.lines.enumerated() {
            let isRepeated = tariff.lines[..<index].contains { $0.id == line.id }
            found.require(
                !line.id.isEmpty && !line.name.isEmpty && !isRepeated, .lineID,
                "line \(index + 1) needs a name and an id of its own")
            let tiers = line.prices.tiers
            let rises = zip(tiers, tiers.dropFirst()).allSatisfy { $0.fromQuantity < $1.fromQuantity }
            found.require(
                tiers.first?.fromQuantity == .zero && rises && tiers.count <= Terms.maximumItems, .tiers,
                "line \(line.id): tiers begin at zero and rise")
            found.require(
                tiers.allSatisfy { $0.price.rawValue >= 0 }, .price, "line \(line.id): a price is negative")
            checkBasis(of: line, &found)
        }
        if let cap = tariff.cap { found.require(cap.rawValue >= 0, .cap, "is negative") }
    }

    private func checkBasis(of line: TariffLine, _ found: inout Problems) {
        switch line.basis {
        case .baseFee:
            found.require(
                line.prices.tiers.count == 1 && line.minimum == nil, .basis,
                "line \(line.id): a base fee has one price and no minimum")
        case .perUnit(let counter):
            found.require(!counter.isEmpty, .basis, "line \(line.id): names no counter")
        case .perHour(let states):
            let isRepeated = states.enumerated().contains { states[..<$0.offset].contains($0.element) }
            found.require(
                !states.isEmpty && !isRepeated && !states.contains(.unknown), .basis,
                "line \(line.id): lists each state once, and never Unknown")
        }
        if let minimum = line.minimum {
            found.require(minimum.quantity > .zero, .minimum, "line \(line.id): a minimum is positive")
        }
    }

    private func checkVAT(_ found: inout Problems) {
        let used = tariff.lines.map { $0.vat ?? tariff.vat }
        for vat in used {
            let isRateRight =
                vat.category == .standard ? vat.rate > .zero && vat.rate <= .whole : vat.rate == .zero
            found.require(
                isRateRight && vat.rate.ppm % 100 == 0, .vatRate,
                "\(vat.category.rawValue): S has a rate of at most 100 % with two decimals, others zero")
            let reason = vat.exemptionReason ?? ""
            found.require(
                reason.isEmpty != vat.category.needsExemptionReason, .vatReason,
                "\(vat.category.rawValue): E, AE and O have a reason, others none")
            found.require(
                used.allSatisfy { $0.category != vat.category || $0.rate != vat.rate || $0 == vat },
                .vatReason, "\(vat.category.rawValue): one category and rate has one reason")
            switch vat.category {
            case .standard, .zero, .exempt:
                found.require(seller.vatID != nil, .vatID, "\(vat.category.rawValue) needs the seller's")
            case .reverseCharge:
                found.require(seller.vatID != nil && buyer.vatID != nil, .vatID, "AE needs both")
            case .outsideScope:
                found.require(used.allSatisfy { $0.category == .outsideScope }, .vatMixed, "O stands alone")
            }
        }
    }

    private func check(_ level: ServiceLevel, _ found: inout Problems) {
        if case .weekly(let hours) = level.serviceTime {
            let isRight = hours.allSatisfy {
                1...7 ~= $0.weekday && 0 <= $0.fromMinutes && $0.fromMinutes < $0.toMinutes
                    && $0.toMinutes <= 1440
            }
            found.require(
                isRight && !hours.isEmpty && hours.count <= Terms.maximumItems, .serviceHours,
                "hours lie within one day, 0 to 1440 minutes, weekday 1 to 7")
        }
        found.require(!level.excluded.contains(.oem), .excluded, "OEM cannot be excluded")
        let range = Rate(ppm: -1_000_000)...Rate.whole
        switch level.consequence {
        case .table(let steps):
            let rises = zip(steps, steps.dropFirst()).allSatisfy { $0.from < $1.from }
            found.require(
                steps.first?.from == .zero && rises && steps.count <= Terms.maximumItems
                    && steps.allSatisfy { $0.from <= .whole && range ~= $0.adjustment },
                .steps, "steps begin at zero, rise, and adjust by at most 100 %")
        case .proportional(let target, let floor, let slope):
            found.require(
                .zero <= floor && floor < target && target <= .whole && 1...1000 ~= slope, .steps,
                "0 ≤ floor < target ≤ 100 %, slope 1 to 1000")
        }
        if let most = level.maximumAdjustment {
            found.require(.zero <= most && most <= .whole, .adjustment, "is 0 to 100 %")
        }
    }
}

extension Terms {
    /// The SHA-256 of the document's deterministic CBOR: what both parties accept.
    /// - Throws: `cbor.*`.
    package func digest(with hash: HashFunction) throws(CodecError) -> Digest {
        hash(try CBOR.encode(self))
    }
}
