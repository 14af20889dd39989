import Codec
import Contracts
import Cryptography
import TestSupport
import Testing

@testable import Ledger
@testable import Node

/// How receipts say who validates, where a node has not every commit of the blocks that changed it.
@Suite struct EpochHistoryTests {
    private let keys: [Ed25519.SigningKey]
    private let genesis: Genesis
    private let rules: Rules

    init() throws {
        keys = try (1...5).map { try Ed25519.SigningKey(seed: Array(repeating: $0, count: 32)) }
        genesis = Genesis(
            name: "Epochs", created: Timestamp(milliseconds: 1_767_225_600_000), simulated: false,
            validators: EpochHistoryTests.validators(keys.prefix(4)), parameters: .init(),
            founders: Bytes([0x80]))
        rules = LedgerNode.rules(chain: SHA256.digest(try genesis.encoded()))
    }

    private static func validators(
        _ keys: some Sequence<Ed25519.SigningKey>
    ) -> [ValidatorsRecord.Validator] {
        keys.enumerated().map {
            .init(member: MemberID(unchecked: "n\($0)"), votingKey: Bytes($1.publicKey.bytes))
        }
    }

    /// An epoch block at a height that brings five validators, with the commits of some of them.
    private func record(_ epoch: Epoch, at height: Height, signedBy signers: Range<Int>) throws -> EpochRecord
    {
        let proposal = try EpochProposal.signed(
            chain: rules.chain, epoch: epoch, parent: SHA256.digest([UInt8(height)]),
            validators: EpochHistoryTests.validators(keys), engine: "embedded:n0", stops: [], lock: [],
            signer: keys[0].signer, hash: rules.hash)
        let header = BlockHeader(
            kind: .epoch, chain: rules.chain, epoch: epoch, height: height, previous: proposal.parent,
            time: .zero, position: 0, content: rules.hash(proposal.bytes), logSize: 7, logRoot: .zero,
            stateRoot: .zero, contractsVersion: 1)
        let commits = keys[signers].map {
            Attestation.sign(
                .commit, header, hash: header.hashed(rules.hash), signer: $0.signer, hash: rules.hash)
        }
        return EpochRecord(header: header, content: proposal.bytes, commits: commits)
    }

    private func heights(_ chain: [EpochRecord]) throws -> [Height] {
        let history = try EpochRecord.history(chain, genesis: genesis, rules: rules)
        let authority = try history.authority(
            genesis: genesis, chain: rules.chain, hash: rules.hash, verifier: rules.verify)
        #expect(authority.validators.validators.count == 5)
        return history.changes.map(\.header.height)
    }

    private func isIncomplete(_ chain: [EpochRecord]) -> Bool {
        do throws(NodeError) {
            _ = try EpochRecord.history(chain, genesis: genesis, rules: rules)
            return false
        } catch { return error.code == "receipt.incomplete" }
    }

    @Test func aChangeStandsByItsOwnCommits() throws {
        let whole = try record(1, at: 10, signedBy: 0..<4)
        #expect(try heights([whole]) == [10])
        // What only repeats the validators changes nothing.
        #expect(try heights([whole, record(2, at: 30, signedBy: 0..<0)]) == [10])
    }

    /// The validators stopped before they had committed to the change, and committed to its repetition.
    @Test func aChangeThatIsFinalByTheNextEpochBlockStandsByThatOnesCommits() throws {
        let partial = try record(1, at: 10, signedBy: 0..<2)
        let again = try record(2, at: 11, signedBy: 1..<5)
        #expect(isIncomplete([partial]))
        #expect(isIncomplete([partial, try record(2, at: 11, signedBy: 3..<5)]))
        #expect(
            try heights([partial, record(2, at: 11, signedBy: 3..<5), record(3, at: 12, signedBy: 0..<4)])
                == [12])
        // Three of the four before are a quorum of theirs, and four of the five of the new ones.
        #expect(try heights([partial, again]) == [11])
    }

    @Test func aLaterEpochsCommitsProveNoChangeBeforeIt() throws {
        let partial = try record(1, at: 10, signedBy: 0..<2)
        #expect(isIncomplete([partial, try record(2, at: 12, signedBy: 0..<5)]))
    }
}
