import Codec
import Cryptography
import Foundation
import Testing

@testable import HTTP

/// Who is at the other end: keys are pinned, certificates only carry them.
@Suite struct TLSTests {
    @Test func bothSidesKnowWhoTheOtherIs() throws {
        let (mill, press) = (try HTTPCase.identity("mill"), try HTTPCase.identity("press"))
        let server = try HTTPServer(HTTPServerConfiguration(identity: mill), handler: HTTPCase.echo)
        defer { server.stop() }
        let client = try HTTPCase.client(server, pins: [mill.pin], identity: press)
        for _ in 0..<3 {
            let answer = try client.request(.post, "/a", body: [1, 2, 3])
            #expect(answer.body == [1, 2, 3])
            #expect(answer.headers["X-Peer"] == "press")
            #expect(answer.headers["X-Pin"] == press.pin.description)
        }
        #expect(server.metrics.openConnections == 1)
    }

    @Test func aClientNeedsNoCertificate() throws {
        let mill = try HTTPCase.identity()
        let server = try HTTPServer(HTTPServerConfiguration(identity: mill), handler: HTTPCase.echo)
        defer { server.stop() }
        let answer = try HTTPCase.client(server, pins: [mill.pin]).request(.get, "/")
        #expect(answer.headers["X-Pin"] == "none")
    }

    @Test func oneOfSeveralPinsIsEnough() throws {
        let (old, new) = (try HTTPCase.identity(), try HTTPCase.identity())
        let server = try HTTPServer(HTTPServerConfiguration(identity: new), handler: HTTPCase.echo)
        defer { server.stop() }
        let answer = try HTTPCase.client(server, pins: [old.pin, new.pin]).request(.get, "/")
        #expect(answer.status == .ok)
    }

    @Test func anotherKeyIsRefusedBeforeARequestIsSent() throws {
        let (mill, other) = (try HTTPCase.identity(), try HTTPCase.identity())
        let server = try HTTPServer(HTTPServerConfiguration(identity: mill), handler: HTTPCase.echo)
        defer { server.stop() }
        let client = try HTTPCase.client(server, pins: [other.pin])
        do {
            _ = try client.request(.post, "/", body: [1])
            Issue.record("a wrong pin was taken")
        } catch {
            #expect(error.code == .pinMismatch)
            #expect(!error.mayHaveArrived)
        }
        #expect(server.metrics.requests == 0)
    }

    @Test(arguments: [
        ("https://127.0.0.1:1", HTTPClient.Trust.pins([])), ("https://127.0.0.1:1", .plainText),
        ("http://127.0.0.1:1", .pins([TLSPin(.zero)])), ("http://127.0.0.1:1", .systemTrust),
        ("ftp://127.0.0.1", .plainText), ("https://a@b", .systemTrust), ("https://", .systemTrust),
        ("https://a b", .systemTrust), ("http:///x", .plainText),
    ])
    func endpointAndTrustMustGoTogether(_ endpoint: String, _ trust: HTTPClient.Trust) {
        #expect(HTTPCase.code { _ = try HTTPClient(endpoint, trust: trust) } == .badEndpoint)
    }

    @Test func systemTrustRefusesACertificateOfItsOwn() throws {
        let mill = try HTTPCase.identity()
        let server = try HTTPServer(HTTPServerConfiguration(identity: mill), handler: HTTPCase.echo)
        defer { server.stop() }
        let client = try HTTPClient("https://127.0.0.1:\(server.port)", trust: .systemTrust)
        #expect(HTTPCase.code { _ = try client.request(.get, "/") } == .untrusted)
    }

    @Test func expiredCertificatesOfBothSidesWorkAndAreReported() throws {
        let expired = try HTTPCase.identity("old mill", until: HTTPCase.june2024)
        let client = try HTTPCase.identity("old press", until: HTTPCase.june2024)
        let server = try HTTPServer(HTTPServerConfiguration(identity: expired)) { request in
            HTTPResponse(text: "\(request.peer?.notAfterSeconds ?? 0) \(request.peer?.commonName ?? "")")
        }
        defer { server.stop() }
        let answer = try HTTPCase.client(server, pins: [expired.pin], identity: client).request(.get, "/")
        #expect(String(decoding: answer.body, as: UTF8.self) == "\(HTTPCase.june2024) old press")
        #expect(client.certificate.isExpired(atSeconds: HTTPCase.june2024 + 1))
    }

