extension Invoice {
    /// How this invoice differs from another, field by field and in words; empty where they are the
    /// same.
    ///
    /// Each sentence names the field, then this invoice's value, then the other's.
    package func difference(from other: Invoice) -> [String] {
        var found = Differences()
        found.compare("number", number, other.number)
        found.compare("kind", "\(kind)", "\(other.kind)")
        found.compare("issue date", issueDate.description, other.issueDate.description)
        found.compare("due date", dueDate.description, other.dueDate.description)
        found.compare("period", span, other.span)
        found.compare("currency", currency.rawValue, other.currency.rawValue)
        found.compare("machine", machine, other.machine)
        found.compare("payment reference", paymentReference ?? "none", other.paymentReference ?? "none")
        found.compare("original", original?.number ?? "none", other.original?.number ?? "none")
        found.compare("reason", reason ?? "none", other.reason ?? "none")
        found.compare("seller", Invoice.text(of: seller), Invoice.text(of: other.seller))
        found.compare("buyer", Invoice.text(of: buyer), Invoice.text(of: other.buyer))
        found.compare("line", lines.map { text(of: $0) }, other.lines.map { other.text(of: $0) })
        found.compare(
            "adjustment", adjustments.map { text(of: $0) },
            other.adjustments.map { other.text(of: $0) })
        found.compare("VAT", vat.map { text(of: $0) }, other.vat.map { other.text(of: $0) })
        compareTotals(other, &found)
        comparePerformance(other.performance, &found)
        found.compare(
            "data quality note", dataQuality.map { Invoice.text(of: $0) },
            other.dataQuality.map { Invoice.text(of: $0) })
        compareEvidence(other.evidence, &found)
        if found.list.isEmpty, self != other { found.list.append("the documents differ in encoding only") }
        return found.list
    }

    private struct Differences {
        var list: [String] = []

        mutating func compare(_ field: String, _ ours: String, _ theirs: String) {
            // Texts compare as UTF-8 bytes, never by canonical equivalence.
            if !ours.utf8.elementsEqual(theirs.utf8) { list.append("\(field): \(ours), not \(theirs)") }
        }

        mutating func compare(_ field: String, _ ours: [String], _ theirs: [String]) {
            for index in 0..<max(ours.count, theirs.count) {
                let name = "\(field) \(index + 1)"
                switch (index < ours.count, index < theirs.count) {
                case (true, true): compare(name, ours[index], theirs[index])
                case (true, false): list.append("\(name): \(ours[index]), which the other has not")
                default: list.append("\(name): missing, the other has \(theirs[index])")
                }
            }
        }
    }

    private var span: String { "\(periodStart) to \(periodEnd) [\(period.from), \(period.to))" }

    private static func text(of party: Party) -> String {
        "\(party.registrationName) (\(party.id)), \(party.addressLine), \(party.postalCode) \(party.city), "
            + "\(party.countryCode), VAT id \(party.vatID ?? "none")"
    }

    private func text(of vat: VAT) -> String {
        let reason = vat.exemptionReason.map { " (\($0))" } ?? ""
        return "VAT \(vat.category.rawValue) \(vat.rate.percentText) %\(reason)"
    }

    private func text(of line: Line) -> String {
        let base = line.baseQuantity == .one ? "" : " per \(line.baseQuantity.text)"
        let price = line.unitPrice.text(in: currency) + base
        return "\(line.id) \(line.name), \(line.quantity.text) \(line.unit.rawValue) at \(price) = "
            + "\(line.amount.text(in: currency)), \(text(of: line.vat))"
    }

    private func text(of adjustment: Adjustment) -> String {
        let share =
            if let rate = adjustment.rate, let base = adjustment.base {
                " (\(rate.percentText) % of \(base.text(in: currency)))"
            } else {
                ""
            }
        return "\(adjustment.kind.rawValue) \(adjustment.reason)\(share) = "
            + "\(adjustment.amount.text(in: currency)), \(text(of: adjustment.vat))"
    }

    private func text(of subtotal: VATSubtotal) -> String {
        let taxable = subtotal.taxable.text(in: currency)
        return "\(text(of: subtotal.vat)) of \(taxable) = \(subtotal.tax.text(in: currency))"
    }

    private static func text(of note: DataQualityNote) -> String {
        let examples = note.examples.map { "entry \($0.sequence) at \($0.time) by \($0.amount)" }
        return "\(note.kind.rawValue) \(note.count) times: \(examples.joined(separator: "; "))"
    }

    private func compareTotals(_ other: Invoice, _ found: inout Differences) {
        let fields: [(String, KeyPath<Totals, MinorUnits>)] = [
            ("sum of lines", \.lines), ("allowances", \.allowances), ("charges", \.charges),
            ("total without VAT", \.exclusive), ("VAT total", \.tax), ("total with VAT", \.inclusive),
            ("rounding", \.rounding), ("payable", \.payable),
        ]
        for (name, path) in fields {
            found.compare(
                name, totals[keyPath: path].text(in: currency),
                other.totals[keyPath: path].text(in: other.currency))
        }
    }

    private func comparePerformance(_ other: Performance, _ found: inout Differences) {
        func percent(_ rate: Rate?) -> String { rate.map { "\($0.percentText) %" } ?? "no value" }
        func time(_ milliseconds: Int64?) -> String { milliseconds.map { "\($0) ms" } ?? "no value" }
        let (ours, theirs) = (performance.effectiveness, other.effectiveness)
        found.compare(
            "service time", time(performance.serviceTimeMilliseconds), time(other.serviceTimeMilliseconds))
        found.compare("downtime", time(performance.downtimeMilliseconds), time(other.downtimeMilliseconds))
        found.compare("availability", percent(performance.availability), percent(other.availability))
        found.compare(
            "planned busy time", time(ours.plannedBusyTimeMilliseconds),
            time(theirs.plannedBusyTimeMilliseconds))
        found.compare(
            "production time", time(ours.actualProductionTimeMilliseconds),
            time(theirs.actualProductionTimeMilliseconds))
        found.compare("OEE availability", percent(ours.availability), percent(theirs.availability))
        found.compare("effectiveness", percent(ours.effectiveness), percent(theirs.effectiveness))
        found.compare("quality", percent(ours.quality), percent(theirs.quality))
        found.compare("OEE", percent(ours.oee), percent(theirs.oee))
        found.compare(
            "MTBF", time(ours.meanTimeBetweenFailuresMilliseconds),
            time(theirs.meanTimeBetweenFailuresMilliseconds))
        found.compare(
            "MTTR", time(ours.meanTimeToRepairMilliseconds), time(theirs.meanTimeToRepairMilliseconds))
    }

    private func compareEvidence(_ other: Evidence, _ found: inout Differences) {
        let (ours, theirs) = (evidence, other)
        found.compare(
            "telemetry range", "\(ours.firstSequence) to \(ours.lastSequence)",
            "\(theirs.firstSequence) to \(theirs.lastSequence)")
        found.compare(
            "telemetry root", ours.telemetryRoot.description, theirs.telemetryRoot.description)
        found.compare("terms hash", ours.termsHash.description, theirs.termsHash.description)
        found.compare(
            "attribution hash", ours.attributionHash.description, theirs.attributionHash.description)
        found.compare("rules version", "\(ours.rulesVersion)", "\(theirs.rulesVersion)")
    }
}
