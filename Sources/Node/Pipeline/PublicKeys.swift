import Ledger

/// Public keys by their names, as many as were needed lately. A key's name is its thumbprint, so what a name
/// stands for never changes.
struct PublicKeys: Sendable {
    private var young: [KeyID: [UInt8]] = [:]
    /// What was young when it last grew too large: what is asked for again becomes young.
    private var old: [KeyID: [UInt8]] = [:]
    private let limit: Int

    /// About 30 MB in all.
    static let limit = 1 << 17

    init(limit: Int = PublicKeys.limit) { self.limit = limit }

    subscript(key: KeyID) -> [UInt8]? {
        mutating get {
            if let known = young[key] { return known }
            guard let known = old[key] else { return nil }
            self[key] = known
            return known
        }
        set {
            if young.count >= limit { (young, old) = ([:], young) }
            young[key] = newValue
        }
    }
}
