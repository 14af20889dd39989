/// The part of a billing period that one invoice bills, in local days: terms begin, end or are amended within
/// it. A day begun counts whole.
struct PeriodShare {
    let days: Int64
    let all: Int64

    init(days: Int64, of all: Int64) { (self.days, self.all) = (days, all) }

    static let whole = PeriodShare(days: 1, of: 1)

    /// Of a figure for the whole period, rounded half up once.
    /// - Throws: `billing.overflow`.
    func of(_ value: Int64) throws(BillingError) -> Int64 {
        try Rounding.scale(value, by: days, over: all)
    }

    /// How an invoice says it: empty for the whole.
    var remark: String { days == all ? "" : ", \(days) of \(all) days" }
}
