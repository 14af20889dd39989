import Billing
import Codec
import Contracts
import Cryptography
import Ledger
import Merkle
import TestSupport

/// What comes over the network and from the log.
extension FuzzTarget {
    private static var samples: FuzzSamples { .made }

    private static func require(_ condition: Bool, _ text: @autoclosure () -> String) throws(Broken) {
        guard condition else { throw Broken(text()) }
    }

    static let ledger: [FuzzTarget] = [
        FuzzTarget(
            name: "cbor",
            seeds: {
                try samples.records.flatMap(\.changes).compactMap(\.value).prefix(12).compactMap {
                    try StoredRow(decoding: $0).record
                } + [CBOR.encode(FuzzSamples.terms())]
            },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                var reader = CBORReader(input)
                let item = try? reader.item()
                try require((item?.count ?? 0) <= input.count, "an item is longer than the input")
                try decodesOneForm(KeyRecord.self, input)
                try decodesOneForm(MemberRecord.self, input)
                try decodesOneForm(MachineRecord.self, input)
                try decodesOneForm(NameplateRecord.self, input)
                try decodesOneForm(ParametersRecord.self, input)
                try decodesOneForm(VotingKeyRecord.self, input)
                try decodesOneForm(EvidenceRecord.self, input)
                try decodesOneForm(ConsortiumContract.Action.self, input)
                try decodesOneForm(MaintenanceContract.Action.self, input)
            }),
        FuzzTarget(
            name: "cose",
            seeds: { samples.leaves.prefix(3).map(\.transaction) + [samples.receipt(2).receipts[0]] },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                guard let message = try? COSESign1(decoding: input) else { return }
                try require(message.encoded == input, "a message with two forms")
            }),
        FuzzTarget(
            name: "transaction", seeds: { samples.leaves.prefix(4).map(\.transaction) },
            take: { (input: [UInt8], corpus: Set<[UInt8]>) throws(Broken) in
                guard let transaction = try? UnverifiedTransaction(decoding: input, hash: SHA256.hash) else {
                    return
                }
                let verified = VerifiedTransaction(
                    transaction, publicKey: Stage.publicKey("customer").array, verifier: samples.rules.verify,
                    hash: SHA256.hash)
                try require(verified == nil || corpus.contains(input), "a forged transaction verifies")
            }),
        FuzzTarget(
            name: "batch", seeds: { samples.records.dropFirst().prefix(4).map(\.content) },
            take: { (input: [UInt8], corpus: Set<[UInt8]>) throws(Broken) in
                guard let batch = try? Batch(decoding: input, chain: samples.rules.chain) else { return }
                let isSigned = batch.isSigned(
                    by: Stage.publicKey("voting").array, verifier: samples.rules.verify, hash: SHA256.hash)
                try require(!isSigned || corpus.contains(input), "a forged batch verifies")
            }),
        FuzzTarget(
            name: "block-record", seeds: { samples.records.map(\.encoded) },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                guard let record = try? BlockRecord(decoding: input) else { return }
                _ = try? record.leaves()
                try require(record.encoded == input, "a block record with two forms")
            }),
        FuzzTarget(
            name: "block-header", seeds: { samples.records.prefix(3).map(\.header.encoded) },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                guard let header = try? BlockHeader(decoding: input) else { return }
                try require(header.encoded == input, "a header with two forms")
            }),
        FuzzTarget(
            name: "leaf", seeds: { samples.leaves.prefix(4).map(\.encoded) },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                guard let leaf = try? Leaf(decoding: input) else { return }
                try require(leaf.encoded == input, "a leaf with two forms")
            }),
        FuzzTarget(
            name: "attestation",
            seeds: { (samples.records[1].votes + samples.records[1].commits).map { $0.message().encoded } },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                guard let message = try? COSESign1(decoding: input), let vote = try? Attestation(message)
                else {
                    return
                }
                let again = vote.message(unprotected: message.unprotected).encoded
                try require(again == input, "an attestation with two forms")
            }),
        FuzzTarget(
            name: "engine-address",
            seeds: {
                [
                    "embedded:", "embedded:chamber", "nats://a.example:4222",
                    "nats-tls://b:1,[2001:db8::1]:65535",
                ]
                .map { Array($0.utf8) }
            },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                guard let text = String(validating: input, as: UTF8.self),
                    case .nats(let servers, let isEncrypted) = EngineAddress(text)
                else { return }
                let list = servers.map { "\($0.host):\($0.port)" }.joined(separator: ",")
                try require(
                    text.utf8.elementsEqual("\(isEncrypted ? "nats-tls" : "nats")://\(list)".utf8),
                    "an engine with two forms")
            }),
        FuzzTarget(
            name: "genesis", seeds: { [samples.genesisBytes, try samples.genesisWithNodes] },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                guard let genesis = try? Genesis(decoding: input) else { return }
                try require((try? genesis.encoded()) == input, "a genesis with two forms")
                _ = try? Executor.found(genesis, bytes: input, rules: samples.rules)
            }),
    ]

    /// Whatever a type takes has no other encoding: two records cannot differ in their bytes only.
    static func decodesOneForm<T: Codable>(_ type: T.Type, _ input: [UInt8]) throws(Broken) {
        guard let value = try? CBOR.decode(type, from: input) else { return }
        guard let again = try? CBOR.encode(value) else {
            throw Broken("\(type) was read and cannot be written")
        }
        try require(again == input, "\(type) was read from another form than it is written in")
    }

    static let proofs: [FuzzTarget] = [
        FuzzTarget(
            name: "receipt",
            seeds: {
                [0, 5, 9].map { samples.receipt($0).encoded }
                    + [1, 8].map { EpochSamples.made.receipt($0).encoded }
            },
            take: { (input: [UInt8], corpus: Set<[UInt8]>) throws(Broken) in
                guard let bundle = try? ReceiptBundle(decoding: input) else { return }
                _ = try? bundle.transparentStatement()
                let proven = try? bundle.verify(
                    genesis: samples.genesis, chain: samples.rules.chain, hash: SHA256.hash,
                    verifier: samples.rules.verify)
                try require(proven == nil || corpus.contains(input), "a forged receipt verifies")
            }),
        FuzzTarget(
            name: "inclusion-proof",
            seeds: { [0, 3, 9].compactMap { inclusion($0)?.encoded } },
            take: { (input: [UInt8], corpus: Set<[UInt8]>) throws(Broken) in
                guard let proof = try? InclusionProof(decoding: input) else { return }
                let root = samples.records[samples.records.count - 1].header.logRoot
                let leaf = LogTree.leafHash(of: samples.leaves[3].encoded, hash: SHA256.hash)
                let isGood = (try? proof.verify(leafHash: leaf, root: root, hash: SHA256.hash)) != nil
                try require(!isGood || proof.path == inclusion(3)?.path, "a forged inclusion proof verifies")
            }),
        FuzzTarget(
            name: "consistency-proof",
            seeds: { [2, 4, 8].compactMap { consistency($0)?.encoded } },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                guard let proof = try? ConsistencyProof(decoding: input) else { return }
                let headers = samples.records.map(\.header)
                let isGood =
                    (try? proof.verify(
                        oldRoot: headers[2].logRoot, newRoot: headers[headers.count - 1].logRoot,
                        hash: SHA256.hash)) != nil
                try require(
                    !isGood || proof.path == consistency(headers[2].logSize)?.path,
                    "a forged consistency proof verifies")
            }),
        FuzzTarget(
            name: "state-proof",
            seeds: { [0, 7, 40].map { FuzzSamples.tree.proof(for: SHA256.digest([$0])).encoded } },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                guard let proof = try? StateProof(decoding: input) else { return }
                try require(proof.encoded == input, "a state proof with two forms")
                for key in [SHA256.digest([7]), SHA256.digest([40])] {
                    guard
                        let value = try? proof.value(of: key, root: FuzzSamples.tree.root, hash: SHA256.hash)
                    else { continue }
                    try require(value == FuzzSamples.tree.value(for: key), "a forged state proof verifies")
                }
            }),
    ]

    private static func inclusion(_ index: UInt64) -> InclusionProof? {
        LogProof.inclusion(index: index, size: UInt64(samples.leaves.count), hash: SHA256.hash) {
            samples.nodes[Int($0)]
        }
    }

    private static func consistency(_ from: UInt64) -> ConsistencyProof? {
        LogProof.consistency(from: from, to: UInt64(samples.leaves.count), hash: SHA256.hash) {
            samples.nodes[Int($0)]
        }
    }
}
