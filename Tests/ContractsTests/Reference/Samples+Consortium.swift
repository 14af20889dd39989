import Codec
import Contracts

@testable import Ledger

extension Samples {
    private static let profile = MemberProfile(
        registrationName: "Chamber e. V.", addressLine: "Street 1", city: "Ulm", postalCode: "89073",
        country: "DE", vatID: "DE123456789", email: "office@example.org")
    private static let newKey = ConsortiumContract.NewKey(
        publicKey: publicKey, possession: Bytes(Array(repeating: 9, count: 64)))
    private static let invitation = InvitationID(unchecked: "invitation-1")

    private static let subjects: [ProposalSubject] = [
        .admit(member: member), .suspend(member: member), .reinstate(member: member), .remove(member: member),
        .setValidators(validators: [validator]),
        .setParameters(
            .init(
                transactionsPerSecond: 10, bytesPerSecond: 65_536, invitationDays: 14, auctionGraceSeconds: 5,
                engines: ["embedded:"])),
        .announceContracts(announcement), .revokeKey(key: key),
    ]

    static func consortium() throws -> [Sample] {
        let actions: [ConsortiumContract.Action] =
            [
                .invite(
                    .init(
                        invitation: invitation, member: member, name: "Chamber", roles: [.board],
                        key: newKey)),
                .join(
                    .init(
                        profile: profile, endpoint: "", signingKey: newKey, sealingPublicKey: publicKey,
                        tlsPins: [digest])),
                .vote(.init(proposal: digest, approve: true)),
                .admit(.init(member: member, reason: "known")), .suspend(.init(member: member)),
                .reinstate(.init(member: member)), .remove(.init(member: member)),
                .updateProfile(.init(name: "Chamber", profile: profile, endpoint: "")),
                .rotateKeys(.init(signingKey: newKey, sealingPublicKey: publicKey)),
                .delegateKey(.init(key: newKey, scopes: ["machine.*"], expires: time)),
                .revokeKey(.init(key: key)),
                .accredit(
                    .init(
                        maintainer: member, classes: [MachineClass(unchecked: "press")],
                        regions: [Region(unchecked: "de-by")], until: time)),
                .revokeAccreditation(.init(maintainer: member)),
                .setNode(.init(endpoint: "https://node.example", tlsPins: [digest], votingKey: newKey)),
                .rotateVotingKey(.init(votingKey: newKey)),
            ]
            + EvidenceRecord.Kind.allCases.map {
                .reportEvidence(
                    .init(
                        kind: $0, first: .init(message: Bytes([1]), payload: digest),
                        second: .init(message: Bytes([2]), payload: digest)))
            } + subjects.map { .propose(.init(subject: $0, reason: "due")) }
        let proposals = subjects.map {
            ProposalRecord(
                id: digest, subject: $0, reason: "due", proposer: member,
                votes: [.init(member: member, approve: true, time: time)], opened: time, expires: time,
                closed: time)
        }
        return try actions.map { try .action(ConsortiumContract.self, $0) } + proposals.map(Sample.record) + [
            .record(
                MemberRecord(
                    id: member, name: "Chamber", roles: [.board], profile: profile, endpoint: "",
                    keys: .init(signing: key, signingPublicKey: publicKey, sealingPublicKey: publicKey),
                    tlsPins: [digest], votingKey: publicKey, status: .active, invited: time, joined: time,
                    admitted: time)),
            .record(PinRecord(id: digest, member: member)),
            .record(
                EvidenceRecord(
                    id: .init(validator: member, kind: .conflictingVotes, epoch: 1, height: 2), key: key,
                    messages: [digest, digest], reporter: member, time: time)),
            .record(
                InvitationRecord(
                    id: invitation, member: member, roles: [.oem], key: key, invitedBy: member, invited: time,
                    expires: time, state: .used, used: time)),
            .record(
                AccreditationRecord(
                    id: .init(oem: member, maintainer: member), classes: [MachineClass(unchecked: "press")],
                    regions: [Region(unchecked: "de-by")], until: time, granted: time, revoked: time)),
        ]
    }

    private static var seen: SeenRecord {
        var seen = SeenRecord(.init(of: time))
        seen.add(digest, leaf: 3)
        return seen
    }

    /// The ledger's own tables.
    static func ledger() throws -> [Sample] {
        [
            try .record(
                KeyRecord(
                    id: key, publicKey: publicKey, account: member, kind: .device, subject: "press-7",
                    scopes: ["machine.start"], since: 1, expires: time)),
            try .record(AccountRecord(id: member)),
            try .record(ParametersRecord(announced: announcement)),
            try .record(ValidatorsRecord(current: [validator], next: [validator])),
            try .record(
                VotingKeyRecord(id: key, publicKey: publicKey, member: member, since: 1, replaced: 2)),
            try .record(QuotaRecord.full(member, at: time)),
            try .record(seen),
            try .record(ClocksRecord(clocks: [.init(member: member, time: time)])),
        ]
    }
}
