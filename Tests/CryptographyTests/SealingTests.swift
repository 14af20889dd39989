import Codec
import Cryptography
import Testing

@Suite struct SealingTests {
    @Test func aSealedBoxOpensForItsReaderOnly() throws {
        let (reader, other) = (SealingKey.generate(), SealingKey.generate())
        let box = try SealedBox.seal(SecretBytes([1, 2, 3]), to: reader.publicKey)
        #expect(box.count == 3 + SealedBox.overhead)
        #expect(try reader.open(box).exposed() == [1, 2, 3])
        #expect(throws: CryptographyError(.notAuthentic)) { try other.open(box) }
        for index in box.indices {
            var changed = box
            changed[index] ^= 1
            #expect(throws: CryptographyError(.notAuthentic)) { try reader.open(changed) }
            #expect(throws: CryptographyError(.notAuthentic)) { try reader.open(Array(box[..<index])) }
        }
    }

    @Test func anEmptySecretCanBeSealed() throws {
        let reader = SealingKey.generate()
        #expect(try reader.open(SealedBox.seal(SecretBytes([]), to: reader.publicKey)).exposed() == [])
    }

    @Test func sealingRefusesBadPublicKeys() {
        for key in [[], [UInt8](repeating: 1, count: 31), [UInt8](repeating: 0, count: 32)] {
            #expect(throws: CryptographyError(.invalidKey)) {
                try SealedBox.seal(SecretBytes([1]), to: key)
            }
        }
    }

    @Test func aSealingKeyComesBackFromItsSecret() throws {
        let key = SealingKey.generate()
        #expect(try SealingKey(secret: key.secretBytes).publicKey == key.publicKey)
        #expect(throws: CryptographyError(.invalidKey)) { try SealingKey(secret: SecretBytes([1])) }
    }

    @Test func bothSidesAgree() throws {
        let (left, right) = (SealingKey.generate(), SealingKey.generate())
        #expect(
            try left.sharedSecret(with: right.publicKey).exposed()
                == right.sharedSecret(with: left.publicKey).exposed())
    }

    @Test func randomBytesDiffer() {
        #expect(SecureRandom.bytes(0) == [])
        #expect(SecureRandom.bytes(32).count == 32)
        #expect(SecureRandom.bytes(32) != SecureRandom.bytes(32))
    }
}

@Suite struct SecretStreamTests {
    private let key = SymmetricKey.generate()

    private func sealed(_ chunks: [[UInt8]]) throws -> (header: [UInt8], chunks: [[UInt8]]) {
        var push = SecretStream.Push(key: key)
        var result: [[UInt8]] = []
        for (index, chunk) in chunks.enumerated() {
            result.append(try push.seal(chunk, isLast: index == chunks.count - 1))
        }
        return (push.header, result)
    }

    private func open(_ header: [UInt8], _ chunks: [[UInt8]]) throws -> [[UInt8]] {
        var pull = try SecretStream.Pull(key: key, header: header)
        var result: [[UInt8]] = []
        for chunk in chunks { result.append(try pull.open(chunk)) }
        try pull.finish()
        return result
    }

    @Test func opensWhatWasSealed() throws {
        let plain: [[UInt8]] = [[1, 2, 3], [], [UInt8](repeating: 7, count: 65536), [4]]
        let (header, chunks) = try sealed(plain)
        #expect(chunks.map(\.count) == plain.map { $0.count + SecretStream.overhead })
        #expect(try open(header, chunks) == plain)
    }

    @Test func refusesEveryChangedByte() throws {
        let (header, chunks) = try sealed([[1, 2, 3], [4]])
        for index in header.indices {
            var changed = header
            changed[index] ^= 1
            #expect(throws: CryptographyError(.notAuthentic)) { try open(changed, chunks) }
        }
        for chunk in chunks.indices {
            for index in chunks[chunk].indices {
                var changed = chunks
                changed[chunk][index] ^= 0x80
                #expect(throws: CryptographyError(.notAuthentic)) { try open(header, changed) }
            }
        }
    }

