import Foundation
import Testing

@testable import HTTP

/// Requests and answers over plain HTTP.
@Suite struct RoundTripTests {
    @Test(arguments: [HTTPMethod.get, .post, .put, .patch, .delete])
    func aHandlerSeesWhatTheClientSays(_ method: HTTPMethod) throws {
        let server = try HTTPServer(handler: HTTPCase.echo)
        defer { server.stop() }
        let client = try HTTPCase.plainClient(server)
        let body = method == .get ? [] : Array("work".utf8)
        let answer = try client.request(method, HTTPTarget(["a b", "c/d", "é?"]), body: body)
        #expect(answer.status == .ok)
        #expect(answer.body == body)
        #expect(answer.headers["x-method"] == method.rawValue)
        #expect(answer.headers["X-PATH"] == "a b|c/d|é?")
        #expect(answer.headers["X-Peer"] == "none")
    }

    @Test func aConnectionIsKeptForTheNextRequest() throws {
        let server = try HTTPServer(handler: HTTPCase.echo)
        defer { server.stop() }
        let client = try HTTPCase.plainClient(server)
        for number in 0..<100 {
            let body = [UInt8](repeating: UInt8(number), count: number * 1_000)
            #expect(try client.request(.post, "/", body: body).body == body)
        }
        #expect(server.metrics.openConnections == 1)
        #expect(server.metrics.requests == 100)
    }

    @Test func aHeadHasNoBody() throws {
        let server = try HTTPServer { _ in HTTPResponse(type: "text/plain", Array("long".utf8)) }
        defer { server.stop() }
        let answer = try HTTPCase.plainClient(server).request(.head, "/")
        #expect(answer.body.isEmpty)
        #expect(answer.headers["Content-Length"] == "4")
    }

    @Test func whatAHandlerThrowsIsAProblem() throws {
        struct Odd: Error {}
        let failures = ConditionMutex(0)
        var configuration = HTTPServerConfiguration()
        configuration.onFailure = { _, _ in failures.update { $0 += 1 } }
        let server = try HTTPServer(configuration) { request in
            switch request.path.first {
            case "known": throw Problem(.notFound, "machine.not_found", "there is no machine \"7\"")
            case "header": return HTTPResponse(.ok, ["X-Bad": "a\r\nSet-Cookie: b"])
            default: throw Odd()
            }
        }
        defer { server.stop() }
        let client = try HTTPCase.plainClient(server)
        let known = try client.request(.get, "/known")
        #expect(known.headers["Content-Type"] == "application/problem+json")
        #expect(known.problem == Problem(.notFound, "machine.not_found", "there is no machine \"7\""))
        #expect(HTTPCase.code { try known.successful() } == .status)
        for target in ["/odd", "/header"] {
            let answer = try client.request(.get, HTTPTarget(stringLiteral: target))
            #expect(answer.status == .internalError)
            #expect(answer.problem?.code == "http.internal")
        }
        #expect(failures.read { $0 } == 2)
        #expect(server.metrics.failures == 2)
    }

    @Test func eightClientsAreServedAtOnce() throws {
        let server = try HTTPServer(handler: HTTPCase.echo)
        defer { server.stop() }
        let client = try HTTPCase.plainClient(server)
        let workers = (0..<8).map { worker in
            Background {
                (0..<100).filter { number in
                    let body = Array("\(worker) \(number)".utf8)
                    return (try? client.request(.post, "/", body: body))?.body == body
                }.count
            }
        }
        for worker in workers { #expect(try worker.value() == 100) }
        #expect(server.metrics.requests == 800)
    }

    @Test(arguments: [
        ("/a/b", ["a", "b"]), ("/", []), ("/a//b/", ["a", "", "b", ""]), ("/%2e%2fx", ["./x"]),
        ("/%C3%A9", ["é"]),
    ])
    func targetsAreRead(_ text: String, _ components: [String]) {
        #expect(HTTPTarget(parsing: text)?.components == components)
    }

    @Test(arguments: ["", "a", "*", "/%", "/%2", "/%zz", "/%00", "/%ff", "/../a", "/a/%2e%2e", "/?a=%0"])
    func malformedTargetsAreRefused(_ text: String) {
        #expect(HTTPTarget(parsing: text) == nil)
    }

    @Test func targetsGoThereAndBack() {
        let target = HTTPTarget(
            ["a b", "ü/%", "+"], query: [.init("from", "1&2"), .init("", "="), .init("é", "a+b c")])
        #expect(HTTPTarget(parsing: target.description) == target)
        #expect(
            HTTPTarget(parsing: "/x?a=1+2&b&a=3")?.query == [
                .init("a", "1 2"), .init("b", ""), .init("a", "3"),
            ])
    }
}
