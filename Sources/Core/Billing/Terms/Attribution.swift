/// Who or what an interval without production is put down to; the parties say it, never the machine.
package enum Attribution: String, Hashable, Codable, Sendable, CaseIterable {
    case oem = "OEM"
    case maintainer = "MAINTAINER"
    case customerOperation = "CUSTOMER_OPERATION"
    case customerSite = "CUSTOMER_SITE"
    case material = "MATERIAL"
    case plannedMaintenance = "PLANNED_MAINTENANCE"
    case forceMajeure = "FORCE_MAJEURE"
    case dataGap = "DATA_GAP"
    case undetermined = "UNDETERMINED"
}

/// An interval that both parties have put down to the same cause, half-open.
package struct AttributedInterval: Hashable, Codable, Sendable {
    package var interval: Interval
    package var attribution: Attribution

    package init(_ interval: Interval, _ attribution: Attribution) {
        (self.interval, self.attribution) = (interval, attribution)
    }
}
