import Codec
import Ledger

extension ConsortiumContract {
    /// What members sign. The CBOR form is `{ name: body }`.
    package enum Action: Codable, Hashable, Sendable {
        /// Board: names a company and the one-use key that it joins with.
        case invite(Invite)
        /// Invitation key: the company brings its profile and its own keys.
        case join(Join)
        /// Board: opens a decision, or approves the open one on the same subject.
        case propose(Propose)
        /// Board: approves or refuses an open proposal; a later vote replaces the member's earlier one.
        case vote(Vote)
        /// Board: `propose` of this subject, as are the next three.
        case admit(Decision)
        case suspend(Decision)
        case reinstate(Decision)
        case remove(Decision)
        /// The member itself.
        case updateProfile(UpdateProfile)
        /// The member itself, with its own key: a new signing key, a new sealing key, or both.
        case rotateKeys(RotateKeys)
        /// The member itself, with its own key.
        case delegateKey(DelegateKey)
        /// The member whose key it is, or the board, each with their own key.
        case revokeKey(RevokeKey)
        /// OEM.
        case accredit(Accredit)
        /// OEM.
        case revokeAccreditation(RevokeAccreditation)
        /// The member itself; with a voting key only its own key.
        case setNode(SetNode)
        /// A validator, with its own key: another voting key from the next epoch block on.
        case rotateVotingKey(RotateVotingKey)
        /// Any member: proof that a validator contradicted itself.
        case reportEvidence(ReportEvidence)
    }

    package struct Invite: Codable, Hashable, Sendable {
        package var invitation: InvitationID
        package var member: MemberID
        /// 1 to 200 bytes.
        package var name: String
        /// 1 to 6, in any order, each once.
        package var roles: [Role]
        /// The invitation's one-use key. Its proof names the invited member and covers an empty sealing key.
        package var key: NewKey

        package init(
            invitation: InvitationID, member: MemberID, name: String, roles: [Role], key: NewKey
        ) {
            (self.invitation, self.member, self.name) = (invitation, member, name)
            (self.roles, self.key) = (roles, key)
        }
    }

    package struct Join: Codable, Hashable, Sendable {
        package var profile: MemberProfile
        /// As in `MemberRecord`.
        package var endpoint: String
        package var signingKey: NewKey
        /// X25519, 32 bytes.
        package var sealingPublicKey: Bytes
        /// As in `MemberRecord`.
        package var tlsPins: [Digest]?

        package init(
            profile: MemberProfile, endpoint: String, signingKey: NewKey, sealingPublicKey: Bytes,
            tlsPins: [Digest]? = nil
        ) {
            (self.profile, self.endpoint) = (profile, endpoint)
            (self.signingKey, self.sealingPublicKey) = (signingKey, sealingPublicKey)
            self.tlsPins = tlsPins
        }
    }

    /// A signing key and the proof that whoever brings it holds it.
    package struct NewKey: Codable, Hashable, Sendable {
        /// Ed25519, 32 bytes.
        package var publicKey: Bytes
        /// The key's signature over `possessionMessage`, 64 bytes.
        package var possession: Bytes

        package init(publicKey: Bytes, possession: Bytes) {
            (self.publicKey, self.possession) = (publicKey, possession)
        }
    }

    package struct Propose: Codable, Hashable, Sendable {
        package var subject: ProposalSubject
        /// At most 1000 bytes.
        package var reason: String

        package init(subject: ProposalSubject, reason: String = "") {
            (self.subject, self.reason) = (subject, reason)
        }
    }

    package struct Vote: Codable, Hashable, Sendable {
        package var proposal: TransactionID
        package var approve: Bool

        package init(proposal: TransactionID, approve: Bool) {
            (self.proposal, self.approve) = (proposal, approve)
        }
    }

    /// A proposal about a member.
    package struct Decision: Codable, Hashable, Sendable {
        package var member: MemberID
        /// At most 1000 bytes.
        package var reason: String

        package init(member: MemberID, reason: String = "") { (self.member, self.reason) = (member, reason) }
    }

    package struct UpdateProfile: Codable, Hashable, Sendable {
        /// 1 to 200 bytes.
        package var name: String
        package var profile: MemberProfile
        package var endpoint: String

        package init(name: String, profile: MemberProfile, endpoint: String) {
            (self.name, self.profile, self.endpoint) = (name, profile, endpoint)
        }
    }

    package struct RotateKeys: Codable, Hashable, Sendable {
        /// Its proof covers the sealing key that holds after the rotation.
        package var signingKey: NewKey?
        /// X25519, 32 bytes.
        package var sealingPublicKey: Bytes?

        package init(signingKey: NewKey? = nil, sealingPublicKey: Bytes? = nil) {
            (self.signingKey, self.sealingPublicKey) = (signingKey, sealingPublicKey)
        }
    }

    package struct DelegateKey: Codable, Hashable, Sendable {
        /// Its proof covers an empty sealing key.
        package var key: NewKey
        /// 1 to 32 of `contract.action` or `contract.*`, each once.
        package var scopes: [String]
        /// In the future, at most five years ahead.
        package var expires: Timestamp

        package init(key: NewKey, scopes: [String], expires: Timestamp) {
            (self.key, self.scopes, self.expires) = (key, scopes, expires)
        }
    }

    package struct RevokeKey: Codable, Hashable, Sendable {
        package var key: KeyID

        package init(key: KeyID) { self.key = key }
    }

    package struct Accredit: Codable, Hashable, Sendable {
        package var maintainer: MemberID
        /// At most 64, each once; empty means every class.
        package var classes: [MachineClass]
        /// At most 64, each once; empty means everywhere.
        package var regions: [Region]
        /// In the future.
        package var until: Timestamp

        package init(maintainer: MemberID, classes: [MachineClass], regions: [Region], until: Timestamp) {
            (self.maintainer, self.classes) = (maintainer, classes)
            (self.regions, self.until) = (regions, until)
        }
    }

    package struct RevokeAccreditation: Codable, Hashable, Sendable {
        package var maintainer: MemberID

        package init(maintainer: MemberID) { self.maintainer = maintainer }
    }
}
