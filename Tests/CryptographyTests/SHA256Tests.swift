import Codec
import Cryptography
import Testing

@Suite struct SHA256Tests {
    /// FIPS 180-4 examples and the empty message.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func agreesWithTheStandard(_ text: String, _ digest: String) {
        #expect(SHA256.digest(Array(text.utf8)).description == digest)
        #expect(SHA256.hash(Array(text.utf8)).description == digest)
    }

    @Test func streamsAsItHashesAtOnce() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for step in [1, 31, 64, 65, 999, 1000] {
            var stream = SHA256.Stream()
            var start = 0
            while start < bytes.count {
                let end = min(start + step, bytes.count)
                stream.update(bytes[start..<end])
                #expect(stream.digest() == SHA256.digest(Array(bytes[..<end])))
                start = end
            }
        }
    }

    @Test func aCopyOfAStreamIsAFork() {
        var left = SHA256.Stream()
        left.update([1])
        var right = left
        right.update([2])
        #expect(left.digest() == SHA256.digest([1]))
        #expect(right.digest() == SHA256.digest([1, 2]))
    }
}
