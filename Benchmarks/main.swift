/// Measures what a node commits a second against what its processor can verify, and how that grows with the
/// ledger:
///
///     make bench ARGS="[--quick] [--records N] [--transactions N] [--seconds S] [--directory D]"
import Foundation

do {
    let options = try Options(CommandLine.arguments.dropFirst())
    try Benchmark(options).run()
} catch let error as Options.Failure {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(64)
} catch {
    FileHandle.standardError.write(Data("millwright-bench: \(error)\n".utf8))
    exit(1)
}
