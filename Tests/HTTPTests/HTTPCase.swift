import Codec
import Cryptography
import Foundation
import Synchronization

@testable import HTTP

/// Servers and clients as two members' nodes have them.
enum HTTPCase {
    static let june2024: Int64 = 1_717_200_000

    static func identity(_ name: String = "node", until: Int64 = 4_000_000_000) throws -> TLSIdentity {
        try TLSIdentity.generate(
            commonName: name, hosts: ["localhost", "127.0.0.1", "::1"], notBeforeSeconds: june2024 - 86_400,
            notAfterSeconds: until)
    }

    /// Says back what it was asked.
    @Sendable static func echo(_ request: HTTPRequest) -> HTTPResponse {
        HTTPResponse(
            .ok,
            [
                "Content-Type": "application/octet-stream", "X-Method": request.method.rawValue,
                "X-Path": request.path.joined(separator: "|"), "X-Peer": request.peer?.commonName ?? "none",
                "X-Pin": request.peer?.pin.description ?? "none",
            ], request.body)
    }

    static func plainClient(
        _ server: HTTPServer, _ configuration: HTTPClientConfiguration = HTTPClientConfiguration()
    ) throws -> HTTPClient {
        try HTTPClient("http://127.0.0.1:\(server.port)", trust: .plainText, configuration: configuration)
    }

    static func client(
        _ server: HTTPServer, pins: [TLSPin], identity: TLSIdentity? = nil
    ) throws -> HTTPClient {
        try HTTPClient("https://127.0.0.1:\(server.port)", trust: .pins(pins), identity: identity)
    }

    /// The error that a call throws; nil where it throws none or another.
    static func code(_ body: () throws -> Void) -> HTTPError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? HTTPError)?.code
        }
    }

    /// Waits for something that another thread brings about.
    static func eventually(seconds: Int = 20, _ isTrue: () -> Bool) -> Bool {
        let nothing = ConditionMutex(())
        let deadline = MonotonicClock.milliseconds + seconds * 1_000
        while !isTrue() {
            if MonotonicClock.milliseconds > deadline { return false }
            nothing.wait(milliseconds: 5, until: { _ in false })
        }
        return true
    }
}

/// A body that runs on a thread of its own from the moment it is made. Tasks would not do: bodies that wait
/// would take the few threads that tasks have from other tests.
final class Background<Value: Sendable>: Sendable {
    private let outcome = ConditionMutex<Result<Value, any Error>?>(nil)

    init(_ body: @escaping @Sendable () throws -> Value) {
        let outcome = outcome
        Thread {
            let result = Result(catching: body)
            outcome.update { $0 = result }
        }.start()
    }

    /// Waits for what the body returned or threw.
    func value() throws -> Value {
        outcome.wait(milliseconds: 60_000, until: { $0 != nil })
        guard let result = outcome.read({ $0 }) else {
            throw HTTPError(.timeout, "a test's thread did not end")
        }
        return try result.get()
    }
}
