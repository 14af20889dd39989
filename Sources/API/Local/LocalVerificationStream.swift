import Codec
import Foundation
import HTTP
import Ledger
import Node

/// A verification of the whole ledger as a stream of frames: a header for each block that was checked, then
/// how it ended. A caller who goes ends it; one who reads slowly slows it down.
final class LocalVerificationStream: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var isDone = false
        var isAbandoned = false
    }

    private struct Abandoned: Error {}

    private let state = ConditionMutex(State())

    /// Bytes that may wait for the caller.
    private static let limit = 1 << 20

    init(_ node: LedgerNode, width: Int) {
        let thread = Thread { [self] in run(node, width) }
        thread.name = "millwright.verify"
        thread.stackSize = 8 << 20
        thread.start()
    }

    var response: HTTPResponse {
        HTTPResponse(
            .ok, ["Content-Type": "application/octet-stream"],
            stream: HTTPStream(onEnd: { self.state.update { $0.isAbandoned = true } }) { milliseconds in
                self.next(milliseconds)
            })
    }

    private func run(_ node: LedgerNode, _ width: Int) {
        defer { state.update { $0.isDone = true } }
        do {
            let end: LocalVerification
            do {
                end = LocalVerification(
                    try node.verify(width: width) { try push(.checked(Bytes($0.encoded))) })
            } catch let failure as LedgerVerification.Failure {
                end = LocalVerification(failure)
            } catch let error as NodeError {
                let problem = Problem(error)
                end = .stopped(code: problem.code, detail: problem.detail)
            } catch let error where !(error is Abandoned) {
                end = .stopped(code: "node.damaged", detail: "the ledger could not be read (\(error))")
            }
            try push(end)
        } catch {
            // The caller has gone: there is nobody to tell.
            return
        }
    }

    private func push(_ message: LocalVerification) throws {
        let frame = Frame.encode(try CBOR.encode(message))
        while true {
            let isTaken = state.wait(
                milliseconds: 1_000,
                until: { $0.isAbandoned || $0.bytes.count < LocalVerificationStream.limit },
                then: { state -> Bool in
                    guard !state.isAbandoned, state.bytes.count < LocalVerificationStream.limit else {
                        return false
                    }
                    state.bytes += frame
                    return true
                })
            if isTaken { return state.update { _ in } }
            if state.read(\.isAbandoned) { throw Abandoned() }
        }
    }

    private func next(_ milliseconds: Int) -> HTTPStream.Part {
        let part = state.wait(
            milliseconds: milliseconds, until: { !$0.bytes.isEmpty || $0.isDone },
            then: { state -> HTTPStream.Part in
                guard !state.bytes.isEmpty else { return state.isDone ? .end : .idle }
                defer { state.bytes = [] }
                return .bytes(state.bytes)
            })
        state.update { _ in }
        return part
    }
}
