import Codec
import Foundation
import HTTP
import Ledger
import Node
import Storage
import Vault

/// What a node answers its own member's programs: the whole of a ledger as verbs need it, in deterministic
/// CBOR. They sign with keys of their own; this node never sees one.
package struct LocalRoutes: Sendable {
    let node: LedgerNode
    let documents: DocumentReplication
    private let views = LocalViews()

    package init(node: LedgerNode, documents: DocumentReplication) {
        (self.node, self.documents) = (node, documents)
    }

    package var routes: [Route] { reading + stateRoutes + writing + documentRoutes }

    private var reading: [Route] {
        [
            route(.get, "genesis") { _ in bytes(try node.genesis.encoded()) },
            route(.get, "head") { _ in bytes(try node.head().encoded) },
            route(.get, "blocks/:height") { call in
                bytes(try node.block(try LocalRoutes.height(call)).encoded)
            },
            route(.get, "blocks/:height/header") { call in
                bytes(try node.header(try LocalRoutes.height(call)).encoded)
            },
            route(.get, "transactions/:id") { call in
                let id = try LocalRoutes.digest(call)
                guard let final = try node.find(id) else {
                    throw NodeError("transaction.unknown", "the ledger has no transaction \(id)")
                }
                return try value(LocalFinal(final))
            },
            route(.get, "history/:key") { call in
                try value(try node.history(of: try LocalRoutes.key(call)).map { LocalStep($0) })
            },
            route(.get, "receipts/:id") { call in
                bytes(try node.receipt(for: try LocalRoutes.digest(call)).encoded)
            },
            route(.get, "proofs/:key") { call in
                bytes(try node.stateProof(of: try LocalRoutes.key(call)).encoded)
            },
            route(.get, "verification") { call in
                let cores = ProcessInfo.processInfo.activeProcessorCount
                let wanted = Int(clamping: try call.number("width", otherwise: UInt64(cores)))
                return LocalVerificationStream(node, width: max(1, min(cores, wanted))).response
            },
        ]
    }

    private var stateRoutes: [Route] {
        [
            route(.post, "views") { _ in
                let view = try node.view()
                return try value(LocalView(token: views.keep(view), height: view.source.height))
            },
            route(.post, "views/:token/values", maximumBodyBytes: 1 << 20) { call in
                let source = try views.view(call.parameter("token")).source
                let keys = try CBOR.decode(LocalKeys.self, from: call.request.body).keys.map(\.array)
                let values = try source.values(forKeys: keys)
                let found = zip(keys, values).compactMap { key, value in
                    value.map { Row(key: key, value: $0) }
                }
                return try value(LocalRows(found))
            },
            route(.get, "views/:token/rows") { call in
                let source = try views.view(call.parameter("token")).source
                let limit = min(try call.number("limit"), UInt64(StateView.pageSize))
                let from = try LocalRoutes.hex(call.request.query("from") ?? "", "from")
                let prefix = try LocalRoutes.hex(call.request.query("prefix") ?? "", "prefix")
                return try value(LocalRows(try source.entries(from: from, prefix: prefix, limit: Int(limit))))
            },
        ]
    }

    private var writing: [Route] {
        [
            route(.get, "clock") { _ in
                try value(LocalClock(isSimulated: node.clock.isSimulated, now: node.clock.now))
            },
            route(.put, "clock") { call in
                let setting = try CBOR.decode(LocalClockSetting.self, from: call.request.body)
                if !setting.atLeast || setting.time > node.clock.now {
                    try node.clock.set(setting.time)
                } else {
                    try node.clock.keep()
                }
                return HTTPResponse(.noContent)
            },
            route(.post, "transactions", maximumBodyBytes: UnverifiedTransaction.maximumSize + 1) { call in
                guard let level = SubmissionLevel(name: call.request.query("until") ?? "final") else {
                    throw Problem(.badRequest, "api.bad_query", "until is accepted, ordered or final")
                }
                try moveClock(call)
                let transaction = call.request.body
                let answer = LocalWait<SubmissionState> { [node] in
                    try await node.submit(transaction, until: level)
                }
                if let state = try answer.wait(call.request) { return try value(LocalSubmission(state)) }
                // Not there yet; the caller sends the identical bytes again.
                let id = try UnverifiedTransaction(decoding: transaction, hash: node.rules.hash).id
                return try value(LocalSubmission(.accepted(id)), .accepted)
            },
            route(.post, "tick") { call in
                try moveClock(call)
                let tick = LocalWait<Void> { [node] in try await node.tick() }
                guard try tick.wait(call.request) != nil else {
                    throw Problem(.gatewayTimeout, "node.slow", "the tick is not final yet")
                }
                return HTTPResponse(.noContent)
            },
        ]
    }

    /// Moves a demonstration's clock to the `at` of a request, which what it submits takes to the ledger.
    private func moveClock(_ call: Call) throws {
        guard call.request.query("at") != nil else { return }
        let time = Timestamp(nanoseconds: Int64(clamping: try call.number("at")))
        try node.clock.move(to: time)
    }
}

extension LocalRoutes {
    /// A route for the own member alone; a node's own errors become problems of the same code.
    func route(
        _ method: HTTPMethod, _ path: String, maximumBodyBytes: Int = 64 << 10,
        answer: @escaping @Sendable (Call) throws -> HTTPResponse
    ) -> Route {
        Route(method, "/v1/local/\(path)", for: .own, maximumBodyBytes: maximumBodyBytes) { call in
            try Problem.translating { try answer(call) }
        }
    }

    func bytes(_ bytes: [UInt8]) -> HTTPResponse { HTTPResponse(type: LocalAPI.contentType, bytes) }

    func value(_ value: some Encodable, _ status: HTTPStatus = .ok) throws -> HTTPResponse {
        HTTPResponse(status, type: LocalAPI.contentType, try CBOR.encode(value))
    }

    static func height(_ call: Call) throws -> Height {
        guard let height = Height(call.parameter("height")) else {
            throw Problem(.badRequest, "api.bad_path", "a height is a whole number")
        }
        return height
    }

    static func digest(_ call: Call) throws -> Digest {
        guard let digest = Digest(try hex(call.parameter("id"), "id")) else {
            throw Problem(.badRequest, "api.bad_path", "a transaction's id has 64 hexadecimal digits")
        }
        return digest
    }

    static func key(_ call: Call) throws -> Ledger.RowKey {
        RowKey(bytes: try hex(call.parameter("key"), "key"))
    }

    static func hex(_ text: String, _ name: String) throws -> [UInt8] {
        guard let bytes = Hex.decode(text) else {
            throw Problem(.badRequest, "api.bad_query", "\(name) is hexadecimal")
        }
        return bytes
    }
}

extension Problem {
    /// Runs a route's answer; what it throws of a node's, a vault's or the codec's goes out with its code.
    static func translating<T>(_ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let error as NodeError {
            throw Problem(error)
        } catch let error as VaultError {
            throw Problem(NodeError(error))
        } catch let error as CodecError {
            throw Problem(
                .badRequest, error.code.rawValue, "the request is not of the form that is asked for")
        }
    }
}
