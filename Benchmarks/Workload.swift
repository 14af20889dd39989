import Billing
import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Synchronization

import struct Telemetry.SplitMix64

/// Makes and signs transactions: first the machines, then a mix of what happens to them from day to day.
///
/// The mix, uniformly random over all machines: 65 % starts and stops (35 by the machine's device, 20 by
/// the customer's delegated key, 10 by the customer), 20 % telemetry anchors and 5 % repair tickets by
/// the device, 5 % bids on the tickets by a maintainer, 5 % registrations by an OEM. It depends on
/// nothing but the seed and the heads of the telemetry chains, and every transaction is accepted.
struct Workload {
    private let consortium: Consortium
    private var random: SplitMix64
    /// Machines that their customers have accepted; each is stopped or in service.
    private var isInService: [Bool] = []
    /// Machines that the mix has registered and nobody accepts.
    private var registered = 0
    /// Repair tickets so far, and how many of them have a bid.
    private var (tickets, bids) = (0, 0)
    private var nonce: UInt64 = 0

    init(_ consortium: Consortium, seed: UInt64) {
        (self.consortium, random) = (consortium, SplitMix64(seed: seed))
    }

    var machineCount: Int { isInService.count }

    /// Who signs.
    fileprivate enum Party: Sendable {
        case oem(Int)
        case customer(Int)
        case maintainer(Int)
        case delegate(Int)
        case device(Int)
    }

    /// A transaction before it has been signed.
    private struct Plan: Sendable {
        enum Action: Sendable {
            case consortium(ConsortiumContract.Action)
            case register(machine: String, owner: Int, device: String)
            case machine(MachineContract.Action)
            case maintenance(MaintenanceContract.Action)
            case anchor(machine: Int, head: TelemetryHead)
        }

        let signer: Party
        let action: Action
        let nonce: UInt64
        let expires: Timestamp
    }

    // MARK: Plans

    /// A delegated key for each customer, and every maintainer accredited by every OEM.
    mutating func preparations(at time: Timestamp) throws -> [[UInt8]] {
        var plans: [Plan] = []
        for number in 0..<Consortium.customerCount {
            let key = consortium.delegates[number]
            let possession = ConsortiumContract.possessionMessage(
                chain: consortium.chain, member: Consortium.customer(number), signingPublicKey: key.publicKey,
                sealingPublicKey: [])
            let new = ConsortiumContract.NewKey(
                publicKey: Bytes(key.publicKey), possession: Bytes(key(possession)))
            let body = ConsortiumContract.DelegateKey(
                key: new, scopes: Consortium.delegateScopes, expires: time + .days(365))
            plans.append(plan(.customer(number), .consortium(.delegateKey(body)), time))
        }
        for oem in 0..<Consortium.oemCount {
            for number in 0..<Consortium.maintainerCount {
                let body = ConsortiumContract.Accredit(
                    maintainer: Consortium.maintainer(number), classes: [], regions: [],
                    until: time + .days(365))
                plans.append(plan(.oem(oem), .consortium(.accredit(body)), time))
            }
        }
        return try sign(plans)
    }

    /// Registrations of new machines and then their acceptance: two transactions and two records each.
    mutating func machines(_ count: Int, at time: Timestamp) throws -> [[UInt8]] {
        let new = machineCount..<(machineCount + count)
        var plans: [Plan] = []
        for number in new {
            let action = Plan.Action.register(
                machine: Workload.name(number), owner: number, device: "device \(number)")
            plans.append(plan(.oem(number % Consortium.oemCount), action, time))
        }
        for number in new {
            let action = MachineContract.Action.accept(
                .init(machine: Workload.id(number), order: Workload.order))
            plans.append(plan(.customer(number % Consortium.customerCount), .machine(action), time))
        }
        isInService += Array(repeating: false, count: count)
        return try sign(plans)
    }

    /// Part of the mix. A telemetry chain grows by at most one anchor a call, since an anchor names the
    /// block time of the one before.
    mutating func mix(
        _ count: Int, at time: Timestamp, head: (MachineID) throws -> TelemetryHead?
    ) throws -> [[UInt8]] {
        var plans: [Plan] = []
        var anchored = Set<Int>()
        for _ in 0..<count {
            let number = Int(random.number(in: 0...Int64(machineCount - 1)))
            let owner = number % Consortium.customerCount
            switch random.number(in: 0...99) {
            case 70..<90 where anchored.insert(number).inserted:
                let head = try head(Workload.id(number)) ?? TelemetryHead(id: Workload.id(number))
                plans.append(plan(.device(number), .anchor(machine: number, head: head), time))
            case 90..<95:
                let name = "new-\(registered)"
                let action = Plan.Action.register(machine: name, owner: registered, device: name)
                plans.append(plan(.oem(registered % Consortium.oemCount), action, time))
                registered += 1
            case 95..<100: plans.append(ticketOrBid(number, time))
            case 35..<55: plans.append(plan(.delegate(owner), toggle(number), time))
            case 55..<65: plans.append(plan(.customer(owner), toggle(number), time))
            case 65..<70: plans.append(ticketOrBid(number, time))
            default: plans.append(plan(.device(number), toggle(number), time))
            }
        }
        return try sign(plans)
    }

