import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Storage
import Testing

@testable import Node

/// Opening a data directory whose files do not belong together is refused with a code, and writes nothing.
@Suite struct ReviewOpeningTests {
    private func code(opening home: Home) -> String? {
        do throws(NodeError) {
            try LedgerNode(home: home).close()
            return nil
        } catch { return error.code }
    }

    @Test func aNodeDoesNotSignWithAKeyThatIsNoValidators() throws {
        let founded = try FoundedHome()
        try FileManager.default.removeItem(at: founded.home.votingKeyFile)
        _ = try founded.home.makeVotingKey()
        #expect(code(opening: founded.home) == "keys.not_validator")
        // Nor does it found the ledger anew under another's name.
        try FileManager.default.removeItem(at: founded.home.ledgerFolder)
        #expect(code(opening: founded.home) == "keys.not_validator")
        #expect(!FileManager.default.fileExists(atPath: founded.home.ledgerFolder.path))
    }

    @Test func aGenesisOfSeveralValidatorsIsRefusedAndNoTrap() throws {
        let founded = try FoundedHome()
        var (genesis, _, _) = try founded.home.genesis()
        let other = Ed25519.SigningKey.generate().publicKey.bytes
        genesis.validators.append(.init(member: MemberID(unchecked: "other"), votingKey: Bytes(other)))
        try Data(try genesis.encoded()).write(to: founded.home.genesisFile)
        try FileManager.default.removeItem(at: founded.home.ledgerFolder)
        #expect(code(opening: founded.home) == "node.several_validators")
    }

    @Test func aVoteRecordThatIsNotTheLastBlocksIsRefusedBeforeAnythingIsSigned() async throws {
        let founded = try FoundedHome()
        var records: [BlockRecord] = []
        do {
            let node = try LedgerNode(home: founded.home)
            _ = try await node.perform(
                ConsortiumContract.self, FoundedHome.action("one"), as: try founded.signer())
            for height in 0...node.height { records.append(try node.block(height)) }
            try node.close()
        }
        records[1].voteRecord = records[0].voteRecord
        let folder = founded.home.ledgerFolder.path
        for name in ["log", "state", "nodes"] {
            try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
        do {
            let log = try BlockLog(opening: folder + "/log", chain: try founded.home.genesis().chain)
            try log.append(records.map { LogRecord(height: $0.header.height, payload: $0.encoded) })
        }
        #expect(code(opening: founded.home) == "node.damaged")
    }
}
