/// First in, first out, in constant time on average.
struct FIFO<Element: Sendable>: Sendable {
    private var elements: [Element] = []
    private var start = 0

    var count: Int { elements.count - start }
    var isEmpty: Bool { start == elements.count }
    var first: Element? { isEmpty ? nil : elements[start] }

    mutating func append(_ element: Element) { elements.append(element) }

    /// Changes the element that is so many behind the first.
    mutating func change(at index: Int, _ body: (inout Element) -> Void) { body(&elements[start + index]) }

    @discardableResult
    mutating func takeFirst() -> Element? {
        guard let first else { return nil }
        start += 1
        // What moves down is never more than what was taken.
        if start * 2 >= elements.count {
            elements.removeFirst(start)
            start = 0
        }
        return first
    }
}