    /// A ticket for a machine, then a bid on it, in turn.
    private mutating func ticketOrBid(_ machine: Int, _ time: Timestamp) -> Plan {
        if bids < tickets {
            let number = bids
            bids += 1
            let offer = Offer(
                price: .fixed(MinorUnits(120_000)), currency: .euro, earliestArrival: time + .days(1),
                durationMinutes: 240, warrantyDays: 180, expires: time + .days(30))
            return plan(
                .maintainer(number % Consortium.maintainerCount),
                .maintenance(.bid(.init(ticket: Workload.ticket(number), content: .offer(offer)))), time)
        }
        let number = tickets
        tickets += 1
        let body = MaintenanceContract.Report(
            ticket: Workload.ticket(number), machine: Workload.id(machine), kind: .correctiveDeferred,
            priority: 3, faultCode: "E-217", description: "coolant pressure is low")
        return plan(.device(machine), .maintenance(.report(body)), time)
    }

    private mutating func toggle(_ number: Int) -> Plan.Action {
        isInService[number].toggle()
        let id = Workload.id(number)
        return isInService[number]
            ? .machine(.start(.init(machine: id)))
            : .machine(.stop(.init(machine: id, reason: "end of shift", fault: false)))
    }

    /// Transactions expire half an hour after they are signed, one a little later than the other.
    private mutating func plan(_ signer: Party, _ action: Plan.Action, _ time: Timestamp) -> Plan {
        nonce += 1
        let expires = time + .minutes(30) + Span(nanoseconds: Int64(nonce % 1_000_000) * 20_000)
        return Plan(signer: signer, action: action, nonce: nonce, expires: expires)
    }

    private static func name(_ number: Int) -> String { "machine-\(number)" }
    private static func ticket(_ number: Int) -> TicketID { TicketID(unchecked: "ticket-\(number)") }
    private static func id(_ number: Int) -> MachineID { MachineID(unchecked: name(number)) }

    private static let order = StandingOrder(
        policy: .customersChoice, biddingSpan: .days(14), currency: .euro, priceLimit: MinorUnits(150_000),
        ceiling: MinorUnits(600_000))

    // MARK: Signing

    /// Signs on all cores.
    private func sign(_ plans: [Plan]) throws -> [[UInt8]] {
        var signed = [[UInt8]](repeating: [], count: plans.count)
        let failure = Mutex<(any Error)?>(nil)
        signed.withUnsafeMutableBufferPointer { buffer in
            // Each iteration writes its own elements, and the call returns after the last.
            nonisolated(unsafe) let slots = buffer
            let chunks = min(plans.count, 64)
            DispatchQueue.concurrentPerform(iterations: chunks) { chunk in
                do {
                    for index in (chunk * plans.count / chunks)..<((chunk + 1) * plans.count / chunks) {
                        slots[index] = try sign(plans[index])
                    }
                } catch { failure.withLock { $0 = error } }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
        return signed
    }

    private func sign(_ plan: Plan) throws -> [UInt8] {
        let signer =
            switch plan.signer {
            case .oem(let number): consortium.oems[number]
            case .customer(let number): consortium.customers[number]
            case .maintainer(let number): consortium.maintainers[number]
            case .delegate(let number): consortium.delegates[number]
            case .device(let number): try Consortium.signer("device \(number)")
            }
        return signer.sign(try payload(plan, signer: signer), hash: SHA256.hash)
    }

    private func payload(_ plan: Plan, signer: MessageSigner) throws -> TransactionPayload {
        func payload<C: Contract>(_ contract: C.Type, _ action: C.Action) throws -> TransactionPayload {
            try TransactionPayload(
                chain: consortium.chain, expires: plan.expires,
                nonce: bigEndianBytes(plan.nonce) + bigEndianBytes(0), contract: contract, action: action)
        }
        switch plan.action {
        case .consortium(let action): return try payload(ConsortiumContract.self, action)
        case .machine(let action): return try payload(MachineContract.self, action)
        case .maintenance(let action): return try payload(MaintenanceContract.self, action)
        case .register(let machine, let owner, let device):
            let key = try Consortium.key(device).publicKey
            return try payload(
                MachineContract.self, .register(Workload.registration(machine, owner: owner, device: key)))
        case .anchor(let machine, let head):
            return try payload(
                TelemetryContract.self,
                .anchor(Workload.anchor(machine, head: head, device: signer.publicKey)))
        }
    }

    private static func registration(
        _ machine: String, owner: Int, device: Ed25519.PublicKey
    ) -> MachineContract.Register {
        .init(
            machine: MachineID(unchecked: machine),
            customer: Consortium.customer(owner % Consortium.customerCount),
            machineClass: MachineClass(unchecked: "laser-cutter"),
            site: .init(region: Region(unchecked: "de-bw"), name: "Hall 3"),
            nameplate: .init(
                manufacturer: "oem GmbH", model: "LC-3000", serialNumber: machine, yearOfConstruction: 2024,
                countryOfOrigin: "DE"),
            documents: [],
            devices: [.init(publicKey: Bytes(device.bytes), label: "main box")],
            reportingIntervalMilliseconds: 10_000)
    }

    /// A thousand entries, half an hour long.
    private static func anchor(
        _ machine: Int, head: TelemetryHead, device: [UInt8]
    ) -> TelemetryContract.Anchor {
        let from = 1_767_225_600_000 + Int64(head.number) * 1_800_000
        let root = SHA256.digest(head.id.keyBytes + bigEndianBytes(head.number))
        return .init(
            machine: head.id, first: head.nextSequence, last: head.nextSequence + 999, fromMilliseconds: from,
            toMilliseconds: from + 1_799_000, count: 1_000,
            cid: "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
            cipherDigest: SHA256.digest(root.bytes), root: root,
            device: KeyID(publicKey: device, hash: SHA256.hash), previous: head.digest)
    }
}
