/// Overall equipment effectiveness and its factors (ISO 22400-2); nil where a denominator is zero.
package struct OEE: Hashable, Codable, Sendable {
    /// What was made of one product.
    package struct Product: Hashable, Sendable {
        /// Planned run time per unit (PRU); nil where nobody has planned one.
        package var plannedRunTimePerUnitMilliseconds: Int64?
        /// Produced quantity (PQ).
        package var produced: Int64
        /// Good quantity (GQ).
        package var good: Int64

        package init(plannedRunTimePerUnitMilliseconds: Int64?, produced: Int64, good: Int64) {
            self.plannedRunTimePerUnitMilliseconds = plannedRunTimePerUnitMilliseconds
            (self.produced, self.good) = (produced, good)
        }
    }

    /// Planned busy time (PBT): operation time less planned downtime.
    package var plannedBusyTimeMilliseconds: Int64
    /// Actual production time (APT): value-adding only.
    package var actualProductionTimeMilliseconds: Int64
    /// APT / PBT.
    package var availability: Rate?
    /// Σ PRU·PQ / APT; may exceed the whole.
    package var effectiveness: Rate?
    /// Σ GQ / Σ PQ.
    package var quality: Rate?
    /// Σ PRU·GQ / PBT, rounded once: never a product of rounded factors.
    package var oee: Rate?
    /// Mean time between failures: time up / failures.
    package var meanTimeBetweenFailuresMilliseconds: Int64?
    /// Mean time to repair: time out of service / failures.
    package var meanTimeToRepairMilliseconds: Int64?

    /// Computes the factors. An empty list of products gives no effectiveness, quality and OEE; a product
    /// without a planned run time no effectiveness and OEE.
    /// - Throws: `billing.overflow`.
    package init(
        plannedBusyTimeMilliseconds busy: Int64, actualProductionTimeMilliseconds production: Int64,
        products: [Product], failures: Failures = Failures()
    ) throws(BillingError) {
        (plannedBusyTimeMilliseconds, actualProductionTimeMilliseconds) = (busy, production)
        var (planned, plannedGood, produced, good): (Int64, Int64, Int64, Int64) = (0, 0, 0, 0)
        for product in products {
            let unit = product.plannedRunTimePerUnitMilliseconds ?? 0
            planned = try Rounding.add(planned, Rounding.multiply(unit, product.produced))
            plannedGood = try Rounding.add(plannedGood, Rounding.multiply(unit, product.good))
            produced = try Rounding.add(produced, product.produced)
            good = try Rounding.add(good, product.good)
        }
        availability = try Rate.of(production, busy)
        let isPlanned =
            !products.isEmpty && products.allSatisfy { $0.plannedRunTimePerUnitMilliseconds != nil }
        effectiveness = !isPlanned ? nil : try Rate.of(planned, production)
        quality = try Rate.of(good, produced)
        oee = !isPlanned ? nil : try Rate.of(plannedGood, busy)
        meanTimeBetweenFailuresMilliseconds = try failures.meanTimeBetween
        meanTimeToRepairMilliseconds = try failures.meanTimeToRepair
    }
}

/// How often the machine failed, and how long it ran and was repaired in all.
package struct Failures: Hashable, Sendable {
    package var count: Int64
    package var timeBetweenMilliseconds: Int64
    package var timeToRepairMilliseconds: Int64

    package init(count: Int64 = 0, timeBetweenMilliseconds: Int64 = 0, timeToRepairMilliseconds: Int64 = 0) {
        (self.count, self.timeBetweenMilliseconds) = (count, timeBetweenMilliseconds)
        self.timeToRepairMilliseconds = timeToRepairMilliseconds
    }

    /// MTBF; nil where nothing failed.
    package var meanTimeBetween: Int64? {
        get throws(BillingError) { try mean(timeBetweenMilliseconds) }
    }

    /// MTTR; nil where nothing failed.
    package var meanTimeToRepair: Int64? {
        get throws(BillingError) { try mean(timeToRepairMilliseconds) }
    }

    private func mean(_ total: Int64) throws(BillingError) -> Int64? {
        count == 0 ? nil : try Rounding.divide(Int128(total), by: Int128(count))
    }
}
