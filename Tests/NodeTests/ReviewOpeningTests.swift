import Codec
import Cryptography
import Foundation
import Ledger
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
        #expect(code(opening: founded.home) == "genesis.several_validators")
    }
}
