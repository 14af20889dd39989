import Billing
import Testing

/// Texts compare as bytes: an invoice must carry the code that ISO 4217 has.
@Suite struct ReviewCurrencyTests {
    @Test func aCurrencyIsThreeLettersAndNotWhatIsCanonicallyEquivalentToThem() {
        #expect(CurrencyCode(rawValue: "KES") != nil)
        // U+212A KELVIN SIGN is canonically equivalent to the letter K.
        #expect(CurrencyCode(rawValue: "\u{212A}ES") == nil)
        #expect(CurrencyCode(rawValue: "NO\u{212A}") == nil)
    }
}
