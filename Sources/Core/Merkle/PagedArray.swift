/// An array in pages of a fixed size: growing moves no elements, and a copy shares all pages but those that
/// one of the two has changed since.
///
/// One array of a large tree's nodes would be moved as a whole each time it is full, and a commit would wait
/// for that: 35 MB at 10^5 records, a hundred times as much at 10^7.
struct PagedArray<Element: Sendable>: Sendable {
    private static var shift: Int { 10 }
    private static var pageCount: Int { 1 << shift }

    private var pages: [[Element]] = []
    private(set) var count = 0

    subscript(index: Int) -> Element {
        get { pages[index >> PagedArray.shift][index & (PagedArray.pageCount - 1)] }
        _modify { yield &pages[index >> PagedArray.shift][index & (PagedArray.pageCount - 1)] }
    }

    var last: Element? { pages.last?.last }

    mutating func append(_ element: Element) {
        if count & (PagedArray.pageCount - 1) == 0 {
            pages.append([])
            // Small trees are many: the first page grows as it is filled.
            if count > 0 { pages[pages.count - 1].reserveCapacity(PagedArray.pageCount) }
        }
        pages[pages.count - 1].append(element)
        count += 1
    }
}
