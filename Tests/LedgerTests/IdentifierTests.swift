import Codec
import Cryptography
import Testing

@testable import Ledger

@Suite struct IdentifierTests {
    /// The bytes that RFC 9679 §3 hashes, written out by hand.
    @Test func keyNamesHashTheRequiredParametersOnly() throws {
        let x = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        let publicKey = try #require(Hex.decode(x))
        let hashed = try #require(Hex.decode("a3" + "0101" + "2006" + "215820" + x))
        #expect(KeyID(publicKey: publicKey, hash: SHA256.hash).digest == SHA256.digest(hashed))
    }

    @Test(arguments: [
        ChangeReference(height: 0, position: 0), ChangeReference(height: 7, position: 258),
        ChangeReference(height: .max, position: .max),
    ])
    func changeReferencesReadBackFromTheirKeys(reference: ChangeReference) {
        #expect(ChangeReference(keyBytes: reference.keyBytes) == reference)
        #expect(ChangeReference(keyBytes: reference.keyBytes.dropLast()) == nil)
    }

    @Test func bigEndianNumbersReadBack() {
        for number in [0, 1, 255, 256, 1 << 63, UInt64.max] as [UInt64] {
            #expect(bigEndianNumber(bigEndianBytes(number)) == number)
        }
    }
}
