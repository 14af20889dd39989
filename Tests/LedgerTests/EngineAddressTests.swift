import Ledger
import Testing

@Suite struct EngineAddressTests {
    @Test func readsEveryEngineThereIs() {
        #expect(EngineAddress("embedded:") == .embedded)
        #expect(EngineAddress("embedded:chamber") == .hosted(by: MemberID(unchecked: "chamber")))
        #expect(
            EngineAddress("nats://a.example:4222,[2001:db8::1]:65535")
                == .nats(
                    servers: [
                        .init(host: "a.example", port: 4222), .init(host: "[2001:db8::1]", port: 65535),
                    ],
                    isEncrypted: false))
        #expect(
            EngineAddress("nats-tls://10.0.0.1:1")
                == .nats(servers: [.init(host: "10.0.0.1", port: 1)], isEncrypted: true))
    }

    @Test(arguments: [
        "", "embedded", "Embedded:", "embedded://", "embedded:Chamber", "https://a.example", "ethereum:1",
        "nats:", "nats:a:1", "nats://", "nats://a", "nats://a:", "nats://a:0", "nats://a:01",
        "nats://a:65536",
        "nats://a:+1", "nats://a:1,", "nats://a:1,a:1", "nats://:1", "nats://-a:1", "nats://user:secret@a:1",
        "nats://a:1/x", "nats://[a:1", "nats://[]:1", "nats://[1]:1", "nats://a b:1", "nats://é:1",
        "nats://" + String(repeating: "a", count: 250) + ":1",
        "nats://" + (1...17).map { "a:\($0)" }.joined(separator: ","),
    ]) func refusesAnyOther(_ text: String) { #expect(EngineAddress(text) == nil) }
}
