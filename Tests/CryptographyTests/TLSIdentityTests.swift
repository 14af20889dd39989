import Codec
import Testing

@testable import Cryptography

/// Keys for TLS and the certificates that carry them.
@Suite struct TLSIdentityTests {
    private static func make(
        _ name: String = "node", _ hosts: [String] = [], from: Int64 = 1_700_000_000,
        to: Int64 = 1_800_000_000
    ) throws(CryptographyError) -> TLSIdentity {
        try TLSIdentity.generate(
            commonName: name, hosts: hosts, notBeforeSeconds: from, notAfterSeconds: to)
    }

    @Test func whatIsKeptIsReadAgain() throws {
        let made = try Self.make("Ölmühle", ["mill.example", "10.0.0.7", "::1"])
        let read = try TLSIdentity(
            certificatePEM: made.certificatePEM, privateKeyPEM: made.privateKeyPEM)
        #expect(read == made)
        #expect(read.certificate.commonName == "Ölmühle")
        #expect(read.certificate.notBeforeSeconds == 1_700_000_000)
        #expect(read.certificate.notAfterSeconds == 1_800_000_000)
        #expect(try TLSCertificate(der: made.certificate.der) == made.certificate)
    }

    @Test(arguments: [(0, 1), (2_524_607_999, 2_524_608_000), (0, 253_402_300_799)] as [(Int64, Int64)])
    func datesAreExact(_ from: Int64, _ to: Int64) throws {
        let certificate = try Self.make(from: from, to: to).certificate
        #expect(certificate.notBeforeSeconds == from)
        #expect(certificate.notAfterSeconds == to)
        #expect(!certificate.isExpired(atSeconds: to))
        #expect(certificate.isExpired(atSeconds: to + 1))
    }

    @Test func everyKeyIsAnother() throws {
        let pins = try Set((0..<8).map { _ in try Self.make().pin })
        #expect(pins.count == 8)
        let renewed = try Self.make().renewed(hosts: [], notBeforeSeconds: 5, notAfterSeconds: 6)
        #expect(!pins.contains(renewed.pin))
    }

    @Test(arguments: [
        "", "a,IP:1.2.3.4", "a\nb", "dirName:x", "mill example", "*", "1.2.3.4.5", "::g", "1::2::3",
        String(repeating: "a", count: 254),
    ])
    func hostsThatAreNoneAreRefused(_ host: String) {
        #expect(throws: CryptographyError(.malformed)) { try Self.make("node", [host]) }
    }

    @Test(arguments: ["", "a\u{0}b", String(repeating: "a", count: 65)])
    func namesThatDoNotFitAreRefused(_ name: String) {
        #expect(throws: CryptographyError(.malformed)) { try Self.make(name) }
    }

    @Test(arguments: [(5, 5), (6, 5), (-1, 5), (0, 253_402_300_800)] as [(Int64, Int64)])
    func datesThatDoNotFitAreRefused(_ from: Int64, _ to: Int64) {
        #expect(throws: CryptographyError(.malformed)) { try Self.make(from: from, to: to) }
    }

    @Test func anotherCertificatesKeyIsRefused() throws {
        let (one, other) = (try Self.make(), try Self.make())
        #expect(throws: CryptographyError(.invalidKey)) {
            try TLSIdentity(certificatePEM: one.certificatePEM, privateKeyPEM: other.privateKeyPEM)
        }
        #expect(throws: CryptographyError(.malformed)) {
            try TLSIdentity(certificatePEM: one.privateKeyPEM, privateKeyPEM: one.privateKeyPEM)
        }
        #expect(throws: CryptographyError(.malformed)) {
            try TLSIdentity(certificatePEM: one.certificatePEM, privateKeyPEM: "")
        }
    }

    @Test func anEncryptedKeyIsRefusedWithoutAskingForAPassphrase() throws {
        let made = try Self.make()
        let encrypted = """
            -----BEGIN EC PRIVATE KEY-----
            Proc-Type: 4,ENCRYPTED
            DEK-Info: AES-256-CBC,00000000000000000000000000000000

            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
            -----END EC PRIVATE KEY-----

            """
        #expect(throws: CryptographyError(.malformed)) {
            try TLSIdentity(certificatePEM: made.certificatePEM, privateKeyPEM: encrypted)
        }
    }

    @Test func damagedCertificatesAreRefusedOrOthers() throws {
        let der = try Self.make().certificate.der
        for length in 0..<der.count {
            #expect(throws: CryptographyError(.malformed)) { try TLSCertificate(der: Array(der[..<length])) }
        }
        #expect(throws: CryptographyError(.malformed)) { try TLSCertificate(der: der + [0]) }
        for index in der.indices {
            var changed = der
            changed[index] ^= 0x41
            // Reading is all that is asked of it: a changed signature is for the handshake to find.
            _ = try? TLSCertificate(der: changed)
        }
    }

    @Test func aPrintedIdentityShowsNoKey() throws {
        let made = try Self.make("mill")
        var dumped = ""
        dump(made, to: &dumped)
        for text in ["\(made)", String(reflecting: made), dumped] {
            #expect(text.contains(made.pin.description))
            #expect(!text.contains("PRIVATE"))
        }
    }
}
