import Cryptography
import Foundation
import Testing

@testable import HTTP

/// What a server takes from strangers.
@Suite struct LimitTests {
    @Test(arguments: [1_001, 100_000, 900_000, 3_000_000], [false, true])
    func aBodyOverTheLimitIsRefusedAndTheServerGoesOn(_ count: Int, overTLS: Bool) throws {
        let mill = try HTTPCase.identity()
        var configuration = HTTPServerConfiguration(identity: overTLS ? mill : nil)
        configuration.maximumBodyBytes = { method, target in
            target.components == ["large"] ? 4_000_000 : 1_000
        }
        let server = try HTTPServer(configuration, handler: HTTPCase.echo)
        defer { server.stop() }
        let client =
            overTLS ? try HTTPCase.client(server, pins: [mill.pin]) : try HTTPCase.plainClient(server)
        let body = [UInt8](repeating: 1, count: count)
        let answer = try client.request(.post, "/", body: body)
        #expect(answer.status == .contentTooLarge)
        #expect(answer.problem?.code == "http.too_large")
        #expect(try client.request(.post, "/large", body: body).body == body)
        #expect(try client.request(.post, "/", body: [UInt8](repeating: 1, count: 1_000)).status == .ok)
        #expect(server.metrics.requests == 2, "no handler saw the body that was refused")
    }

    @Test func aBodyWithoutALengthIsBounded() throws {
        var configuration = HTTPServerConfiguration()
        configuration.maximumBodyBytes = { _, _ in 1_000 }
        let server = try HTTPServer(configuration, handler: HTTPCase.echo)
        defer { server.stop() }
        let small = try RawConnection(port: server.port)
        let chunk = "400\r\n" + String(repeating: "x", count: 1_024) + "\r\n"
        small.send("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
        small.send(chunk + "0\r\n\r\n")
        #expect(small.readToEnd()?.contains("413") == true)
        let endless = try RawConnection(port: server.port)
        endless.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        var sent = 0
        while sent < 64 << 20, endless.send(chunk) { sent += chunk.utf8.count }
        #expect(sent < 64 << 20, "the connection is cut off")
    }

    @Test(arguments: [
        "\u{0}\u{1}\u{2}garbage\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET /\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "GET /" + String(repeating: "a", count: 100_000) + " HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "a", count: 100_000) + "\r\n\r\n",
    ])
    func garbageEndsItsConnectionOnly(_ text: String) throws {
        let mill = try HTTPCase.identity()
        var configuration = HTTPServerConfiguration()
        configuration.firstRequestSeconds = 1
        let plain = try HTTPServer(configuration, handler: HTTPCase.echo)
        configuration.identity = mill
        let secure = try HTTPServer(configuration, handler: HTTPCase.echo)
        defer {
            plain.stop()
            secure.stop()
        }
        for server in [plain, secure] {
            let stranger = try RawConnection(port: server.port)
            stranger.send(text)
            let answer = try #require(stranger.readToEnd())
            #expect(answer.isEmpty || !answer.contains(" 200 "))
        }
        #expect(try HTTPCase.plainClient(plain).request(.get, "/").status == .ok)
        #expect(try HTTPCase.client(secure, pins: [mill.pin]).request(.get, "/").status == .ok)
        #expect(plain.metrics.requests == 1)
    }

