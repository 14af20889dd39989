import Codec
import Cryptography
import Foundation
import HTTP
import Ledger

/// A ledger through the node that runs and holds it: the member's own, which believes its own member and is
/// believed by it. Keys never leave the caller.
package final class RemoteLedger: LedgerAccess {
    package let genesis: Genesis
    package let rules: Rules
    package let clock: RemoteClock
    package let documentPeers: (any DocumentPeers)?
    let link: NodeLink

    /// Asks the node which ledger it runs.
    /// - Parameters:
    ///   - endpoint: `https://host:port`.
    ///   - pin: the node's TLS key.
    ///   - identity: one of the member's own TLS keys.
    ///   - home: where the ledger's genesis document is expected to be the node's, if there is one.
    /// - Throws: `node.unreachable`, `node.other_key`, `node.other_ledger`; `api.*` where the node does not
    ///   take the caller for its own member.
    package init(
        _ endpoint: String, pin: TLSPin, identity: TLSIdentity, home: Home
    ) throws(NodeError) {
        Cryptography.initialise()
        link = try NodeLink(endpoint, pin: pin, identity: identity)
        let bytes = try link.call(.get, ["genesis"])
        let (genesis, _, chain) = try Home.genesis(bytes)
        if home.isFounded, try home.genesis().chain != chain {
            throw NodeError(
                "node.other_ledger", "the node at \(endpoint) runs another ledger than this home's")
        }
        (self.genesis, rules) = (genesis, LedgerNode.rules(chain: chain))
        clock = try RemoteClock(link)
        documentPeers = RemoteDocuments(link)
    }

    package func close() throws(NodeError) { link.client.close() }

    // MARK: Reading

    package func head() throws(NodeError) -> BlockHeader { try header(at: ["head"]) }

    package func view() throws(NodeError) -> StateView { StateView(try RemoteRows(link)) }

    package func block(_ height: Height) throws(NodeError) -> BlockRecord {
        let path = ["blocks", "\(height)"]
        return try NodeLink.decode(try link.call(.get, path), at: path) {
            (bytes: [UInt8]) throws(CodecError) in try BlockRecord(decoding: bytes)
        }
    }

    package func header(_ height: Height) throws(NodeError) -> BlockHeader {
        try header(at: ["blocks", "\(height)", "header"])
    }

    private func header(at path: [String]) throws(NodeError) -> BlockHeader {
        try NodeLink.decode(try link.call(.get, path), at: path) {
            (bytes: [UInt8]) throws(CodecError) in try BlockHeader(decoding: bytes)
        }
    }

    package func find(_ id: TransactionID) throws(NodeError) -> FinalTransaction? {
        do {
            let final: LocalFinal = try link.call(.get, ["transactions", id.description])
            return final.transaction
        } catch {
            guard error.code == "transaction.unknown" else { throw error }
            return nil
        }
    }

    package func history(of key: RowKey) throws(NodeError) -> [HistoryStep] {
        let path = ["history", Hex.encode(key.bytes)]
        let steps: [LocalStep] = try link.call(.get, path)
        var history: [HistoryStep] = []
        for step in steps {
            do { history.append(try step.step(hash: rules.hash)) } catch {
                throw NodeError("node.bad_answer", "a step of the history cannot be read", cause: error)
            }
        }
        return history
    }

    package func receipt(for id: TransactionID) throws(NodeError) -> ReceiptBundle {
        let path = ["receipts", id.description]
        return try NodeLink.decode(try link.call(.get, path), at: path) {
            (bytes: [UInt8]) throws(CodecError) in try ReceiptBundle(decoding: bytes)
        }
    }

    package func stateProof(of key: RowKey) throws(NodeError) -> StateBundle {
        let path = ["proofs", Hex.encode(key.bytes)]
        return try NodeLink.decode(try link.call(.get, path), at: path) {
            (bytes: [UInt8]) throws(CodecError) in try StateBundle(decoding: bytes)
        }
    }

    // MARK: Writing

    package func submit(
        _ bytes: [UInt8], until level: SubmissionLevel
    ) async throws(NodeError) -> SubmissionState {
        try await NodeLink.offload { [self] () throws(NodeError) in try wait(bytes, until: level) }
    }

    /// Sends the identical bytes until they have come as far as wanted: the node knows them again.
    private func wait(_ bytes: [UInt8], until level: SubmissionLevel) throws(NodeError) -> SubmissionState {
        var query = [HTTPTarget.Item("until", level.name)]
        let ahead = clock.ahead
        if let ahead { query.append(HTTPTarget.Item("at", "\(ahead.nanoseconds)")) }
        var failures = 0
        while true {
            do throws(NodeError) {
                let answer: LocalSubmission = try link.call(
                    .post, ["transactions"], query: query, body: bytes,
                    totalMilliseconds: LocalAPI.waitMilliseconds + 10_000)
                if let ahead { clock.reached(ahead) }
                guard let state = answer.submission else {
                    throw NodeError("node.bad_answer", "the node's answer to a transaction is not known here")
                }
                if state.level >= level { return state }
                (failures, query) = (0, [query[0]])
            } catch {
                // It may have arrived: what became of it is asked again for a while.
                failures += 1
                guard error.code == "node.unreachable", failures < 4 else { throw error }
            }
        }
    }

    package func tick() async throws(NodeError) {
        let ahead = clock.ahead
        let query = ahead.map { [HTTPTarget.Item("at", "\($0.nanoseconds)")] } ?? []
        try await NodeLink.offload { [link] () throws(NodeError) in
            _ = try link.call(
                .post, ["tick"], query: query, totalMilliseconds: LocalAPI.waitMilliseconds + 10_000)
        }
        if let ahead { clock.reached(ahead) }
    }

    // MARK: Verification

    package func verify(
        width: Int, progress: (BlockHeader) throws -> Void
    ) throws -> LedgerVerification.Summary {
        var summary: LedgerVerification.Summary?
        do {
            let query = [HTTPTarget.Item("width", "\(width)")]
            try link.client.frames(
                .get, link.target(["verification"], query), maximumFrameBytes: 1 << 20
            ) { bytes in
                switch try CBOR.decode(LocalVerification.self, from: bytes) {
                case .checked(let header): try progress(try BlockHeader(decoding: header.array))
                case .verified(let result): summary = result.summary
                case .failed(let failure): throw failure.failure
                case .stopped(let code, let detail): throw NodeError(code, detail)
                }
            }
        } catch let error as HTTPError {
            throw NodeLink.failure(error, link.client.endpoint)
        } catch let error as CodecError {
            throw NodeError("node.bad_answer", "the node's verification cannot be read", cause: error)
        }
        guard let summary else {
            throw NodeError("node.unreachable", "the node ended the verification before it was done")
        }
        return summary
    }
}

extension LocalVerification.Summary {
    fileprivate var summary: LedgerVerification.Summary {
        LedgerVerification.Summary(
            first: first, blocks: blocks, transactions: transactions, rejected: rejected, head: head,
            stateRoot: stateRoot)
    }
}

extension LocalVerification.Failure {
    fileprivate var failure: LedgerVerification.Failure {
        LedgerVerification.Failure(code: code, height: height, transaction: transaction, detail: detail)
    }
}
