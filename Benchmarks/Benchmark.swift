import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Merkle
import Node

/// One run of all measurements on one growing ledger.
final class Benchmark {
    private let options: Options
    private let folder: URL
    private let home: Home
    private let consortium: Consortium
    private var workload: Workload
    /// Nil only while the ledger is closed and opened again.
    private var running: LedgerNode?
    private var transactions = 0
    /// A row for each size that was reached.
    private var growth: [[String]] = []

    init(_ options: Options) throws {
        self.options = options
        folder =
            options.directory.map { URL(fileURLWithPath: $0) }
            ?? FileManager.default.temporaryDirectory.appendingPathComponent("millwright-bench-\(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        home = Home(folder.appendingPathComponent("home"))
        consortium = try Consortium.found(in: home)
        workload = Workload(consortium, seed: 1)
        running = try LedgerNode(home: home)
    }

    private var node: LedgerNode {
        guard let running else { preconditionFailure("the node is closed") }
        return running
    }

    deinit { try? FileManager.default.removeItem(at: options.directory == nil ? folder : home.folder) }

    func run() throws {
        Report.write("millwright-bench: one node, in-process order, \(Machine.cores) cores, \(folder.path)")
        if options.isQuick { Report.write("--quick: tiny input, so the figures mean nothing") }
        let time = try Machine.synchronisationTime(in: folder, repetitions: options.isQuick ? 5 : 100)
        Report.line("disk: 4 KB written and synchronised", Report.time(time), "median; a commit takes one")
        _ = try Load(node: node).run(try workload.preparations(at: node.clock.now))
        for size in sizes {
            try grow(to: size)
            if size >= 100_000 || size == options.records { try measure(size) }
        }
        reportGrowth()
        try reportReference()
        try node.close()
    }

    private var sizes: [Int] {
        [1_000, 10_000, 100_000, 1_000_000].filter { $0 < options.records } + [options.records]
    }

    // MARK: Growth

    /// Registers and accepts machines on the node itself until there are so many records.
    private func grow(to records: Int) throws {
        var total = Load.Result()
        let before = try ledgerBytes()
        while workload.machineCount * 2 < records {
            let count = min(8_192, records / 2 - workload.machineCount)
            guard count > 0 else { break }
            total += try Load(node: node).run(try workload.machines(count, at: node.clock.now))
            Report.progress("\(Report.count(workload.machineCount * 2)) of \(Report.count(records)) records")
        }
        Report.progress("")
        transactions += total.transactions
        let count = Double(max(1, total.transactions))
        growth.append([
            Report.count(transactions), Report.time(total.seconds / count),
            Report.time(total.processorTime / count), Report.megabytes(Machine.residentBytes),
            Report.count(Int(Double(try ledgerBytes() - before) / count)), "",
        ])
    }

    private func reportGrowth() {
        Report.heading("growth: machines registered and accepted, two transactions and records each")
        Report.row(["up to", "time each", "processor", "memory", "log bytes", "restart"])
        for row in growth { Report.row(row) }
        Report.write(
            """
              time and processor time are per transaction since the row before; memory is
              the whole process's, the benchmark's own transactions (some 20 MB) included
            """)
    }

    /// What the block log holds.
    private func ledgerBytes() throws -> Int {
        let log = home.folder.appendingPathComponent("ledger/log")
        return try FileManager.default.contentsOfDirectory(at: log, includingPropertiesForKeys: nil)
            .reduce(0) { try $0 + ($1.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0) }
    }

    // MARK: Measurements at one size

    private func measure(_ size: Int) throws {
        Report.heading("\(Report.count(size)) records, \(Report.count(transactions)) transactions")
        let bytes = try ledgerBytes()
        let (result, limits) = try mixedRun()
        let each = Double(result.transactions)
        let ledger = Double(try ledgerBytes() - bytes) / each
        let limit = limits.map(\.rate).reduce(0, +) / Double(limits.count)
        let verification = limits.map(\.processorTime).reduce(0, +) / Double(limits.count)
        Report.line("durable commits, told final", Report.rate(result.rate), "mixed, all accepted")
        Report.line("  transactions", Report.count(result.transactions))
        Report.line(
            "  in a block", Report.count(result.transactions / max(1, Int(result.blocks))),
            "at most 1024, 16 to a sync")
        Report.line("Ed25519 verifications", Report.rate(limit), "libsodium, all cores: a limit")
        Report.line(
            "  least and most", Report.span(limits.map(\.rate)), "before and after each run")
        Report.line("ratio to that limit", Report.ratio(result.rate / limit), "aim: \(aim(size))")
        Report.line(
            "processor time of a transaction", Report.time(result.processorTime / each), "all threads")
        Report.line("  of that one verification", Report.time(verification))
        Report.line(
            "ratio by processor time", Report.ratio(verification / (result.processorTime / each)),
            "less moved by other load")
        Report.line(
            "ledger per transaction", Report.count(Int(ledger)) + " B", "block log, with after-images")
        try measureLatency()
        try measureReceipts(result.samples)
        try measureRestart()
        measureStateProofs()
    }

    private func aim(_ size: Int) -> String {
        switch size {
        case 1_000_000...: "0.50 from 10⁶ records on"
        default: "0.65 with 10⁵ records"
        }
    }

    /// Transactions that are signed at once and are one run. At the end of a run the last batches are
    /// executed while nothing is left to verify; a long run keeps that small.
    private static let chunk = 131_072

    /// Mixed transactions for the time or number asked for, and the machine's limit right before and after
    /// each run, since a machine is not as fast at all times. Signing goes on before and is not measured.
    private func mixedRun() throws -> (result: Load.Result, limits: [Machine.Limit]) {
        var total = Load.Result()
        let limitSeconds = options.isQuick ? 0.05 : 1
        var limits: [Machine.Limit] = []
        let wanted = options.transactions ?? .max
        while total.transactions < wanted, options.transactions != nil || total.seconds < options.seconds {
            let view = try node.view()
            let signed = try workload.mix(
                min(Benchmark.chunk, wanted - total.transactions), at: node.clock.now
            ) {
                try view.get(TelemetryHead.self, $0)
            }
            limits.append(Machine.verificationLimit(seconds: limitSeconds))
            total += try Load(node: node).run(signed)
            limits.append(Machine.verificationLimit(seconds: limitSeconds))
        }
        transactions += total.transactions
        return (total, limits)
    }

    private func measureLatency() throws {
        let signed = try workload.mix(options.isQuick ? 20 : 500, at: node.clock.now) {
            try node.view().get(TelemetryHead.self, $0)
        }
        let latencies = try Load(node: node).latencies(signed)
        transactions += latencies.count
        Report.line(
            "one lone transaction, median", Report.time(latencies.quantile(0.5)), "submitted to final")
        Report.line("one lone transaction, p99", Report.time(latencies.quantile(0.99)))
    }

    private func measureReceipts(_ samples: [TransactionID]) throws {
        let rules = node.rules
        var (made, checked, size) = ([Double](), [Double](), 0)
        for id in samples.prefix(50) {
            let start = Machine.now
            let bundle = try node.receipt(for: id)
            made.append(Machine.now - start)
            let verification = Machine.now
            _ = try bundle.verify(
                genesis: node.genesis, chain: rules.chain, hash: rules.hash, verifier: rules.verify)
            checked.append(Machine.now - verification)
            size = max(size, bundle.encoded.count)
        }
        Report.line("receipt made", Report.time(made.quantile(0.5)), "block, log proof, signature")
        Report.line("receipt verified", Report.time(checked.quantile(0.5)), "\(size) bytes")
    }

    /// Closes the node and opens it again: reads the log's index, replays blocks that no checkpoint
    /// holds, and builds the state tree, whose root must be the last block's.
    private func measureRestart() throws {
        let height = node.height
        let root = try node.block(height).header.stateRoot
        try node.close()
        running = nil
        let start = Machine.now
        running = try LedgerNode(home: home)
        let seconds = Machine.now - start
        guard node.height == height, try node.block(height).header.stateRoot == root else {
            throw Load.NotAccepted(description: "the ledger is another after a restart")
        }
        Report.line("restart", Report.time(seconds), "replay, state tree rebuilt")
        Report.line("memory after it", Report.megabytes(Machine.residentBytes), "whole process")
        growth[growth.count - 1][5] = Report.time(seconds)
    }

    private func measureStateProofs() {
        let hash = SHA256.hash
        let count = transactions * 2
        let keys = (0..<count).map { SHA256.digest(bigEndianBytes(UInt64($0))) }.sorted()
        let start = Machine.now
        let tree = StateTree(building: keys.map { ($0, $0) }, hash: hash)
        let built = Machine.now - start
        let sample = stride(from: 0, to: count, by: max(1, count / 1000)).map { keys[$0] }
        let proving = Machine.now
        let proofs = sample.map { tree.proof(for: $0) }
        let proved = Machine.now - proving
        let verifying = Machine.now
        for (key, proof) in zip(sample, proofs) {
            precondition((try? proof.verify(key: key, value: key, root: tree.root, hash: hash)) != nil)
        }
        let verified = Machine.now - verifying
        let number = Double(sample.count)
        Report.line("state tree built", Report.time(built), "\(Report.count(count)) rows, sorted before")
        Report.line("state proof made", Report.time(proved / number))
        Report.line("state proof verified", Report.time(verified / number))
    }

    // MARK: Results

    private func reportReference() throws {
        Report.heading("result")
        Report.line("transactions final and accepted", Report.count(transactions))
        Report.write("  state root of this ledger (random keys)")
        Report.write("    \(try node.block(node.height).header.stateRoot)")
        Report.write("  reference root (fixed keys and blocks; changes only with the rules)")
        Report.write("    \(try ReferenceRun.root())")
    }
}
