/// What a person may have meant by a word that there is not.
enum Guess {
    /// What a command line that begins with no verb may have meant.
    static func unknownVerb(_ arguments: [String], among verbs: [Verb]) -> UsageError {
        let words = Array(arguments.prefix { !$0.hasPrefix("-") })
        let first = words.first ?? arguments.first ?? ""
        let isGroup = verbs.contains { $0.words[0] == first }
        let said = isGroup ? words.prefix(2).joined(separator: " ") : first
        let kind = TableView.all.first { $0.plural == first || $0.singular == first }
        let titles = verbs.map(\.title) + (isGroup ? [] : verbs.map { $0.words[0] })
        let near =
            isGroup
            ? nearest(said, among: titles) : kind.map { "list \($0.plural)" } ?? nearest(said, among: titles)
        return UsageError(
            "cli.unknown_verb",
            "there is no «\(said)»; " + (near.map { "did you mean \($0)? T" } ?? "t")
                + "ry millwright \(isGroup ? first + " " : "")--help")
    }

    /// The word that takes the fewest changed letters, where they are few.
    static func nearest(_ word: String, among words: [String]) -> String? {
        let found = words.map { ($0, distance(Array(word), Array($0))) }.min { $0.1 < $1.1 }
        guard let found, found.1 > 0, found.1 <= max(1, min(2, word.count / 3)) else { return nil }
        return found.0
    }

    /// How many letters have to be changed, added, taken away or swapped with the next (optimal string
    /// alignment).
    private static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var (before, row) = ([Int](), Array(0...right.count))
        for (i, character) in left.enumerated() {
            var next = [i + 1]
            for (j, other) in right.enumerated() {
                var least = min(row[j] + (character == other ? 0 : 1), row[j + 1] + 1, next[j] + 1)
                if i > 0, j > 0, character == right[j - 1], other == left[i - 1] {
                    least = min(least, before[j - 1] + 1)
                }
                next.append(least)
            }
            (before, row) = (row, next)
        }
        return row[right.count]
    }
}
