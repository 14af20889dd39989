import Ledger

/// The ledger's keys by their names, as many as were needed lately, each as it is in the final state or was
/// in a later one: what a name's public key is never changes, and what else the record says is told with the
/// height up to which it is sure.
struct KnownKeys: Sendable {
    private var young: [KeyID: KnownKey] = [:]
    /// What was young when it last grew too large: what is asked for again becomes young.
    private var old: [KeyID: KnownKey] = [:]
    /// The last final block whose changes are in here; nil where nobody tells of blocks.
    private(set) var height: Height?
    private let limit: Int

    /// About 60 MB in all.
    static let limit = 1 << 16

    init(height: Height? = nil, limit: Int = KnownKeys.limit) { (self.height, self.limit) = (height, limit) }

    /// A key, and the height of which its record is, unless a later block that is executed has changed it.
    mutating func find(_ id: KeyID) -> (key: KnownKey, height: Height?)? {
        if let known = young[id] { return (known, height) }
        guard let known = old[id] else { return nil }
        keep(known)
        return (known, height)
    }

    /// Keeps a key that was read.
    /// - Parameter read: the height of the state that it was read in. One that is behind is let go: nobody
    ///   tells of the blocks since again.
    mutating func add(_ key: KnownKey, readAt read: Height?) {
        if let height {
            guard let read, read >= height else { return }
        }
        keep(key)
    }

    /// Takes in what a final block changed.
    /// - Parameter changes: nil for what was removed.
    mutating func learn(_ changes: [(id: KeyID, key: KnownKey?)], at block: Height) {
        guard let last = height, block > last else { return }
        // A block that was not told of may have changed any.
        if block != last + 1 { (young, old) = ([:], [:]) }
        height = block
        for (id, key) in changes {
            (young[id], old[id]) = (nil, nil)
            if let key { keep(key) }
        }
    }

    private mutating func keep(_ key: KnownKey) {
        if young.count >= limit { (young, old) = ([:], young) }
        young[key.record.id] = key
    }
}
