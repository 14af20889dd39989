/// What to measure, and on how much.
struct Options {
    /// Records before the last measurement: half of them machines, half their devices' keys.
    var records = 1_000_000
    /// Transactions of a measured run; nil for as many as fit in `seconds`.
    var transactions: Int?
    /// How long a measured run goes on.
    var seconds = 10.0
    /// Tiny input, for the tests: every figure is printed, none means anything.
    var isQuick = false
    /// Several validators instead of one.
    var validators = false
    /// Where the ledger is put; a temporary folder by default. It is removed at the end.
    var directory: String?

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static let usage = """
        usage: millwright-bench [--validators] [--quick] [--records N] [--transactions N] \
        [--seconds S] [--directory D]
          --validators      4 and 7 nodes, and distance between them, instead of one
          --quick           tiny input: checks that everything runs
          --records N       records before the last measurement, 100 to 10000000 (1000000,
                            for which it takes five minutes and 4 GB of memory)
          --transactions N  transactions of each measured run (as many as fit in --seconds)
          --seconds S       length of each measured run, 0.1 to 600 (10)
          --directory D     an empty folder on the disk to measure (a temporary one)
        """

    init(_ arguments: some Sequence<String>) throws(Failure) {
        var iterator = arguments.makeIterator()
        while let name = iterator.next() {
            switch name {
            case "--validators": validators = true
            case "--quick": (isQuick, records, transactions, seconds) = (true, 1_000, 1_000, 0.1)
            case "--records": records = try Options.number(iterator.next(), name, 100...10_000_000)
            case "--transactions":
                transactions = try Options.number(iterator.next(), name, 100...100_000_000)
            case "--seconds":
                guard let value = iterator.next().flatMap(Double.init), (0.1...600).contains(value) else {
                    throw Failure(description: "--seconds needs a number from 0.1 to 600\n\(Options.usage)")
                }
                seconds = value
            case "--directory": directory = iterator.next()
            default: throw Failure(description: "unknown option \(name)\n\(Options.usage)")
            }
        }
    }

    private static func number(
        _ text: String?, _ name: String, _ range: ClosedRange<Int>
    ) throws(Failure) -> Int {
        guard let value = text.flatMap({ Int($0) }), range.contains(value) else {
            throw Failure(
                description:
                    "\(name) needs a number from \(range.lowerBound) to \(range.upperBound)\n\(usage)")
        }
        return value
    }
}
