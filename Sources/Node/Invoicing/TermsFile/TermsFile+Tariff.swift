import Billing

extension TermsFile {
    static func tariff(_ field: TermsField, _ currency: CurrencyCode) throws(NodeError) -> Tariff {
        let object = try field.object(["lines", "vat", "cap"])
        var lines: [TariffLine] = []
        for item in try object.required("lines").list() { lines.append(try line(item)) }
        let cap = try optional(object, "cap") { field throws(NodeError) in
            MinorUnits(try field.decimal(digits: currency.minorDigits, "an amount"))
        }
        return Tariff(lines: lines, cap: cap, vat: try vat(try object.required("vat")))
    }

    private static func vat(_ field: TermsField) throws(NodeError) -> VAT {
        let object = try field.object(["category", "rate", "exemptionReason"])
        return VAT(
            try object.required("category").choice(VATCategory.self),
            rate: try optional(object, "rate", rate) ?? .zero,
            exemptionReason: try optional(object, "exemptionReason") { field throws(NodeError) in
                try field.text()
            })
    }

    private static func rate(_ field: TermsField) throws(NodeError) -> Rate {
        Rate(ppm: try field.decimal(digits: 4, "a percentage"))
    }

    private static func price(_ field: TermsField) throws(NodeError) -> UnitPrice {
        UnitPrice(millionths: try field.decimal(digits: 6, "a price"))
    }

    private static func quantity(_ field: TermsField) throws(NodeError) -> Quantity {
        Quantity(millionths: try field.decimal(digits: 6, "a quantity"))
    }

    private static func line(_ field: TermsField) throws(NodeError) -> TariffLine {
        let object = try field.object([
            "id", "name", "baseFee", "perUnit", "perHour", "price", "tiers", "minimum", "vat",
        ])
        let basis: TariffLine.Basis
        var prices: Prices?
        switch (object.optional("baseFee"), object.optional("perUnit"), object.optional("perHour")) {
        case (let fee?, nil, nil):
            basis = .baseFee
            prices = .flat(try price(fee))
        case (nil, let counter?, nil): basis = .perUnit(counter: try counter.text())
        case (nil, nil, let hours?):
            var states: [MachineState] = []
            for item in try hours.list() { states.append(try item.choice(MachineState.self)) }
            basis = .perHour(states: states)
        default: throw field.bad("a line with one of baseFee, perUnit and perHour")
        }
        switch (prices, object.optional("price"), object.optional("tiers")) {
        case (.some, nil, nil): break
        case (nil, let single?, nil): prices = .flat(try price(single))
        case (nil, nil, let several?): prices = try tiers(several)
        default: throw field.bad("a line with a baseFee alone, or else with one of price and tiers")
        }
        return TariffLine(
            id: try object.required("id").text(), name: try object.required("name").text(), basis: basis,
            prices: prices ?? Prices(.graduated, tiers: []),
            minimum: try optional(object, "minimum") { field throws(NodeError) in
                TariffLine.MinimumCommitment(quantity: try quantity(field))
            }, vat: try optional(object, "vat", vat))
    }

    private static func tiers(_ field: TermsField) throws(NodeError) -> Prices {
        let object = try field.object(["mode", "prices"])
        let modeField = try object.required("mode")
        guard let mode = Prices.Mode(rawValue: try modeField.text()) else {
            throw modeField.bad("graduated or volume")
        }
        var tiers: [Prices.Tier] = []
        for item in try object.required("prices").list() {
            let tier = try item.object(["from", "price"])
            tiers.append(
                Prices.Tier(
                    fromQuantity: try quantity(try tier.required("from")),
                    price: try price(try tier.required("price"))))
        }
        return Prices(mode, tiers: tiers)
    }

    // MARK: Service level

    static let weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

    static func serviceLevel(_ field: TermsField) throws(NodeError) -> ServiceLevel {
        let object = try field.object([
            "serviceTime", "excluded", "table", "proportional", "maximumAdjustment",
        ])
        let consequence: ServiceLevel.Consequence
        switch (object.optional("table"), object.optional("proportional")) {
        case (let table?, nil):
            var steps: [ServiceLevel.Step] = []
            for item in try table.list() {
                let step = try item.object(["from", "adjustment"])
                steps.append(
                    .init(
                        from: try rate(try step.required("from")),
                        adjustment: try rate(try step.required("adjustment"))))
            }
            consequence = .table(steps: steps)
        case (nil, let proportional?):
            let object = try proportional.object(["target", "floor", "slope"])
            consequence = .proportional(
                target: try rate(try object.required("target")),
                floor: try rate(try object.required("floor")),
                slope: try object.required("slope").integer(1...1000))
        default: throw field.bad("a service level with one of table and proportional")
        }
        let excluded = try optional(object, "excluded") { field throws(NodeError) in
            var causes: [Attribution] = []
            for item in try field.list() { causes.append(try item.choice(Attribution.self)) }
            return causes
        }
        return ServiceLevel(
            serviceTime: try optional(object, "serviceTime", serviceTime) ?? .always,
            excluded: excluded ?? [.plannedMaintenance, .forceMajeure], consequence: consequence,
            maximumAdjustment: try optional(object, "maximumAdjustment", rate))
    }

    private static func serviceTime(_ field: TermsField) throws(NodeError) -> ServiceLevel.ServiceTime {
        if case .text("always") = field.value { return .always }
        var hours: [ServiceLevel.Hours] = []
        for item in try field.list() {
            let object = try item.object(["days", "from", "to"])
            let from = try minutes(try object.required("from"))
            let to = try minutes(try object.required("to"))
            for day in try object.required("days").list() {
                let name = try day.text()
                guard let index = weekdays.firstIndex(of: name) else {
                    throw day.bad("one of \(weekdays.joined(separator: ", "))")
                }
                hours.append(.init(weekday: index + 1, fromMinutes: from, toMinutes: to))
            }
        }
        return .weekly(hours: hours)
    }

    /// "06:00" to "24:00" as minutes of the day.
    private static func minutes(_ field: TermsField) throws(NodeError) -> Int {
        let text = Array(try field.text().utf8)
        guard text.count == 5, text[2] == 0x3a,
            let hours = TermsField.decimal(String(decoding: text[..<2], as: UTF8.self), digits: 0),
            let minutes = TermsField.decimal(String(decoding: text[3...], as: UTF8.self), digits: 0),
            hours >= 0, 0...59 ~= minutes, hours * 60 + minutes <= 1440
        else { throw field.bad("a time of day from 00:00 to 24:00") }
        return Int(hours * 60 + minutes)
    }
}
