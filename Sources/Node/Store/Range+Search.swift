extension Range where Bound: BinaryInteger {
    /// The first number for which a condition does not hold that holds for all before and none after it; the
    /// end where it holds for all. Asks for few of them.
    func end<E: Error>(while holds: (Bound) throws(E) -> Bool) throws(E) -> Bound {
        var (low, high) = (lowerBound, upperBound)
        while low < high {
            let middle = low + (high - low) / 2
            if try holds(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
