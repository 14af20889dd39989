import Codec
import Foundation
import Ledger
import Node
import Synchronization

/// Hands transactions to a node as fast as it takes them, and waits until it has told the last one's fate.
struct Load {
    /// What came of one or more runs.
    struct Result {
        var transactions = 0
        /// From the first submission to the last answer.
        var seconds = 0.0
        var processorTime = 0.0
        var blocks: UInt64 = 0
        /// Of a few, for receipts.
        var samples: [TransactionID] = []

        var rate: Double { Double(transactions) / seconds }

        static func += (total: inout Result, part: Result) {
            total.transactions += part.transactions
            total.seconds += part.seconds
            total.processorTime += part.processorTime
            total.blocks += part.blocks
            total.samples += part.samples
        }
    }

    /// A transaction was not accepted: the benchmark would measure something else.
    struct NotAccepted: Error, CustomStringConvertible {
        let description: String
    }

    /// Counts the answers of one run.
    private final class Tally: Sendable {
        private struct Answers {
            var waiting: Int
            var samples: [TransactionID] = []
            var problem: String?
        }

        private let answers: Mutex<Answers>
        private let done = DispatchSemaphore(value: 0)

        init(_ count: Int) { answers = Mutex(Answers(waiting: count)) }

        func take(_ result: SubmissionResult) {
            let isLast = answers.withLock { answers -> Bool in
                answers.waiting -= 1
                switch result {
                case .final(let transaction) where transaction.outcome == .accepted:
                    if answers.waiting % 2000 == 0 { answers.samples.append(transaction.id) }
                case .final(let transaction):
                    answers.problem = "\(transaction.outcome): \(transaction.message)"
                case .refused(let reason): answers.problem = reason.rawValue
                case .failed(let error): answers.problem = error.description
                }
                return answers.waiting == 0
            }
            if isLast { done.signal() }
        }

        /// Waits for the last answer.
        func samples() throws -> [TransactionID] {
            done.wait()
            let (samples, problem) = answers.withLock { ($0.samples, $0.problem) }
            if let problem { throw NotAccepted(description: "a transaction was not accepted: \(problem)") }
            return samples
        }
    }

    let node: LedgerNode

    /// - Throws: `NotAccepted` unless every transaction is final and accepted.
    func run(_ transactions: [[UInt8]]) throws -> Result {
        guard !transactions.isEmpty else { return Result() }
        let tally = Tally(transactions.count)
        let height = node.height
        let (start, used) = (Machine.now, Machine.processorTime)
        for transaction in transactions { node.submit(transaction) { tally.take($0) } }
        let samples = try tally.samples()
        return Result(
            transactions: transactions.count, seconds: Machine.now - start,
            processorTime: Machine.processorTime - used, blocks: node.height - height, samples: samples)
    }

    /// Seconds from submission to final, one transaction at a time.
    func latencies(_ transactions: [[UInt8]]) throws -> [Double] {
        try transactions.map { try run([$0]).seconds }
    }
}
