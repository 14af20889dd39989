import Billing
import Testing

@Suite struct OEETests {
    /// domain.md: an 8 h shift less 30 min of planned downtime.
    @Test func computesTheWorkedExampleToTheLastUnit() throws {
        let oee = try OEE(
            plannedBusyTimeMilliseconds: 27_000_000, actualProductionTimeMilliseconds: 21_600_000,
            products: [.init(plannedRunTimePerUnitMilliseconds: 30_000, produced: 648, good: 635)])
        #expect(oee.availability?.ppm == 800_000)
        #expect(oee.effectiveness?.ppm == 900_000)
        #expect(oee.quality?.ppm == 979_938)
        #expect(oee.oee?.ppm == 705_556)
    }

    @Test func zeroDenominatorsHaveNoValue() throws {
        let idle = try OEE(
            plannedBusyTimeMilliseconds: 0, actualProductionTimeMilliseconds: 0,
            products: [.init(plannedRunTimePerUnitMilliseconds: 30_000, produced: 0, good: 0)])
        #expect(idle.availability == nil)
        #expect(idle.effectiveness == nil)
        #expect(idle.quality == nil)
        #expect(idle.oee == nil)
        #expect(idle.meanTimeBetweenFailuresMilliseconds == nil)
        #expect(idle.meanTimeToRepairMilliseconds == nil)
    }

    @Test func withoutPlannedRunTimesOnlyAvailabilityHasAValue() throws {
        let oee = try OEE(
            plannedBusyTimeMilliseconds: 1000, actualProductionTimeMilliseconds: 250, products: [])
        #expect(oee.availability?.ppm == 250_000)
        #expect(oee.effectiveness == nil && oee.quality == nil && oee.oee == nil)
    }

    @Test func qualityNeedsNoPlannedRunTime() throws {
        let oee = try OEE(
            plannedBusyTimeMilliseconds: 1000, actualProductionTimeMilliseconds: 250,
            products: [.init(plannedRunTimePerUnitMilliseconds: nil, produced: 4, good: 3)])
        #expect(oee.quality?.ppm == 750_000)
        #expect(oee.effectiveness == nil && oee.oee == nil)
    }

    @Test func effectivenessMayExceedTheWhole() throws {
        let oee = try OEE(
            plannedBusyTimeMilliseconds: 1000, actualProductionTimeMilliseconds: 1000,
            products: [.init(plannedRunTimePerUnitMilliseconds: 100, produced: 12, good: 12)])
        #expect(oee.effectiveness?.ppm == 1_200_000)
    }

    @Test func severalProductsAddUpBeforeTheOneRounding() throws {
        let oee = try OEE(
            plannedBusyTimeMilliseconds: 3000, actualProductionTimeMilliseconds: 3000,
            products: [
                .init(plannedRunTimePerUnitMilliseconds: 7, produced: 10, good: 9),
                .init(plannedRunTimePerUnitMilliseconds: 11, produced: 20, good: 20),
            ])
        #expect(oee.effectiveness?.ppm == 96_667)
        #expect(oee.quality?.ppm == 966_667)
        #expect(oee.oee?.ppm == 94_333)
    }

    @Test func failuresHaveMeans() throws {
        let failures = Failures(count: 3, timeBetweenMilliseconds: 100, timeToRepairMilliseconds: 50)
        #expect(try failures.meanTimeBetween == 33)
        #expect(try failures.meanTimeToRepair == 17)
    }

    @Test func overflowIsAnError() {
        let product = OEE.Product(plannedRunTimePerUnitMilliseconds: .max, produced: 2, good: 1)
        #expect(
            BillingError.code {
                _ = try OEE(
                    plannedBusyTimeMilliseconds: 1, actualProductionTimeMilliseconds: 1, products: [product])
            } == .overflow)
    }
}
