/// Measures what a node commits a second against what its processor can verify, and how that grows with the
/// ledger:
///
///     make bench ARGS="[--validators] [--quick] [--records N] [--transactions N] [--seconds S]
///         [--directory D]"
import Foundation

// Nodes that end close their connections while relays still write to them.
signal(SIGPIPE, SIG_IGN)

do {
    let options = try Options(CommandLine.arguments.dropFirst())
    if options.validators {
        let folder =
            options.directory.map { URL(fileURLWithPath: $0) } ?? FileManager.default.temporaryDirectory
        try await ValidatorBenchmark(options: options, folder: folder).run()
    } else {
        try Benchmark(options).run()
    }
} catch let error as Options.Failure {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(64)
} catch {
    FileHandle.standardError.write(Data("millwright-bench: \(error)\n".utf8))
    exit(1)
}
