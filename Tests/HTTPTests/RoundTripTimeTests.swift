import Testing

@testable import HTTP

/// How long a node waits for another on this machine. It prints, and claims only what a busy machine keeps.
@Suite struct RoundTripTimeTests {
    @Test(arguments: [false, true])
    func aRoundTripOnAKeptConnectionIsShort(overTLS: Bool) throws {
        let identity = try HTTPCase.identity()
        let server = try HTTPServer(
            HTTPServerConfiguration(identity: overTLS ? identity : nil), handler: HTTPCase.echo)
        defer { server.stop() }
        let client =
            overTLS
            ? try HTTPCase.client(server, pins: [identity.pin], identity: identity)
            : try HTTPCase.plainClient(server)
        let body = [UInt8](repeating: 1, count: 500)
        var times: [Duration] = []
        for _ in 0..<500 {
            let began = ContinuousClock.now
            _ = try client.request(.post, "/", body: body)
            times.append(ContinuousClock.now - began)
        }
        times.sort()
        print("round trip, \(overTLS ? "TLS" : "plain"): median \(times[250]), p99 \(times[495])")
        #expect(times[250] < .milliseconds(100))
    }
}
