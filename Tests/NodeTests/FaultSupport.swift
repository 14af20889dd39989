import Contracts
import Cryptography
import Foundation
import Ledger
import Storage
import TestSupport
import Testing

@testable import Node

/// A data directory with a founded ledger of one board member, and what the robustness suites do with it.
struct FoundedHome {
    static let member = MemberID(unchecked: "board")
    let folder: TemporaryFolder
    let home: Home

    init(simulated: Bool = false) throws {
        folder = try TemporaryFolder()
        home = Home(URL(fileURLWithPath: folder.path + "/home"))
        let founding = Founding(
            name: "Robustness",
            members: [
                .init(
                    id: FoundedHome.member, name: "Board", roles: [.board, .oem, .customer],
                    profile: MemberProfile(registrationName: "Board", country: "DE"))
            ],
            validator: FoundedHome.member, created: Timestamp(milliseconds: 1_767_225_600_000),
            simulated: simulated)
        _ = try founding.found(in: home)
    }

    /// A copy that is gone with its folder.
    init(copying other: FoundedHome) throws {
        folder = try TemporaryFolder()
        home = Home(URL(fileURLWithPath: folder.path + "/home"))
        try FileManager.default.copyItem(at: other.home.folder, to: home.folder)
    }

    func signer() throws -> MessageSigner {
        try home.keystore(of: FoundedHome.member).signingKey().signer
    }

    /// A profile's change: accepted, and different from all others.
    static func action(_ name: String) -> ConsortiumContract.Action {
        .updateProfile(
            .init(
                name: name, profile: MemberProfile(registrationName: "Board", country: "DE"), endpoint: ""))
    }

    /// Refused by the contract, with a leaf.
    static let refusedAction = ConsortiumContract.Action.vote(.init(proposal: .zero, approve: true))
}
