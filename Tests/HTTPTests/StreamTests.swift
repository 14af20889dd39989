import Cryptography
import Foundation
import Testing

@testable import HTTP

/// Answers without an end: votes, batches and blocks go from node to node in them.
@Suite struct StreamTests {
    private static func milliseconds(_ body: () throws -> Void) rethrows -> Int {
        let before = MonotonicClock.milliseconds
        try body()
        return MonotonicClock.milliseconds - before
    }

    /// A server whose every answer is the stream of the given outbox.
    private static func server(
        _ outbox: StreamOutbox, heartbeat: Int = 50, identity: TLSIdentity? = nil
    ) throws -> HTTPServer {
        try HTTPServer(HTTPServerConfiguration(identity: identity)) { _ in
            HTTPResponse(stream: outbox.stream(everyMilliseconds: heartbeat))
        }
    }

    @Test(arguments: [false, true])
    func tenThousandFramesArriveInOrder(overTLS: Bool) throws {
        let outbox = StreamOutbox()
        let identity = try HTTPCase.identity()
        let server = try Self.server(outbox, identity: overTLS ? identity : nil)
        defer { server.stop() }
        let client =
            overTLS ? try HTTPCase.client(server, pins: [identity.pin]) : try HTTPCase.plainClient(server)
        let sent = Background {
            for number in 0..<10_000 {
                let frame = Frame.encode(Array("\(number)".utf8) + [UInt8](repeating: 7, count: number % 97))
                while !outbox.push(frame) {}
            }
            outbox.finish()
        }
        var received: [Int] = []
        try client.frames(.get, "/", maximumFrameBytes: 1_000) { message in
            received.append(Int(String(decoding: message.prefix { $0 != 7 }, as: UTF8.self)) ?? -1)
        }
        try sent.value()
        #expect(received == Array(0..<10_000))
    }

    @Test func aMessageArrivesAtOnceThoughTheStreamGoesOn() throws {
        let outbox = StreamOutbox()
        let server = try Self.server(outbox, heartbeat: 10_000)
        defer { server.stop() }
        let client = try HTTPCase.plainClient(server)
        let (arrived, cancellation) = (ConditionMutex(0), HTTPCancellation())
        let ended = Background {
            HTTPCase.code {
                try client.frames(.get, "/", maximumFrameBytes: 9, cancellation: cancellation) { _ in
                    arrived.update { $0 += 1 }
                }
            }
        }
        for number in 1...20 {
            #expect(outbox.push(Frame.encode([1])))
            #expect(arrived.wait(milliseconds: 9_000, until: { $0 >= number }))
        }
        cancellation.cancel()
        #expect(try ended.value() == .cancelled)
    }

    @Test func givingUpReturnsAtOnceAndTheServerNotices() throws {
        let outbox = StreamOutbox()
        let server = try Self.server(outbox, heartbeat: 10_000)
        defer { server.stop() }
        let client = try HTTPCase.plainClient(server)
        let cancellation = HTTPCancellation()
        let ended = Background {
            let code = HTTPCase.code { try client.stream(.get, "/", cancellation: cancellation) { _ in } }
            return (code, MonotonicClock.milliseconds)
        }
        #expect(HTTPCase.eventually { server.metrics.openStreams == 1 })
        let before = MonotonicClock.milliseconds
        cancellation.cancel()
        let (code, after) = try ended.value()
        #expect(code == .cancelled)
        #expect(after - before < 2_000)
        #expect(HTTPCase.eventually { server.metrics.openStreams == 0 })
        #expect(outbox.isFinished, "whoever pushes learns that the client has gone")
    }

    @Test func aSilentServerIsGivenUpButHeartbeatsKeepAStream() throws {
        let (silent, beating) = (StreamOutbox(), StreamOutbox())
        let silentServer = try Self.server(silent, heartbeat: 10_000)
        let beatingServer = try Self.server(beating, heartbeat: 20)
        defer {
            silentServer.stop()
            beatingServer.stop()
        }
        let first = HTTPCase.code {
            try HTTPCase.plainClient(silentServer).stream(.get, "/", silenceMilliseconds: 200) { _ in }
        }
        #expect(first == .silent)
        var beats = 0
        try HTTPCase.plainClient(beatingServer).stream(.get, "/", silenceMilliseconds: 9_000) {
            beats += $0.count / 4
            if beats > 10 { beating.finish() }
        }
        #expect(beats > 10)
    }

