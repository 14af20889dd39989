import Codec
import Ledger

/// Hashing and signing that are fast and not secure. Nobody in a run tries to break them: liars sign only
/// with their own keys.
package enum FastCryptography {
    /// 256 bits from two folded lanes of 64.
    package static let hash = HashFunction { buffer in
        var first: UInt64 = 0x243f_6a88_85a3_08d3 ^ UInt64(buffer.count)
        var second: UInt64 = 0x1319_8a2e_0370_7344
        var offset = 0
        while offset + 16 <= buffer.count {
            let left = buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let right = buffer.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
            first = fold(first ^ left, 0xa409_3822_299f_31d0 ^ right) &+ second
            second = fold(second ^ right, 0x082e_fa98_ec4e_6c89 ^ left) ^ first
            offset += 16
        }
        var tail: (UInt64, UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &tail) { place in
            for index in offset..<buffer.count { place[index - offset] = buffer[index] }
        }
        first = fold(first ^ tail.0, 0x4528_21e6_38d0_1377 ^ tail.1) &+ second
        second = fold(second ^ tail.1, 0xbe54_66cf_34e9_0c6c ^ tail.0) ^ first
        var output: (UInt64, UInt64, UInt64, UInt64) = (
            fold(first, 0xc0ac_29b7_c97c_50dd) ^ second, fold(second, 0x3f84_d5b5_b547_0917) ^ first,
            fold(first ^ second, 0x9216_d5d9_8979_fb1b), fold(first &+ second, 0xd131_0ba6_98df_b5ac)
        )
        return withUnsafeBytes(of: &output) { Digest(reading: $0) }
    }

    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low ^ (left << 32 | left >> 32)
    }

    package static func publicKey(_ secret: UInt64) -> [UInt8] {
        hash(Array("public key".utf8) + bigEndianBytes(secret)).bytes
    }

    /// - Parameter variant: another valid signature over the same message, as a scheme would give that is not
    ///   deterministic.
    package static func signer(_ secret: UInt64, variant: UInt8 = 0) -> MessageSigner {
        let publicKey = publicKey(secret)
        return MessageSigner(publicKey: publicKey) { message in
            var signature = hash(publicKey + message).bytes
            signature.append(contentsOf: signature)
            signature[63] = variant
            return signature
        }
    }

    package static let verifier = SignatureVerifier { publicKey, signature, message in
        signature.count == 64 && signature.starts(with: hash(publicKey + message).bytes)
    }

    package static func keyID(_ secret: UInt64) -> KeyID { KeyID(publicKey: publicKey(secret), hash: hash) }
}