    @Test(arguments: [false, true])
    func whoSendsAByteNowAndThenIsCutOffWhileOthersAreServed(_ isBody: Bool) throws {
        var configuration = HTTPServerConfiguration()
        (configuration.firstRequestSeconds, configuration.bodySeconds) = (1, 1)
        let server = try HTTPServer(configuration, handler: HTTPCase.echo)
        defer { server.stop() }
        let slow = try (0..<8).map { _ in try RawConnection(port: server.port) }
        let head = "POST / HTTP/1.1\r\nHost: a\r\n" + (isBody ? "Content-Length: 100000\r\n\r\n" : "X: ")
        for connection in slow { connection.send(head) }
        let client = try HTTPCase.plainClient(server)
        let isCutOff = HTTPCase.eventually {
            for connection in slow { connection.send("x") }
            #expect((try? client.request(.get, "/").status) == .ok)
            return server.metrics.timeouts >= slow.count
        }
        #expect(isCutOff)
        for connection in slow { #expect(connection.readToEnd() != nil) }
    }

    @Test func whoOnlyConnectsIsCutOff() throws {
        let mill = try HTTPCase.identity()
        var configuration = HTTPServerConfiguration(identity: mill)
        configuration.firstRequestSeconds = 1
        let server = try HTTPServer(configuration, handler: HTTPCase.echo)
        defer { server.stop() }
        let silent = try RawConnection(port: server.port)
        #expect(silent.readToEnd() == "")
        #expect(HTTPCase.eventually { server.metrics.openConnections == 0 })
    }

    @Test func connectionsOverTheLimitAreClosedUntilThereIsAPlace() throws {
        var configuration = HTTPServerConfiguration()
        configuration.maximumConnections = 4
        let server = try HTTPServer(configuration, handler: HTTPCase.echo)
        defer { server.stop() }
        var held = try (0..<4).map { _ in try RawConnection(port: server.port) }
        for connection in held {
            connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(connection.read(milliseconds: 20_000)?.isEmpty == false)
        }
        #expect(try RawConnection(port: server.port).readToEnd() == "")
        let client = try HTTPCase.plainClient(server)
        #expect(HTTPCase.code { _ = try client.request(.get, "/") } != nil)
        held.removeLast()
        #expect(HTTPCase.eventually { (try? client.request(.get, "/").status) == .ok })
        #expect(server.metrics.openConnections <= 4)
    }

    @Test func oneAddressHasItsOwnLimit() throws {
        var configuration = HTTPServerConfiguration()
        configuration.maximumConnectionsPerAddress = 2
        let server = try HTTPServer(configuration, handler: HTTPCase.echo)
        defer { server.stop() }
        let held = try (0..<2).map { _ in try RawConnection(port: server.port) }
        for connection in held {
            connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(connection.read(milliseconds: 20_000)?.isEmpty == false)
        }
        #expect(try RawConnection(port: server.port).readToEnd() == "")
    }

    @Test func aHandlerMayTakeLongerThanAConnectionMayBeStill() throws {
        var configuration = HTTPServerConfiguration()
        (configuration.stallSeconds, configuration.firstRequestSeconds) = (1, 1)
        configuration.idleSeconds = 1
        let nothing = ConditionMutex(())
        let server = try HTTPServer(configuration) { _ in
            nothing.wait(milliseconds: 2_500, until: { _ in false })
            return HTTPResponse(text: "done")
        }
        defer { server.stop() }
        #expect(try HTTPCase.plainClient(server).request(.get, "/").body == Array("done".utf8))
    }

    @Test func aStreamWithHeartbeatsOutlivesEveryLimit() throws {
        var configuration = HTTPServerConfiguration()
        (configuration.stallSeconds, configuration.firstRequestSeconds) = (1, 1)
        (configuration.idleSeconds, configuration.bodySeconds) = (1, 1)
        let outbox = StreamOutbox()
        let server = try HTTPServer(configuration) { _ in HTTPResponse(stream: outbox.stream()) }
        defer { server.stop() }
        let began = MonotonicClock.milliseconds
        try HTTPCase.plainClient(server).stream(.get, "/") { _ in
            if MonotonicClock.milliseconds - began > 3_000 { outbox.finish() }
        }
    }

    @Test func aWaitingHandlerLearnsThatNobodyNeedsItsAnswer() throws {
        let abandoned = ConditionMutex(0)
        let nothing = ConditionMutex(())
        let server = try HTTPServer { request in
            while !request.isAbandoned {
                nothing.wait(milliseconds: 10, until: { _ in false })
            }
            abandoned.update { $0 += 1 }
            throw Problem(.unavailable, "node.stopping", "the node stops")
        }
        let client = try HTTPCase.plainClient(server)
        #expect(HTTPCase.code { _ = try client.request(.get, "/", totalMilliseconds: 200) } == .timeout)
        #expect(abandoned.wait(milliseconds: 20_000, until: { $0 == 1 }))
        #expect(HTTPCase.eventually { server.metrics.activeRequests == 0 })
        let last = Background { try client.request(.get, "/").problem?.code }
        #expect(HTTPCase.eventually { server.metrics.activeRequests == 1 })
        server.stop(graceMilliseconds: 20_000)
        #expect(try last.value() == "node.stopping", "it is answered before the server ends")
        #expect(server.metrics.openConnections == 0)
    }

    @Test func aClientIsBoundedToo() throws {
        let server = try HTTPServer { request in
            HTTPResponse(
                .ok, request.path == ["header"] ? ["X-Long": String(repeating: "a", count: 20_000)] : [:],
                [UInt8](repeating: 1, count: 100_000))
        }
        defer { server.stop() }
        let client = try HTTPCase.plainClient(server)
        #expect(
            HTTPCase.code { _ = try client.request(.get, "/", maximumBodyBytes: 99_999) } == .tooLarge)
        #expect(try client.request(.get, "/", maximumBodyBytes: 100_000).body.count == 100_000)
        #expect(try client.request(.get, "/header").headers["X-Long"]?.utf8.count == 20_000)
        #expect(
            HTTPCase.code { _ = try client.request(.get, "/", headers: ["X": "a\r\nB: c"]) } == .badRequest)
    }

    @Test func nobodyThereIsUnreachable() throws {
        let server = try HTTPServer(handler: HTTPCase.echo)
        let client = try HTTPCase.plainClient(server)
        #expect(try client.request(.get, "/").status == .ok)
        server.stop()
        #expect(HTTPCase.code { _ = try client.request(.get, "/") } == .unreachable)
        let again = try HTTPServer(HTTPServerConfiguration(port: server.port), handler: HTTPCase.echo)
        defer { again.stop() }
        #expect(try client.request(.get, "/").status == .ok, "and there again")
        #expect(
            HTTPCase.code {
                _ = try HTTPServer(HTTPServerConfiguration(port: again.port), handler: HTTPCase.echo)
            }
                == .server)
    }

    @Test(arguments: [false, true])
    func aServerThatGoesAwayDuringUploadsIsAnErrorAndNothingWorse(overTLS: Bool) throws {
        let mill = try HTTPCase.identity()
        for _ in 0..<3 {
            var configuration = HTTPServerConfiguration(identity: overTLS ? mill : nil)
            configuration.maximumBodyBytes = { _, _ in 64 << 20 }
            let server = try HTTPServer(configuration, handler: HTTPCase.echo)
            let workers = try (0..<4).map { _ in
                let client =
                    overTLS ? try HTTPCase.client(server, pins: [mill.pin]) : try HTTPCase.plainClient(server)
                return Background {
                    HTTPCase.code {
                        while true {
                            _ = try client.request(.post, "/", body: .init(repeating: 1, count: 8 << 20))
                        }
                    }
                }
            }
            #expect(HTTPCase.eventually { server.metrics.requests >= 4 })
            server.stop(graceMilliseconds: 0)
            for worker in workers {
                let code = try worker.value()
                #expect([.interrupted, .unreachable, .tls].contains(code), "\(String(describing: code))")
            }
        }
    }

    @Test func anAnswerThatMayHaveNoBodyHasNone() throws {
        let server = try HTTPServer { _ in HTTPResponse(.noContent, type: "text/plain", [1, 2, 3]) }
        defer { server.stop() }
        let client = try HTTPCase.plainClient(server)
        for _ in 0..<2 {
            let answer = try client.request(.get, "/")
            #expect(answer.status == .noContent)
            #expect(answer.body.isEmpty)
        }
    }

    @Test func aClosedClientCallsNobody() throws {
        let gate = ConditionMutex(false)
        let server = try HTTPServer { _ in
            gate.wait(milliseconds: 20_000, until: { $0 })
            return HTTPResponse()
        }
        defer { server.stop() }
        let client = try HTTPCase.plainClient(server)
        let code = Background { HTTPCase.code { _ = try client.request(.get, "/") } }
        #expect(HTTPCase.eventually { server.metrics.activeRequests == 1 })
        client.close()
        #expect(try code.value() == .cancelled)
        gate.update { $0 = true }
        #expect(HTTPCase.code { _ = try client.request(.get, "/") } == .cancelled)
    }
}
