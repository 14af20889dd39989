/// How long to wait before the next attempt: twice as long each time, up to a limit, and a little by chance,
/// so that many nodes do not call a peer that has come back at the same moment.
struct Backoff: Sendable {
    private let first: Int
    private let limit: Int
    private var next: Int

    init(firstMilliseconds: Int = 100, limitMilliseconds: Int = 5_000) {
        (first, limit, next) = (firstMilliseconds, limitMilliseconds, firstMilliseconds)
    }

    /// - Parameter chance: 0..<1.
    mutating func failed(chance: Double) -> Int {
        defer { next = min(limit, next * 2) }
        return next + Int(Double(next) * chance / 2)
    }

    mutating func succeeded() { next = first }
}
