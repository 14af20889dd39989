import Contracts
import Cryptography
import Ledger
import Node

/// Who makes a request, by the TLS key that it has proved to hold.
package enum Caller: Hashable, Sendable {
    /// This node's own member: a program on its machine that reads its TLS key.
    case own
    /// An active member, or a validator in force.
    case member(MemberID)
    /// A company that has joined and is not active yet, or a peer that only this node's configuration names.
    case guest(MemberID)
    /// Nobody whom the ledger knows, a suspended or a removed member, or no certificate at all.
    case stranger

    /// The member, where the caller is another one.
    package var other: MemberID? {
        switch self {
        case .member(let member), .guest(let member): member
        case .own, .stranger: nil
        }
    }
}

/// Whom a route answers.
package enum Access: Sendable {
    case anyone
    /// Guests, members, and the node's own member.
    case guests
    /// Active members, and the node's own.
    case members
    /// The node's own member alone.
    case own

    package func allows(_ caller: Caller) -> Bool {
        switch (self, caller) {
        case (.anyone, _), (_, .own), (.guests, .guest), (.guests, .member), (.members, .member): true
        case (.guests, .stranger), (.members, .guest), (.members, .stranger), (.own, _): false
        }
    }
}