    @Test func plainHTTPOnATLSPortAndTheReverseFailWithoutHarm() throws {
        let mill = try HTTPCase.identity()
        let secure = try HTTPServer(HTTPServerConfiguration(identity: mill), handler: HTTPCase.echo)
        let plain = try HTTPServer(handler: HTTPCase.echo)
        defer {
            secure.stop()
            plain.stop()
        }
        let code = HTTPCase.code { _ = try HTTPCase.plainClient(secure).request(.get, "/") }
        #expect(code == .interrupted || code == .malformed)
        #expect(
            HTTPCase.code { _ = try HTTPCase.client(plain, pins: [mill.pin]).request(.get, "/") } == .tls)
        #expect(try HTTPCase.client(secure, pins: [mill.pin]).request(.get, "/").status == .ok)
        #expect(try HTTPCase.plainClient(plain).request(.get, "/").status == .ok)
    }

    @Test func aRenewedCertificateKeepsItsPin() throws {
        let old = try HTTPCase.identity("mill", until: HTTPCase.june2024)
        let new = try old.renewed(
            hosts: ["mill.example"], notBeforeSeconds: HTTPCase.june2024, notAfterSeconds: 4_000_000_000)
        #expect(new.pin == old.pin)
        #expect(new.certificate != old.certificate)
        #expect(new.certificate.notAfterSeconds == 4_000_000_000)
        let server = try HTTPServer(HTTPServerConfiguration(identity: old), handler: HTTPCase.echo)
        defer { server.stop() }
        let client = try HTTPCase.client(server, pins: [old.pin])
        #expect(try client.request(.get, "/").status == .ok)
        try server.use(new)
        // The connection that is open goes on; a new one has the new certificate.
        #expect(try client.request(.get, "/").status == .ok)
        #expect(try HTTPCase.client(server, pins: [old.pin]).request(.get, "/").status == .ok)
    }

    @Test func aChangeOfKeyUnderLoadLosesNoRequest() throws {
        let (old, new) = (try HTTPCase.identity("old"), try HTTPCase.identity("new"))
        let server = try HTTPServer(HTTPServerConfiguration(identity: old), handler: HTTPCase.echo)
        defer { server.stop() }
        let isOver = ConditionMutex(false)
        let workers = (0..<4).map { _ in
            Background {
                var count = 0
                while !isOver.read({ $0 }) {
                    // A client of its own each time, as after a lost connection.
                    let client = try HTTPCase.client(server, pins: [old.pin, new.pin])
                    for _ in 0..<5 { count += try client.request(.get, "/").status == .ok ? 1 : 0 }
                }
                return count
            }
        }
        for round in 0..<10 {
            let before = server.metrics.requests
            try server.use(round % 2 == 0 ? new : old)
            #expect(HTTPCase.eventually { server.metrics.requests >= before + 20 })
        }
        try server.use(new)
        isOver.update { $0 = true }
        let total = try workers.reduce(0) { try $0 + $1.value() }
        #expect(total == server.metrics.requests)
        let late = try HTTPCase.client(server, pins: [old.pin])
        #expect(HTTPCase.code { _ = try late.request(.get, "/") } == .pinMismatch)
        #expect(try HTTPCase.client(server, pins: [new.pin]).request(.get, "/").status == .ok)
    }

    @Test func aClientChangesItsOwnKeyAndPins() throws {
        let (mill, press) = (try HTTPCase.identity(), try HTTPCase.identity("press"))
        let server = try HTTPServer(HTTPServerConfiguration(identity: mill), handler: HTTPCase.echo)
        defer { server.stop() }
        let client = try HTTPCase.client(server, pins: [mill.pin])
        #expect(try client.request(.get, "/").headers["X-Peer"] == "none")
        try client.use(trust: .pins([mill.pin]), identity: press)
        #expect(try client.request(.get, "/").headers["X-Peer"] == "press")
        try client.use(trust: .pins([press.pin]), identity: press)
        #expect(HTTPCase.code { _ = try client.request(.get, "/") } == .pinMismatch)
    }
}