    @Test func stoppingEndsOpenStreamsPromptly() throws {
        let outboxes = (0..<10).map { _ in StreamOutbox() }
        let next = ConditionMutex(0)
        let identity = try HTTPCase.identity()
        let server = try HTTPServer(HTTPServerConfiguration(identity: identity)) { _ in
            let number = next.update { number in
                defer { number += 1 }
                return number
            }
            return HTTPResponse(stream: outboxes[number].stream(everyMilliseconds: 10_000))
        }
        let client = try HTTPCase.client(server, pins: [identity.pin])
        let calls = outboxes.map { _ in
            Background { HTTPCase.code { try client.stream(.get, "/") { _ in } } }
        }
        #expect(HTTPCase.eventually { server.metrics.openStreams == 10 })
        let took = Self.milliseconds { server.stop() }
        #expect(took < 2_000, "alone it takes about 0.1 s")
        let codes = try calls.map { try $0.value() }
        #expect(codes == Array(repeating: .interrupted, count: 10))
        #expect(outboxes.allSatisfy { $0.isFinished })
        #expect(HTTPCase.code { _ = try client.request(.get, "/") } == .unreachable)
    }

    @Test func aClientThatDoesNotReadLosesItsStreamAndNothingElse() throws {
        let outbox = StreamOutbox(limit: 1 << 16)
        let server = try Self.server(outbox)
        defer { server.stop() }
        let client = try HTTPCase.plainClient(server)
        let (gate, code) = (ConditionMutex(false), ConditionMutex<HTTPError.Code?>(nil))
        let ended = Background {
            let result = HTTPCase.code {
                try client.stream(.get, "/") { _ in
                    gate.wait(milliseconds: 30_000, until: { $0 })
                }
            }
            code.update { $0 = result }
        }
        #expect(HTTPCase.eventually { !outbox.push(Frame.encode([UInt8](repeating: 1, count: 9_999))) })
        gate.update { $0 = true }
        try ended.value()
        #expect(code.read { $0 } == .interrupted)
    }

    @Test func aProducerIsAskedAndMayFail() throws {
        struct Broken: Error {}
        let asked = ConditionMutex(0)
        let server = try HTTPServer { request in
            HTTPResponse(
                stream: HTTPStream { _ in
                    let number = asked.update { count in
                        defer { count += 1 }
                        return count
                    }
                    if number < 3 { return .bytes(Frame.encode([UInt8(number)])) }
                    if request.path == ["broken"] { throw Broken() }
                    return .end
                })
        }
        defer { server.stop() }
        let client = try HTTPCase.plainClient(server)
        var received: [[UInt8]] = []
        try client.frames(.get, "/", maximumFrameBytes: 1) { received.append($0) }
        #expect(received == [[0], [1], [2]])
        asked.update { $0 = 0 }
        let code = HTTPCase.code { try client.frames(.get, "/broken", maximumFrameBytes: 1) { _ in } }
        #expect(code == .interrupted)
    }

    @Test func aRefusedStreamSaysWhy() throws {
        let server = try HTTPServer { _ in throw Problem(.forbidden, "peer.unknown", "no member has this key")
        }
        defer { server.stop() }
        do {
            try HTTPCase.plainClient(server).stream(.get, "/") { _ in Issue.record("no bytes") }
            Issue.record("no error")
        } catch let error as HTTPError {
            #expect(error.code == .status)
            #expect(error.status == 403)
            #expect(error.problem?.code == "peer.unknown")
        }
    }

    @Test func framesSurviveEveryCut() throws {
        let messages = [[1], [UInt8](repeating: 2, count: 300), [3, 4]]
        let bytes = Frame.heartbeat + messages.flatMap { Frame.encode($0) + Frame.heartbeat }
        for size in [1, 2, 3, 5, 64, 1_000] {
            var decoder = FrameDecoder(limit: 300)
            var received: [[UInt8]] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                decoder.append(Array(bytes[start..<min(start + size, bytes.count)]))
                while let message = try decoder.next() { received.append(message) }
            }
            #expect(received == messages)
            #expect(decoder.pendingBytes == 0)
        }
    }

    @Test func aFrameOverTheLimitIsRefusedByItsLengthAlone() {
        var decoder = FrameDecoder(limit: 300)
        decoder.append([0, 0, 1, 45])
        #expect(HTTPCase.code { _ = try decoder.next() } == .tooLarge)
    }
}
