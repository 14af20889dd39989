import Cryptography
import Node

/// What to do next about a node's TLS keys. A value: it looks at what there is and says one step.
///
/// A certificate is made again, with the same key, when a third of its life is left: nobody has to be told.
/// The key itself is replaced once a year: the new one goes on the ledger beside the old, takes its place
/// when that is final, and the old one leaves the ledger a week later.
package struct TLSPlan: Hashable, Sendable {
    package enum Step: Hashable, Sendable {
        /// A new certificate for the key in a place.
        case renew(TLSFiles.Place)
        case makeNextKey
        /// Put these on the ledger, all that there are from now on.
        case announce([TLSPin])
        case useNextKey
        /// The key that follows is in use already: a crash came in between.
        case removeNext
        case removePrevious
    }

    package struct Settings: Hashable, Sendable {
        package var certificateDays: Int64
        package var keyDays: Int64
        package var previousDays: Int64 = 7

        package init(certificateDays: Int64, keyDays: Int64) {
            (self.certificateDays, self.keyDays) = (certificateDays, keyDays)
        }
    }

    /// The most pins that the ledger keeps of a member.
    private static let pinCount = 4
    private static let day: Int64 = 86_400

    package var current: TLSFiles.Entry
    package var next: TLSFiles.Entry?
    package var previous: TLSFiles.Entry?
    /// What the ledger has of this member; nil where this node cannot write to it.
    package var ledgerPins: [TLSPin]?
    package var settings: Settings

    package init(
        current: TLSFiles.Entry, next: TLSFiles.Entry?, previous: TLSFiles.Entry?, ledgerPins: [TLSPin]?,
        settings: Settings
    ) {
        (self.current, self.next, self.previous) = (current, next, previous)
        (self.ledgerPins, self.settings) = (ledgerPins, settings)
    }

    /// The step that is due; nil where all is well.
    package func step(nowSeconds now: Int64) -> Step? {
        if TLSPlan.isDue(current, now) { return .renew(.current) }
        guard let ledgerPins else { return nil }
        if let next {
            if next.identity.pin == current.identity.pin { return .removeNext }
            if TLSPlan.isDue(next, now) { return .renew(.next) }
            return ledgerPins.contains(next.identity.pin) ? .useNextKey : .announce(pins(adding: next))
        }
        if !ledgerPins.contains(current.identity.pin) { return .announce(pins(adding: current)) }
        if let previous, now >= previous.sinceSeconds + settings.previousDays * TLSPlan.day {
            let left = ledgerPins.filter { $0 != previous.identity.pin }
            return left == ledgerPins ? .removePrevious : .announce(left)
        }
        let isOld = now >= current.sinceSeconds + settings.keyDays * TLSPlan.day
        return isOld && previous == nil ? .makeNextKey : nil
    }

    /// A third of the certificate's life is left, or less.
    private static func isDue(_ entry: TLSFiles.Entry, _ now: Int64) -> Bool {
        let certificate = entry.identity.certificate
        let life = certificate.notAfterSeconds - certificate.notBeforeSeconds
        return certificate.notAfterSeconds - now <= life / 3
    }

    /// The ledger's pins and one more. Where there is no room, one makes place that is not in use here.
    private func pins(adding entry: TLSFiles.Entry) -> [TLSPin] {
        let used = [current, next].compactMap { $0?.identity.pin }
        var pins = (ledgerPins ?? []).filter { $0 != entry.identity.pin }
        while pins.count >= TLSPlan.pinCount {
            let old = previous.flatMap { pins.firstIndex(of: $0.identity.pin) }
            guard let index = old ?? pins.firstIndex(where: { !used.contains($0) }) else { break }
            pins.remove(at: index)
        }
        return (pins + [entry.identity.pin]).sorted()
    }
}

/// When to warn that a certificate ends: 30, 7 and 1 days ahead, and when it has.
package struct ExpiryWarnings: Sendable {
    private static let days: [Int64] = [30, 7, 1, 0]
    /// The mark that was told last, by name.
    private var told: [String: Int64] = [:]

    package init() {}

    /// The days left where somebody is to be told of them: once for each mark.
    package mutating func due(_ name: String, notAfterSeconds: Int64, nowSeconds: Int64) -> Int64? {
        let left = notAfterSeconds - nowSeconds
        let mark = ExpiryWarnings.days.last { left <= $0 * 86_400 }
        defer { told[name] = mark }
        guard let mark, told[name].map({ mark < $0 }) ?? true else { return nil }
        return left >= 0 ? left / 86_400 : -1
    }
}
