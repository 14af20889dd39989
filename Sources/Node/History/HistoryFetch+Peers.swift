import Foundation
import Ledger

/// Asking the others for a portion.
extension HistoryFetch {
    /// How often all peers are asked for a portion.
    private static let rounds = 3
    /// Bytes of blocks that may wait for a later one's certificate.
    private static let waitingBytes = 64 << 20
    /// A peer that takes longer for an answer is asked after the others.
    private static let slowSeconds = Span.seconds(5)

    /// Brings the next portion from whoever serves it, those that have been slow or failed last.
    /// - Throws: `history.no_peer` naming what each answered, `history.stopped`; those of the store.
    func fetch(through base: BlockRecord) throws {
        var backoff = Backoff(first: .seconds(2), longest: .seconds(10))
        while true {
            var answers: [MemberID: String] = [:]
            let peers = source.peers
            for peer in peers.filter({ !slow.contains($0) }) + peers.filter({ slow.contains($0) }) {
                guard conduct.isWanted() else { throw HistoryFetch.stopped }
                if let reason = liars[peer] {
                    answers[peer] = reason
                    continue
                }
                do {
                    fetched += try portion(from: peer, through: base)
                    return
                } catch let refusal as HistoryRefusal {
                    liars[peer] = refusal.text
                    answers[peer] = refusal.text
                } catch let error as PeerFailure {
                    answers[peer] = error.error.code
                }
                conduct.onRefusal(peer, answers[peer] ?? "")
            }
            let isHopeless = answers.allSatisfy { $0.value == "block.pruned" || liars[$0.key] != nil }
            let wait = backoff.failed()
            guard !isHopeless, backoff.failures < HistoryFetch.rounds else {
                throw HistoryFetch.nobody(try opened().height + 1, answers)
            }
            conduct.pause(Int(wait.nanoseconds / 1_000_000))
        }
    }

    /// A peer whose answers show nothing to be final for so long is left for another.
    private static let longestPortion = Span.minutes(2)

    /// What a peer's node or the way to it says, as against what fails here.
    private struct PeerFailure: Error { let error: NodeError }

    /// - Returns: the blocks that were brought.
    private func portion(from peer: MemberID, through base: BlockRecord) throws -> UInt64 {
        let staging = try opened()
        var (served, bytes) = ([[UInt8]](), 0)
        let deadline = MonotonicClock.now + HistoryFetch.longestPortion
        while true {
            guard conduct.isWanted() else { throw HistoryFetch.stopped }
            let answer: [[UInt8]]
            let begin = MonotonicClock.now
            guard begin < deadline else {
                slow.insert(peer)
                throw PeerFailure(
                    error: NodeError("history.too_slow", "it shows no block to be final in time"))
            }
            do throws(NodeError) {
                answer = try source.blocks(above: staging.height + UInt64(served.count), from: peer)
            } catch {
                slow.insert(peer)
                throw PeerFailure(error: error)
            }
            if MonotonicClock.now > begin + HistoryFetch.slowSeconds { slow.insert(peer) }
            guard !answer.isEmpty else {
                throw PeerFailure(error: NodeError("block.unknown", "it has no such block"))
            }
            served += answer
            bytes += answer.reduce(0) { $0 + $1.count }
            let count = try staging.take(served: served, through: base)
            // The node has the last one already.
            if count > 0 { return UInt64(staging.height == base.header.height ? count - 1 : count) }
            guard bytes < HistoryFetch.waitingBytes, served.count < LedgerVerification.window else {
                throw HistoryRefusal("it shows no block to be final")
            }
        }
    }

    private static func nobody(_ height: Height, _ answers: [MemberID: String]) -> NodeError {
        let list = answers.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        let text = list.isEmpty ? "no other node is known here" : list.joined(separator: "; ")
        return NodeError("history.no_peer", "no peer gave block \(height): \(text.prefix(400))")
    }
}