    @Test func refusesReorderedRepeatedAndMissingChunks() throws {
        let (header, chunks) = try sealed([[1], [2], [3]])
        for wrong in [[1, 0, 2], [0, 0, 1, 2], [0, 2], [1, 2], [2]] {
            #expect(throws: CryptographyError(.notAuthentic)) { try open(header, wrong.map { chunks[$0] }) }
        }
    }

    @Test func refusesATruncatedStream() throws {
        let (header, chunks) = try sealed([[1], [2], [3]])
        for count in 0..<3 {
            #expect(throws: CryptographyError(.truncated)) { try open(header, Array(chunks[..<count])) }
        }
        for count in 0..<SecretStream.overhead {
            #expect(throws: CryptographyError(.notAuthentic)) {
                try open(header, [Array(chunks[0][..<count])])
            }
        }
        #expect(throws: CryptographyError(.invalidKey)) { try open(Array(header[1...]), chunks) }
    }

    @Test func nothingFollowsTheLastChunk() throws {
        let (header, chunks) = try sealed([[1]])
        #expect(throws: CryptographyError(.finished)) { try open(header, chunks + chunks) }
        #expect(throws: CryptographyError(.finished)) {
            var push = SecretStream.Push(key: key)
            _ = try push.seal([1], isLast: true)
            _ = try push.seal([2], isLast: false)
        }
    }

    @Test func anotherKeyOpensNothing() throws {
        let (header, chunks) = try sealed([[1]])
        #expect(throws: CryptographyError(.notAuthentic)) {
            var pull = try SecretStream.Pull(key: .generate(), header: header)
            _ = try pull.open(chunks[0])
        }
    }
}

@Suite struct PasswordProtectedTests {
    /// The least work allowed, so that the tests are quick.
    private let cost = PasswordProtected.Cost(operations: 1, memoryBytes: 8192)
    private let secret = SecretBytes([UInt8](1...32))

    @Test func opensWithItsPasswordOnly() throws {
        let file = try PasswordProtected.seal(secret, password: "Grüße", cost: cost)
        #expect(try PasswordProtected.open(file, password: "Grüße").exposed() == [UInt8](1...32))
        for wrong in ["", "grüße", "Grüße "] {
            #expect(throws: CryptographyError(.notAuthentic)) {
                try PasswordProtected.open(file, password: wrong)
            }
        }
        #expect(try PasswordProtected.seal(secret, password: "Grüße", cost: cost) != file)
    }

    @Test func anEmptyPasswordIsStillAPassword() throws {
        let file = try PasswordProtected.seal(secret, password: "", cost: cost)
        #expect(try PasswordProtected.open(file, password: "").exposed() == [UInt8](1...32))
    }

    @Test func refusesChangedAndTruncatedFiles() throws {
        let file = try PasswordProtected.seal(secret, password: "p", cost: cost)
        for index in file.indices {
            var changed = file
            changed[index] ^= 1
            #expect(throws: CryptographyError.self) { try PasswordProtected.open(changed, password: "p") }
            #expect(throws: CryptographyError(.malformed)) {
                try PasswordProtected.open(Array(file[..<index]), password: "p")
            }
        }
    }

    @Test func refusesToBeAskedForTooMuchWork() {
        for (operations, memory): (UInt64, UInt64) in [
            (0, 8192), (17, 8192), (.max, 8192), (1, 8191), (1, 1 << 30 + 1), (1, .max),
        ] {
            var file = CBORWriter()
            file.array(6)
            for number in [1, operations, memory] { file.unsigned(number) }
            for count in [16, 24, 48] { file.byteString([UInt8](repeating: 0, count: count)) }
            #expect(throws: CryptographyError(.malformed)) {
                try PasswordProtected.open(file.bytes, password: "p")
            }
            #expect(throws: CryptographyError(.malformed)) {
                try PasswordProtected.seal(
                    secret, password: "p", cost: .init(operations: operations, memoryBytes: memory))
            }
        }
    }
}
