import Codec
import Foundation
import Merkle
import TestSupport
import Testing

/// The inclusion and consistency vectors of transparency-dev/merkle.
@Suite(.enabled(if: SharedFiles.isPresent, "the shared vectors are not here"))
struct PublishedVectorTests {
    private struct Inclusion: Decodable {
        let leafIdx, treeSize: UInt64
        let root, leafHash: Data
        let proof: [Data]?
        let wantErr: Bool
    }

    private struct Consistency: Decodable {
        let size1, size2: UInt64
        let root1, root2: Data
        let proof: [Data]?
        let wantErr: Bool
    }

    private static func files(_ folder: String) throws -> [String] {
        let groups = try SharedFiles.names(in: "vectors/merkle/\(folder)")
        return try groups.flatMap { group in
            try SharedFiles.names(in: "vectors/merkle/\(folder)/\(group)").map {
                "vectors/merkle/\(folder)/\(group)/\($0)"
            }
        }
    }

    private static func vector<T: Decodable>(_ type: T.Type, _ file: String) throws -> T {
        try JSONDecoder().decode(type, from: Data(SharedFiles.bytes(file)))
    }

    /// Digests, or nil where one has another length: then the type refuses what the vector wants refused.
    private static func digests(_ values: [Data]) -> [Digest]? {
        let digests = values.compactMap { Digest($0) }
        return digests.count == values.count ? digests : nil
    }

    @Test func inclusionVectors() throws {
        let files = try PublishedVectorTests.files("inclusion")
        #expect(files.count > 40)
        for file in files {
            let vector = try PublishedVectorTests.vector(Inclusion.self, file)
            guard let path = PublishedVectorTests.digests(vector.proof ?? []),
                let leaf = Digest(vector.leafHash),
                let root = Digest(vector.root)
            else {
                #expect(vector.wantErr, "\(file)")
                continue
            }
            let proof = InclusionProof(size: vector.treeSize, index: vector.leafIdx, path: path)
            let error = refusal { () throws(ProofError) in
                try proof.verify(leafHash: leaf, root: root, hash: sha256)
            }
            #expect((error != nil) == vector.wantErr, "\(file)")
        }
    }

    @Test func consistencyVectors() throws {
        let files = try PublishedVectorTests.files("consistency")
        #expect(files.count > 40)
        for file in files {
            let vector = try PublishedVectorTests.vector(Consistency.self, file)
            guard let path = PublishedVectorTests.digests(vector.proof ?? []),
                let old = Digest(vector.root1), let new = Digest(vector.root2)
            else {
                #expect(vector.wantErr, "\(file)")
                continue
            }
            let proof = ConsistencyProof(from: vector.size1, to: vector.size2, path: path)
            let error = refusal { () throws(ProofError) in
                try proof.verify(oldRoot: old, newRoot: new, hash: sha256)
            }
            #expect((error != nil) == vector.wantErr, "\(file)")
        }
    }
}
