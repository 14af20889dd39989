import Codec
import Cryptography
import Foundation
import HTTP
import Ledger

/// The way to the node that runs: calls under `/v1/local/`, and what it says of a failure as the error that
/// it was there.
struct NodeLink: Sendable {
    let client: HTTPClient

    /// - Throws: `node.address` where the endpoint is no URL.
    init(_ endpoint: String, pin: TLSPin, identity: TLSIdentity) throws(NodeError) {
        var configuration = HTTPClientConfiguration()
        configuration.maximumBodyBytes = LocalAPI.maximumAnswerBytes
        // Who listens takes the connection at once; on a busy machine the keys' exchange can take long.
        configuration.connectMilliseconds = 20_000
        configuration.totalMilliseconds = 60_000
        do {
            client = try HTTPClient(
                endpoint, trust: .pins([pin]), identity: identity, configuration: configuration)
        } catch { throw NodeError("node.address", "«\(endpoint)» is no address of a node", cause: error) }
    }

    func target(_ path: [String], _ query: [HTTPTarget.Item] = []) -> HTTPTarget {
        HTTPTarget(LocalAPI.prefix + path, query: query)
    }

    /// - Throws: the node's own error; `node.unreachable` where it does not answer.
    @discardableResult
    func call(
        _ method: HTTPMethod, _ path: [String], query: [HTTPTarget.Item] = [], body: [UInt8] = [],
        totalMilliseconds: Int? = nil
    ) throws(NodeError) -> [UInt8] {
        do {
            return try client.request(
                method, target(path, query), headers: ["Content-Type": LocalAPI.contentType], body: body,
                totalMilliseconds: totalMilliseconds
            ).successful().body
        } catch { throw NodeLink.failure(error, client.endpoint) }
    }

    func call<T: Decodable>(
        _ method: HTTPMethod, _ path: [String], query: [HTTPTarget.Item] = [], body: [UInt8] = [],
        totalMilliseconds: Int? = nil, as type: T.Type = T.self
    ) throws(NodeError) -> T {
        let bytes = try call(
            method, path, query: query, body: body, totalMilliseconds: totalMilliseconds)
        return try NodeLink.decode(bytes, at: path) { (bytes: [UInt8]) throws(CodecError) -> T in
            try CBOR.decode(type, from: bytes)
        }
    }

    /// - Throws: `node.bad_answer`.
    static func decode<T>(
        _ bytes: [UInt8], at path: [String], _ body: ([UInt8]) throws(CodecError) -> T
    ) throws(NodeError) -> T {
        do { return try body(bytes) } catch {
            throw NodeError(
                "node.bad_answer", "the node's answer to \(path.joined(separator: "/")) cannot be read",
                cause: error)
        }
    }

    /// - Throws: `cbor.*`.
    static func encode(_ value: some Encodable) throws(NodeError) -> [UInt8] {
        do { return try CBOR.encode(value) } catch {
            throw NodeError(error.code.rawValue, "a request has no CBOR form", cause: error)
        }
    }

    /// What the node said, or that it did not answer.
    static func failure(_ error: HTTPError, _ endpoint: String) -> NodeError {
        if let said = NodeError(saidBy: error) { return said }
        if error.code == .pinMismatch {
            return NodeError(
                "node.other_key", "\(endpoint) is not the node that this home knows", cause: error)
        }
        return NodeError("node.unreachable", "the node at \(endpoint) does not answer", cause: error)
    }

    /// Runs a call that blocks where it holds nobody up.
    static func offload<T: Sendable>(
        _ body: @escaping @Sendable () throws(NodeError) -> T
    ) async throws(NodeError) -> T {
        let result: Result<T, NodeError> = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                do throws(NodeError) { continuation.resume(returning: .success(try body())) } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}

extension NodeError {
    /// What another node has said in a problem document; nil where it said nothing.
    package init?(saidBy error: HTTPError) {
        guard let problem = error.problem, !problem.code.isEmpty else { return nil }
        self.init(problem.code, problem.detail)
    }
}
