extension Invoice.Performance {
    /// Computes availability and OEE from what was measured and attributed.
    ///
    /// Service-level availability is (AST − D) / AST. AST is the agreed service time less what the
    /// terms exclude and less time that is still neither up nor down; D is the time within it put down
    /// to the OEM.
    ///
    /// For OEE, operation time is the measured time less UNKNOWN; planned downtime is what is put down
    /// to planned maintenance; actual production time is Executing outside setup and maintenance.
    /// [choice]
    /// - Throws: `billing.overflow`, `billing.time_out_of_range`.
    package init(terms: Terms, usage: Usage, attributions: AttributionSet) throws(BillingError) {
        let resolved = attributions.resolve(
            usage.stoppages, downtime: terms.defaultAttribution, gap: terms.defaultGapAttribution)
        let level = terms.serviceLevel
        let agreed = try terms.serviceTime(level?.serviceTime ?? .always, within: usage.measured)
        let excludedCauses = level?.excluded ?? []
        let excluded = IntervalSet.normalized(
            resolved.filter { $0.isOpen || excludedCauses.contains($0.attribution) }.map(\.interval))
        let service = IntervalSet.subtracting(excluded, from: agreed)
        let down = IntervalSet.normalized(resolved.filter { $0.attribution == .oem }.map(\.interval))
        let serviceTime = try IntervalSet.milliseconds(service)
        let downtime = try IntervalSet.milliseconds(IntervalSet.intersection(service, down))
        self.init(
            serviceTimeMilliseconds: serviceTime, downtimeMilliseconds: downtime,
            availability: try Rate.of(Rounding.subtract(serviceTime, downtime), serviceTime),
            effectiveness: try Self.effectiveness(terms, usage, resolved))
    }

    private static func effectiveness(
        _ terms: Terms, _ usage: Usage, _ resolved: [AttributionSet.Resolved]
    ) throws(BillingError) -> OEE {
        let known: [MachineState] = [.notAvailable, .outOfService, .notExecuting, .executing]
        let operation = try usage.milliseconds(in: known)
        let planned = resolved.filter { $0.attribution == .plannedMaintenance && $0.state != .unknown }
        let plannedTime = try IntervalSet.milliseconds(planned.map(\.interval))
        let production = try usage.milliseconds(in: [.executing], modes: [.none, .processing])
        let up = try usage.milliseconds(in: [.executing, .notExecuting])
        let repair = try usage.milliseconds(in: [.outOfService])
        var products: [OEE.Product] = []
        if let unit = terms.plannedRunTimePerUnitMilliseconds {
            products.append(
                OEE.Product(
                    plannedRunTimePerUnitMilliseconds: unit, produced: usage.rise(of: "produced"),
                    good: usage.rise(of: "good")))
        }
        return try OEE(
            plannedBusyTimeMilliseconds: try Rounding.subtract(operation, plannedTime),
            actualProductionTimeMilliseconds: production,
            products: products,
            failures: Failures(
                count: usage.failures, timeBetweenMilliseconds: up, timeToRepairMilliseconds: repair))
    }
}

extension ServiceLevel {
    /// How much the price changes at an availability, within the limit either way.
    /// - Parameter availability: rounded to ppm; the steps compare with the figure that the invoice
    ///   shows. [choice]
    /// - Throws: `billing.overflow`.
    package func adjustment(at availability: Rate) throws(BillingError) -> Rate {
        let ppm: Int64
        switch consequence {
        case .table(let steps):
            ppm = steps.last { $0.from <= availability }?.adjustment.ppm ?? 0
        case .proportional(let target, let floor, let slope):
            if availability >= target {
                ppm = 0
            } else if availability < floor {
                ppm = -1_000_000
            } else {
                // A price cannot fall below zero, however steep the slope.
                let miss = try Rounding.subtract(target.ppm, availability.ppm)
                ppm = max(-1_000_000, try Rounding.subtract(0, Rounding.multiply(slope, miss)))
            }
        }
        guard let limit = maximumAdjustment else { return Rate(ppm: ppm) }
        return Rate(ppm: min(max(ppm, try Rounding.subtract(0, limit.ppm)), limit.ppm))
    }
}
