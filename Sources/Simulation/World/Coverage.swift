/// How often something happened that a run is meant to make happen.
package struct Coverage: Sendable {
    /// Sorted by name.
    package private(set) var counts: [(name: String, count: Int)] = []

    package init() {}

    package mutating func count(_ name: String, _ number: Int = 1) {
        var (low, high) = (0, counts.count)
        while low < high {
            let middle = (low + high) / 2
            if counts[middle].name < name { low = middle + 1 } else { high = middle }
        }
        if low < counts.count, counts[low].name == name {
            counts[low].count += number
        } else {
            counts.insert((name, number), at: low)
        }
    }

    package mutating func add(_ other: Coverage) {
        for (name, number) in other.counts { count(name, number) }
    }
}
