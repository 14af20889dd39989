import Codec
import Cryptography
import Foundation
import TestSupport
import Testing

/// Project Wycheproof's cases, each run; the counts are of the vendored files, so that none can vanish
/// unnoticed.
@Suite(.enabled(if: SharedFiles.isPresent, "needs ../shared/vectors"))
struct WycheproofTests {
    private struct File<Group: Decodable>: Decodable {
        let numberOfTests: Int
        let testGroups: [Group]
    }

    private func groups<Group: Decodable>(_ name: String, count: Int) throws -> [Group] {
        let data = Data(try SharedFiles.bytes("vectors/wycheproof/\(name)_test.json"))
        let file = try JSONDecoder().decode(File<Group>.self, from: data)
        #expect(file.numberOfTests == count)
        return file.testGroups
    }

    private func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex)) }

    private struct SignatureGroup: Decodable {
        struct Key: Decodable { let pk: String }
        struct Case: Decodable { let tcId: Int, msg: String, sig: String, result: String }
        let publicKey: Key
        let tests: [Case]
    }

    /// 151 cases: 88 valid, 63 invalid, none left to choice.
    @Test func ed25519AcceptsTheValidAndRefusesTheInvalid() throws {
        let groups: [SignatureGroup] = try groups("ed25519", count: 151)
        var (accepted, refused) = (0, 0)
        for group in groups {
            let key = try bytes(group.publicKey.pk)
            for test in group.tests {
                let isValid = Ed25519.verify(
                    publicKey: key, signature: try bytes(test.sig), message: try bytes(test.msg))
                #expect(isValid == (test.result == "valid"), "case \(test.tcId)")
                if isValid { accepted += 1 } else { refused += 1 }
            }
        }
        #expect(accepted == 88)
        #expect(refused == 63)
    }

    private struct AgreementGroup: Decodable {
        struct Case: Decodable {
            let tcId: Int, flags: [String], shared: String, result: String
            let `public`: String, `private`: String
        }
        let tests: [Case]
    }

    /// 518 cases: 264 valid; of 254 acceptable ones, those with an all-zero secret are refused and the rest
    /// computed.
    @Test func x25519AgreesAndRefusesSmallOrderPoints() throws {
        let groups: [AgreementGroup] = try groups("x25519", count: 518)
        var (computed, refused) = (0, 0)
        for test in groups.flatMap(\.tests) {
            let key = try SealingKey(secret: SecretBytes(try bytes(test.private)))
            let point = try bytes(test.public)
            if test.flags.contains("ZeroSharedSecret") {
                #expect(throws: CryptographyError(.invalidKey), "case \(test.tcId)") {
                    try key.sharedSecret(with: point)
                }
                #expect(test.result == "acceptable")
                refused += 1
            } else {
                #expect(
                    try key.sharedSecret(with: point).exposed() == bytes(test.shared), "case \(test.tcId)")
                computed += 1
            }
        }
        #expect(refused == 31)
        #expect(computed == 487)
    }

    private struct SealGroup: Decodable {
        struct Case: Decodable {
            let tcId: Int, flags: [String]
            let key: String, iv: String, aad: String, msg: String, ct: String, tag: String, result: String
        }
        let tests: [Case]
    }

    /// 315 cases: 246 valid, 60 with a changed tag, 9 with a nonce of another length.
    @Test func xchacha20Poly1305SealsAndOpens() throws {
        let groups: [SealGroup] = try groups("xchacha20_poly1305", count: 315)
        var (valid, changed, badNonce) = (0, 0, 0)
        for test in groups.flatMap(\.tests) {
            let key = try SymmetricKey(SecretBytes(try bytes(test.key)))
            let (nonce, extra) = (try bytes(test.iv), try bytes(test.aad))
            let (message, sealed) = (try bytes(test.msg), try bytes(test.ct + test.tag))
            let opened = Result {
                try XChaCha20Poly1305.open(sealed, additionalData: extra, nonce: nonce, key: key)
            }
            if test.result == "valid" {
                #expect(try opened.get() == message, "case \(test.tcId)")
                #expect(
                    try XChaCha20Poly1305.seal(message, additionalData: extra, nonce: nonce, key: key)
                        == sealed, "case \(test.tcId)")
                valid += 1
            } else if test.flags.contains("InvalidNonceSize") {
                #expect(throws: CryptographyError(.invalidKey), "case \(test.tcId)") { try opened.get() }
                badNonce += 1
            } else {
                #expect(throws: CryptographyError(.notAuthentic), "case \(test.tcId)") { try opened.get() }
                changed += 1
            }
        }
        #expect(valid == 246)
        #expect(changed == 60)
        #expect(badNonce == 9)
    }
}
