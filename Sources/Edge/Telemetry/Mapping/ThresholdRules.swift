import Billing

/// A state that follows from measured values, for machines that report none.
///
/// The rules are read in order and the first that holds gives the state. A rule in force holds on until its
/// bound is missed by more than its hysteresis. A new outcome is taken once it has been the outcome for the
/// hold time; it is never dated back. The first row counts at once.
package struct ThresholdRules: Sendable {
    struct Rule: Sendable {
        /// The place of the measure in the mapping's list.
        let measure: Int
        /// The rule holds for values greater than this,
        let above: Quantity?
        /// and less than this.
        let below: Quantity?
        let hysteresis: Int64
        let holdMilliseconds: Int64
        let state: MachineState
        /// The fault that begins when the rule comes into force.
        let fault: String?

        func holds(_ value: Quantity, inForce: Bool) -> Bool {
            let slack = inForce ? hysteresis : 0
            // The slack moves the bound, which a mapping may have put at the very end of the range.
            if let above, value.millionths <= above.millionths.subtractingClamped(slack) { return false }
            if let below, value.millionths >= below.millionths.addingClamped(slack) { return false }
            return true
        }
    }

    let rules: [Rule]
    let otherwise: MachineState
    let otherwiseHoldMilliseconds: Int64

    init(_ object: inout MappingObject, measures: [MeasureMapping]) throws(TelemetryError) {
        let hold = try object.optionalInteger("holdSeconds", in: 0...604_800) ?? 0
        var rules: [Rule] = []
        for var rule in try object.objects("thresholds") {
            let name = try rule.text("when")
            guard let measure = measures.firstIndex(where: { $0.name == name }) else {
                throw rule.invalid("when", "is \"\(name)\", which is no measure of this mapping")
            }
            let (above, below) = (try rule.optionalQuantity("above"), try rule.optionalQuantity("below"))
            guard above != nil || below != nil else { throw rule.invalid("when", "needs above or below") }
            let hysteresis = try rule.optionalQuantity("hysteresis")?.millionths ?? 0
            guard hysteresis >= 0 else { throw rule.invalid("hysteresis", "must not be negative") }
            let ownHold = try rule.optionalInteger("holdSeconds", in: 0...604_800)
            rules.append(
                Rule(
                    measure: measure, above: above, below: below, hysteresis: hysteresis,
                    holdMilliseconds: (ownHold ?? hold) * 1000,
                    state: try rule.choice("state", MachineState.allCases),
                    fault: try rule.optionalText("fault")))
            try rule.finish()
        }
        self.rules = rules
        otherwise = try object.choice("else", MachineState.allCases)
        otherwiseHoldMilliseconds = hold * 1000
    }
}

/// Applies threshold rules to row after row.
struct ThresholdJudge {
    private let rules: ThresholdRules
    /// The outcome in force: a rule's place, or the number of rules for `else`.
    private var current: Int?
    private var candidate: Int?
    private var candidateSince: Int64 = 0

    init(_ rules: ThresholdRules) { self.rules = rules }

    /// The state at `time`, and the fault that begins with it. Unknown where a value that decides is absent.
    mutating func judge(_ values: [Quantity?], at time: Int64) -> (state: MachineState, fault: String?) {
        guard let outcome = outcome(values) else {
            candidate = nil
            return (.unknown, nil)
        }
        guard outcome != current else {
            candidate = nil
            return (state(outcome), nil)
        }
        if candidate != outcome || time < candidateSince { (candidate, candidateSince) = (outcome, time) }
        if let current, time - candidateSince < hold(outcome) { return (state(current), nil) }
        (current, candidate) = (outcome, nil)
        return (state(outcome), outcome < rules.rules.count ? rules.rules[outcome].fault : nil)
    }

    private func outcome(_ values: [Quantity?]) -> Int? {
        for (index, rule) in rules.rules.enumerated() {
            guard let value = values[rule.measure] else { return nil }
            if rule.holds(value, inForce: index == current) { return index }
        }
        return rules.rules.count
    }

    private func state(_ outcome: Int) -> MachineState {
        outcome < rules.rules.count ? rules.rules[outcome].state : rules.otherwise
    }

    private func hold(_ outcome: Int) -> Int64 {
        outcome < rules.rules.count
            ? rules.rules[outcome].holdMilliseconds : rules.otherwiseHoldMilliseconds
    }
}

extension Int64 {
    fileprivate func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    fileprivate func subtractingClamped(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? .min : difference
    }
}
