import Codec
import Testing

@testable import Ledger

/// A delegated key signs what its scopes list, letter for letter.
@Suite struct ReviewScopeTests {
    @Test func scopesCompareAsBytesAndNotByCanonicalEquivalence() {
        let key = KeyRecord(
            id: KeyID(.zero), publicKey: Bytes([]), account: MemberID(unchecked: "alpha"), kind: .delegate,
            scopes: ["consortium.revokeKey", "machine.*"], since: 0)
        #expect(key.covers(contract: "consortium", action: "revokeKey"))
        #expect(key.covers(contract: "machine", action: "start"))
        #expect(!key.covers(contract: "machine.start", action: "now"))
        // U+212A KELVIN SIGN is canonically equivalent to the letter K.
        #expect(!key.covers(contract: "consortium", action: "revoke\u{212A}ey"))
    }
}
