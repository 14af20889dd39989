/// From usage to invoice lines: usage, tiers, minimum shortfall.
struct LineComputation {
    let terms: Terms
    let usage: Usage
    /// Local days that were billed, of those that the period has.
    let days: (touched: Int64, all: Int64)
    /// The billing interval's, by which tiers are prorated.
    let share: PeriodShare
    private(set) var lines: [Invoice.Line] = []

    init(terms: Terms, usage: Usage, days: (touched: Int64, all: Int64), share: PeriodShare) {
        (self.terms, self.usage, self.days, self.share) = (terms, usage, days, share)
    }

    /// Adds the lines of the whole tariff, in its order.
    /// - Throws: `billing.overflow`, naming the line.
    mutating func run() throws(BillingError) {
        for line in terms.tariff.lines {
            do { try add(line) } catch {
                throw BillingError(
                    error.code, "tariff line «\(line.id)» comes to more than 64 bits hold", line: line.id)
            }
        }
    }

    private mutating func add(_ line: TariffLine) throws(BillingError) {
        switch line.basis {
        case .baseFee: try addBaseFee(line)
        case .perUnit(let counter):
            try add(line, used: try Quantity(whole: usage.rise(of: counter)), unit: .piece)
        case .perHour(let states):
            let time = try usage.milliseconds(in: states)
            try add(line, used: try Quantity(hoursOfMilliseconds: time), unit: .hour)
        }
    }

    /// A whole period is one of its unit; a part of it is days, at the price of all its days.
    private mutating func addBaseFee(_ line: TariffLine) throws(BillingError) {
        let unit: Invoice.UnitCode =
            switch terms.billingPeriod {
            case .calendarMonth: .month
            case .calendarWeek: .week
            case .day: .day
            case .custom: .one
            }
        let price = line.prices.tiers[0].price
        if days.touched == days.all {
            try append(line, line.name, .one, unit, price)
        } else {
            let name = "\(line.name), \(days.touched) of \(days.all) days"
            let (touched, all) = (try Quantity(whole: days.touched), try Quantity(whole: days.all))
            try append(line, name, touched, .day, price, per: all)
        }
    }

    /// The quantity that was used, then what is missing to the minimum, each at the prices of its tiers.
    ///
    /// A minimum is prorated by days, as a base fee is. Under volume prices the tier is that of the
    /// quantity that is paid for, shortfall and all, so that using less never costs more than using the
    /// minimum. [choice]
    private mutating func add(
        _ line: TariffLine, used: Quantity, unit: Invoice.UnitCode
    ) throws(BillingError) {
        var paid = used
        if let minimum = line.minimum {
            let share = try Rounding.scale(minimum.quantity.millionths, by: days.touched, over: days.all)
            paid = max(used, Quantity(millionths: share))
        }
        try add(line, line.name, from: .zero, to: used, paid: paid, unit)
        if paid > used {
            try add(line, "\(line.name), shortfall to minimum", from: used, to: paid, paid: paid, unit)
        }
    }

    private mutating func add(
        _ line: TariffLine, _ name: String, from: Quantity, to: Quantity, paid: Quantity,
        _ unit: Invoice.UnitCode
    ) throws(BillingError) {
        var tiers = line.prices.tiers
        for index in tiers.indices {
            let bound = try share.of(tiers[index].fromQuantity.millionths)
            tiers[index].fromQuantity = Quantity(millionths: bound)
        }
        if line.prices.mode == .volume {
            let tier = tiers.last { $0.fromQuantity <= paid } ?? tiers[0]
            return try append(line, name, try to.subtracting(from), unit, tier.price)
        }
        var isWritten = false
        for (index, tier) in tiers.enumerated() {
            let upper = index + 1 < tiers.count ? min(to, tiers[index + 1].fromQuantity) : to
            let lower = max(from, tier.fromQuantity)
            guard lower < upper else { continue }
            let label =
                tiers.count == 1 ? name : "\(name), from \(tier.fromQuantity.text)\(share.remark)"
            try append(line, label, try upper.subtracting(lower), unit, tier.price)
            isWritten = true
        }
        // A line without use is shown all the same: its reader looks for it.
        if !isWritten { try append(line, name, .zero, unit, tiers[0].price) }
    }

    private mutating func append(
        _ line: TariffLine, _ name: String, _ quantity: Quantity, _ unit: Invoice.UnitCode,
        _ price: UnitPrice, per base: Quantity = .one
    ) throws(BillingError) {
        let amount = try price.amount(for: quantity, per: base, in: terms.currency)
        lines.append(
            Invoice.Line(
                id: String(lines.count + 1), name: name, quantity: quantity, unit: unit, unitPrice: price,
                baseQuantity: base, amount: amount, vat: line.vat ?? terms.tariff.vat))
    }
}
