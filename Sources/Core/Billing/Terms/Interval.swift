/// A half-open range of time `[from, to)` in milliseconds since 1970 UTC.
package struct Interval: Hashable, Codable, Sendable {
    package var from: Int64
    package var to: Int64

    package init(from: Int64, to: Int64) { (self.from, self.to) = (from, to) }

    /// The last millisecond that this module computes with: the end of the year 9999.
    package static let latest: Int64 = (CivilDate.lastDay + 1) * 86_400_000

    /// Whether both ends are within 1970 to 9999 and the range is not empty.
    package var isValid: Bool { 0 <= from && from < to && to <= Interval.latest }

    /// Zero for a range that ends before it begins. Valid intervals cannot overflow.
    package var milliseconds: Int64 {
        let (length, overflow) = to.subtractingReportingOverflow(from)
        return overflow ? (to < from ? 0 : Int64.max) : max(0, length)
    }

    package func contains(_ time: Int64) -> Bool { from <= time && time < to }

    /// What both have in common; nil where they only touch or lie apart.
    package func intersection(_ other: Interval) -> Interval? {
        let common = Interval(from: max(from, other.from), to: min(to, other.to))
        return common.from < common.to ? common : nil
    }
}

/// Sorted lists of disjoint intervals, as sets of time.
enum IntervalSet {
    /// The same time as a sorted list in which nothing overlaps or touches.
    static func normalized(_ intervals: [Interval]) -> [Interval] {
        var result: [Interval] = []
        for interval in intervals.sorted(by: { ($0.from, $0.to) < ($1.from, $1.to) })
        where interval.from < interval.to {
            if let last = result.last, interval.from <= last.to {
                result[result.count - 1].to = max(last.to, interval.to)
            } else {
                result.append(interval)
            }
        }
        return result
    }

    /// Time that is in both normalized lists.
    static func intersection(_ left: [Interval], _ right: [Interval]) -> [Interval] {
        var result: [Interval] = []
        var (i, j) = (0, 0)
        while i < left.count, j < right.count {
            if let common = left[i].intersection(right[j]) { result.append(common) }
            if left[i].to < right[j].to { i += 1 } else { j += 1 }
        }
        return result
    }

    /// Time of the first normalized list that is not in the second.
    static func subtracting(_ right: [Interval], from left: [Interval]) -> [Interval] {
        var result: [Interval] = []
        var j = 0
        for interval in left {
            var from = interval.from
            while j < right.count, right[j].to <= from { j += 1 }
            var k = j
            while k < right.count, right[k].from < interval.to {
                if from < right[k].from { result.append(Interval(from: from, to: right[k].from)) }
                from = max(from, right[k].to)
                k += 1
            }
            if from < interval.to { result.append(Interval(from: from, to: interval.to)) }
        }
        return result
    }

    /// The length of a normalized list.
    /// - Throws: `billing.overflow`.
    static func milliseconds(_ intervals: [Interval]) throws(BillingError) -> Int64 {
        var total: Int64 = 0
        for interval in intervals { total = try Rounding.add(total, interval.milliseconds) }
        return total
    }
}
