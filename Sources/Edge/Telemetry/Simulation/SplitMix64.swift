/// A small deterministic generator of 64-bit numbers (Steele, Lea, Flood: "Fast Splittable Pseudorandom
/// Number Generators", 2014). For simulations only: it keeps no secret.
package struct SplitMix64: Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// A number in the range, by multiplication (bias below 2⁻³² for ranges of a simulation's size).
    package mutating func number(in range: ClosedRange<Int64>) -> Int64 {
        let width = UInt64(bitPattern: range.upperBound &- range.lowerBound) &+ 1
        guard width != 0 else { return Int64(bitPattern: next()) }
        return range.lowerBound &+ Int64(bitPattern: next().multipliedFullWidth(by: width).high)
    }

    /// Whether something with this chance happens.
    package mutating func happens(partsPerMillion: Int64) -> Bool {
        number(in: 0...999_999) < partsPerMillion
    }
}
