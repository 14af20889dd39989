import CSodium
import Cryptography
import Testing

@testable import Codec

/// SHA-256 as the edge has it.
let referenceHash = SHA256.hash

/// Kubo's deterministic test content: ChaCha20 under the SHA-256 of a seed, without a nonce.
struct KuboContent {
    private let key: [UInt8]
    private var block: UInt32 = 0

    init(seed: String) { key = referenceHash(Array(seed.utf8)).bytes }

    /// The next bytes, a multiple of 64.
    mutating func next(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let nonce = [UInt8](repeating: 0, count: 12)
        crypto_stream_chacha20_ietf_xor_ic(&bytes, bytes, UInt64(count), nonce, block, key)
        block += UInt32(count / 64)
        return bytes
    }
}

@Suite struct FileDAGTests {
    /// From Kubo's own tests (test/cli/add_test.go, profile "test-cid-v1": raw leaves of 1 MiB, 174 links):
    /// one full node, and the two levels that one chunk more asks for.
    @Test(arguments: [
        (174, "bafybeigwduxcf2aawppv3isnfeshnimkyplvw3hthxjhr2bdeje4tdaicu"),
        (175, "bafybeidhd7lo2n2v7lta5yamob3xwhbxcczmmtmhquwhjesi35jntf7mpu"),
    ])
    func identifiesWhatKuboDoes(_ mebibytes: Int, _ expected: String) {
        var content = KuboContent(seed: "v1-seed")
        var file = FileDAG(hash: referenceHash, chunkSize: 1 << 20, maximumLinks: 174)
        for _ in 0..<mebibytes { file.append(content.next(1 << 20)) }
        #expect(file.finish().description == expected)
    }

    @Test func oneChunkIsItsOwnRoot() {
        let content = [UInt8](repeating: 1, count: FileDAG.chunkSize)
        #expect(FileDAG.identify([], hash: referenceHash) == CID(codec: .raw, digest: referenceHash([])))
        #expect(
            FileDAG.identify(content, hash: referenceHash) == CID(codec: .raw, digest: referenceHash(content))
        )
        #expect(FileDAG.identify(content + [1], hash: referenceHash).codec == .dagPB)
    }

    @Test func piecesOfAnySizeGiveOneIdentifier() {
        let content = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        func identify(_ size: Int) -> CID {
            var file = FileDAG(hash: referenceHash, chunkSize: 16, maximumLinks: 3)
            for start in stride(from: 0, to: content.count, by: size) {
                file.append(Array(content[start..<min(start + size, content.count)]))
            }
            return file.finish()
        }
        let whole = identify(1000)
        for size in [1, 7, 15, 16, 17, 32, 33, 999] { #expect(identify(size) == whole) }
    }

    /// Walks every block of small trees with a parser of its own: contents, sizes, shape.
    @Test(arguments: 1...40)
    func treesHoldTheirContent(_ leaves: Int) throws {
        let content = (0..<leaves * 4 - 1).map { UInt8(truncatingIfNeeded: $0) }
        let store = BlockStore()
        var file = FileDAG(hash: store.hash, chunkSize: 4, maximumLinks: 3)
        file.append(content)
        let found = try store.read(file.finish())
        #expect(found.content == content)
        var depth = 0
        var capacity = 1
        while capacity < leaves { (depth, capacity) = (depth + 1, capacity * 3) }
        #expect(found.depth == depth, "all leaves at one depth, and none deeper than needed")
    }
}

/// Keeps what was hashed, and reads dag-pb and UnixFS.
final class BlockStore {
    private final class Blocks: @unchecked Sendable {
        // One test's thread at a time hashes.
        var byDigest: [Digest: [UInt8]] = [:]
    }
    private let blocks = Blocks()

    var hash: HashFunction {
        HashFunction { [blocks] buffer in
            let digest = referenceHash(buffer)
            blocks.byDigest[digest] = [UInt8](buffer)
            return digest
        }
    }

    func read(_ cid: CID) throws -> (content: [UInt8], size: UInt64, depth: Int) {
        let block = try #require(blocks.byDigest[cid.digest])
        if cid.codec == .raw { return (block, UInt64(block.count), 0) }
        let fields = try Field.parse(block)
        let links = fields.filter { $0.number == 2 }
        #expect(fields.map(\.number) == [UInt64](repeating: 2, count: links.count) + [1], "links come first")
        let data = try Field.parse(try #require(fields.last).bytes)
        #expect(data.prefix(2).map(\.number) == [1, 3] && data.dropFirst(2).allSatisfy { $0.number == 4 })
        #expect(data[0].value == 2)
        var content: [UInt8] = []
        var size = UInt64(block.count)
        var depths: [Int] = []
        for (index, link) in links.enumerated() {
            let parts = try Field.parse(link.bytes)
            #expect(parts.map(\.number) == [1, 2, 3] && parts[1].bytes.isEmpty)
            let child = try read(CID(bytes: parts[0].bytes))
            #expect(parts[2].value == child.size)
            #expect(data[2 + index].value == UInt64(child.content.count))
            content += child.content
            size += child.size
            depths.append(child.depth)
        }
        #expect(data[1].value == UInt64(content.count) && data.count == 2 + links.count)
        #expect(links.count <= 3 && Set(depths).count == 1)
        return (content, size, try #require(depths.first) + 1)
    }

    struct Field {
        var number: UInt64
        var value: UInt64 = 0
        var bytes: [UInt8] = []

        static func parse(_ block: [UInt8]) throws -> [Field] {
            var rest = block[...]
            func varint() throws -> UInt64 {
                var value: UInt64 = 0
                for shift in stride(from: UInt64(0), to: 63, by: 7) {
                    let next = rest.popFirst()
                    let byte = try #require(next)
                    value |= UInt64(byte & 0x7f) << shift
                    if byte < 0x80 { break }
                }
                return value
            }
            var fields: [Field] = []
            while !rest.isEmpty {
                let key = try varint()
                var field = Field(number: key >> 3)
                field.value = try varint()
                if key & 7 == 2 {
                    field.bytes = Array(rest.prefix(Int(field.value)))
                    rest = rest.dropFirst(Int(field.value))
                }
                fields.append(field)
            }
            return fields
        }
    }
}
