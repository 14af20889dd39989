import Codec
import Contracts
import Cryptography
import Ledger
import Node

/// Who is who among the nodes: what the ledger says of members' endpoints and TLS keys, and what this node's
/// configuration adds to it.
package struct PeerBook: Hashable, Sendable {
    /// A node that the configuration names: for the first contact, and where the ledger's word is old.
    package struct Configured: Hashable, Sendable {
        package let member: MemberID
        /// Empty where the peer only calls.
        package let endpoint: String
        package let pins: [TLSPin]

        package init(member: MemberID, endpoint: String, pins: [TLSPin]) {
            (self.member, self.endpoint, self.pins) = (member, endpoint, pins)
        }
    }

    /// A node to connect to.
    package struct Address: Hashable, Sendable {
        package let member: MemberID
        package let endpoint: String
        /// Sorted, each once, at least one.
        package let pins: [TLSPin]
    }

    private struct Entry: Hashable, Sendable {
        let status: MemberRecord.Status
        let endpoint: String
        let pins: [TLSPin]
    }

    package let own: MemberID
    private let ownPins: Set<TLSPin>
    private let configured: [Configured]
    private let entries: [MemberID: Entry]
    private let owners: [TLSPin: MemberID]
    private let validators: Set<MemberID>

    /// - Parameters:
    ///   - ownPins: those of this node's own files, which nobody else holds.
    ///   - members: the ledger's.
    ///   - validators: in force, and decided to be next.
    package init(
        own: MemberID, ownPins: [TLSPin], configured: [Configured], members: [MemberRecord] = [],
        validators: [MemberID] = []
    ) {
        (self.own, self.ownPins, self.configured) = (own, Set(ownPins), configured)
        self.validators = Set(validators)
        var (entries, owners) = ([MemberID: Entry](), [TLSPin: MemberID]())
        for member in members {
            let pins = (member.tlsPins ?? []).map { TLSPin($0) }
            entries[member.id] = Entry(status: member.status, endpoint: member.endpoint, pins: pins)
            for pin in pins { owners[pin] = member.id }
        }
        (self.entries, self.owners) = (entries, owners)
    }

    /// Whose key this is.
    package func caller(_ pin: TLSPin) -> Caller {
        if ownPins.contains(pin) { return .own }
        if let member = owners[pin] {
            if member == own { return .own }
            // A validator's votes count while it is in force, whatever was decided about its membership.
            if validators.contains(member) { return .member(member) }
            switch entries[member]?.status {
            case .active: return .member(member)
            case .applied, .invited: return .guest(member)
            case .suspended, .removed, nil: return .stranger
            }
        }
        guard let peer = configured.first(where: { $0.pins.contains(pin) }) else { return .stranger }
        switch entries[peer.member]?.status {
        case .suspended, .removed: return validators.contains(peer.member) ? .member(peer.member) : .stranger
        // The operator vouches for another key of a member, so that a node that has lost its own comes back.
        case .active: return .member(peer.member)
        case .applied, .invited, nil: return .guest(peer.member)
        }
    }

    /// How a member's node is reached; nil where nobody knows.
    package func address(of member: MemberID) -> Address? {
        let peers = configured.filter { $0.member == member }
        let entry = entries[member]
        let endpoint = peers.first { !$0.endpoint.isEmpty }?.endpoint ?? entry?.endpoint ?? ""
        let pins = Set(peers.flatMap(\.pins) + (entry?.pins ?? [])).sorted()
        guard endpoint.hasPrefix("https://"), !pins.isEmpty else { return nil }
        return Address(member: member, endpoint: endpoint, pins: pins)
    }

    /// The nodes to keep a connection to: the other validators, and those that the configuration names.
    package var links: [Address] {
        validators.union(configured.map(\.member)).subtracting([own]).sorted().compactMap { address(of: $0) }
    }

    /// Everybody else's node that there is, whoever keeps a connection to it.
    package var members: [Address] {
        entries.filter { $0.key != own && $0.value.status == .active }.keys.sorted().compactMap {
            address(of: $0)
        }
    }

    /// The pins that the ledger has of this node's member, sorted.
    package var ledgerPins: [TLSPin] { (entries[own]?.pins ?? []).sorted() }
    package var ledgerEndpoint: String? { entries[own]?.endpoint }
    package var isOwnMemberActive: Bool { entries[own]?.status == .active }
}

extension PeerBook {
    /// Whether a member may follow what this node publishes: also one that has joined, so that its node is
    /// up to date when the board admits it.
    package func follows(_ member: MemberID) -> Bool {
        let status = entries[member]?.status
        return member == own || validators.contains(member) || status == .active || status == .applied
    }
}
