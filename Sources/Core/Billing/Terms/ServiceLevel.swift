/// The availability that is promised and what a miss costs.
package struct ServiceLevel: Hashable, Codable, Sendable {
    /// When the machine has to be available.
    package enum ServiceTime: Hashable, Codable, Sendable {
        case always
        /// The listed hours, except on the terms' holidays.
        case weekly(hours: [Hours])
    }

    /// Local hours of one weekday, half-open.
    package struct Hours: Hashable, Codable, Sendable {
        /// Monday is 1, Sunday is 7 (ISO 8601).
        package var weekday: Int
        /// Minutes since local midnight, 0 to 1440.
        package var fromMinutes: Int
        package var toMinutes: Int

        package init(weekday: Int, fromMinutes: Int, toMinutes: Int) {
            (self.weekday, self.fromMinutes, self.toMinutes) = (weekday, fromMinutes, toMinutes)
        }
    }

    /// From this availability on, up to the next step, the price changes by the adjustment.
    package struct Step: Hashable, Codable, Sendable {
        package var from: Rate
        package var adjustment: Rate

        package init(from: Rate, adjustment: Rate) { (self.from, self.adjustment) = (from, adjustment) }
    }

    /// How availability changes the price.
    package enum Consequence: Hashable, Codable, Sendable {
        /// By rising availability; the first from zero.
        case table(steps: [Step])
        /// For `floor ≤ A < target` the price is multiplied by `100 % − slope · (target − A)`; below
        /// the floor nothing is due; from the target on nothing changes.
        case proportional(target: Rate, floor: Rate, slope: Int64)
    }

    package var serviceTime: ServiceTime
    /// Attributions whose time does not count as service time.
    package var excluded: [Attribution]
    package var consequence: Consequence
    /// The most that the price may change either way; nil for no limit.
    package var maximumAdjustment: Rate?

    package init(
        serviceTime: ServiceTime = .always,
        excluded: [Attribution] = [.plannedMaintenance, .forceMajeure], consequence: Consequence,
        maximumAdjustment: Rate? = nil
    ) {
        (self.serviceTime, self.excluded) = (serviceTime, excluded)
        (self.consequence, self.maximumAdjustment) = (consequence, maximumAdjustment)
    }
}
