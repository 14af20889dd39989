import Codec
import Contracts
import Cryptography
import Ledger
import Merkle
import TestSupport

@testable import Node
@testable import Storage

/// What nodes send each other, and what outsiders are shown.
extension FuzzTarget {
    private static var samples: FuzzSamples { .made }
    private static var epochs: EpochSamples { .made }

    private static func require(_ condition: Bool, _ text: @autoclosure () -> String) throws(Broken) {
        guard condition else { throw Broken(text()) }
    }

    static let messages: [FuzzTarget] = [
        FuzzTarget(
            name: "replica-message",
            seeds: {
                let record = samples.records[1]
                return [
                    ReplicaMessage.vote(record.votes[0]),
                    .commit(record.commits[0], logRoot: record.header.logRoot), .suspicion(epochs.suspicion),
                    .stop(epochs.stop, lock: record.votes), .proposal(epochs.proposal),
                    .status(.init(epoch: 1, finalHeight: 6, headHeight: 7)),
                ].map(\.encoded)
            },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                guard let message = try? ReplicaMessage(decoding: input) else { return }
                try require(message.encoded == input, "a message with two forms")
            }),
        FuzzTarget(
            name: "epoch-proposal", seeds: { [epochs.proposal.bytes] },
            take: { (input: [UInt8], corpus: Set<[UInt8]>) throws(Broken) in
                guard let proposal = try? EpochProposal(decoding: input) else { return }
                let isSigned = proposal.isSigned(
                    by: Stage.publicKey("voting").array, verifier: samples.rules.verify)
                try require(!isSigned || corpus.contains(input), "a forged proposal verifies")
            }),
        FuzzTarget(
            name: "certificate",
            seeds: {
                let record = samples.records[1]
                return [
                    BlockCertificate(
                        height: 1, block: record.header.hashed(SHA256.hash), votes: record.votes,
                        commits: record.commits, voteRecord: record.voteRecord
                    ).encoded,
                    VoteState(record: record.voteRecord, stops: [epochs.stop]).encoded,
                ]
            },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                if let certificate = try? BlockCertificate(decoding: input) {
                    try require(certificate.encoded == input, "a certificate with two forms")
                }
                if let state = try? VoteState(decoding: input) {
                    try require(state.encoded == input, "a voting state with two forms")
                }
            }),
        FuzzTarget(
            name: "snapshot-offer", seeds: { [try epochs.offer.encoded] },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                guard let offer = try? SnapshotOffer(decoding: input) else { return }
                try require(offer.encoded == input, "an offer with two forms")
                let isProven = (try? offer.verify(samples.genesis, rules: samples.rules)) != nil
                let header = samples.records.first { $0.header.height == offer.manifest.height }?.header
                try require(
                    !isProven || header?.hashed(SHA256.hash) == offer.manifest.block,
                    "a forged block of a snapshot is final")
            }),
        FuzzTarget(
            name: "snapshot-chunk",
            seeds: {
                let rows = epochs.rows.prefix(6).map { Row(key: $0.key.bytes, value: $0.value ?? []) }
                return [SnapshotChunk.encode(rows)]
            },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                guard let rows = try? SnapshotChunk.rows(decoding: input) else { return }
                try require(SnapshotChunk.encode(rows) == input, "a chunk with two forms")
            }),
        FuzzTarget(
            name: "log-frontier", seeds: { [try epochs.offer.manifest.frontier.encoded] },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                guard let frontier = try? LogFrontier(decoding: input) else { return }
                try require(frontier.encoded == input, "a frontier with two forms")
                _ = frontier.root(hash: SHA256.hash)
            }),
        FuzzTarget(
            name: "invitation", seeds: { [Array(try invitation().text(note: "Welcome.").utf8)] },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                guard let text = String(validating: input, as: UTF8.self) else { return }
                _ = try? Invitation(parsing: text)
            }),
        FuzzTarget(
            name: "invitation-call", seeds: { [Array(call.utf8)] },
            take: { (input: [UInt8], corpus: Set<[UInt8]>) throws(Broken) in
                guard let text = String(validating: input, as: UTF8.self),
                    let said = try? InvitationCall(header: text)
                else { return }
                let holds = said.holds(
                    for: samples.rules.chain, pin: TLSPin(.zero),
                    publicKey: Stage.publicKey("customer").array, now: Stage.start)
                try require(!holds || said.until == callEnd, "a forged call holds")
                try require(!corpus.contains(input) || holds, "the call does not hold")
            }),
    ]

    private static let callEnd = Stage.start + .minutes(InvitationCall.minutes)

    private static var call: String {
        InvitationCall.signed(
            chain: samples.rules.chain, pin: TLSPin(.zero), until: callEnd, signer: Stage.signer("customer"))
    }

    private static func invitation() throws -> Invitation {
        Invitation(
            chain: samples.rules.chain, ledger: "Fuzz", member: MemberID("new")!, name: "New",
            roles: [.customer],
            expires: callEnd, key: try Ed25519.SigningKey(seed: [UInt8](repeating: 9, count: 32)),
            peers: [.init(member: MemberID("b1")!, endpoint: "https://a.example", pins: [.zero])])
    }

    static let shown: [FuzzTarget] = [
        FuzzTarget(
            name: "state-bundle",
            seeds: {
                let keys = [epochs.rows[0].key, RowKey(table: "machine", key: [1, 2, 3])]
                return keys.flatMap { key in
                    [true, false].map { epochs.state(key, afterChange: $0).encoded }
                }
            },
            take: { (input: [UInt8], corpus: Set<[UInt8]>) throws(Broken) in
                guard let bundle = try? StateBundle(decoding: input) else { return }
                try require(bundle.encoded == input, "a bundle with two forms")
                let isProven =
                    (try? bundle.verify(
                        genesis: samples.genesis, chain: samples.rules.chain, hash: SHA256.hash,
                        verifier: samples.rules.verify)) != nil
                // The path of one absent row may prove another's absence, which is then true.
                let row = epochs.rows.first { $0.key == bundle.key }
                try require(!isProven || row?.value == bundle.value, "a forged row is proven")
                try require(!corpus.contains(input) || isProven, "the row is not proven")
            })
    ]
}
