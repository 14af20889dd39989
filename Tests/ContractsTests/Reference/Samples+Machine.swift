import Codec
import Contracts
import Ledger

extension Samples {
    private static let site = MachineRecord.Site(region: Region(unchecked: "de-by"), name: "Hall 2")
    private static let nameplate = Nameplate(
        manufacturer: "Maker", model: "P7", serialNumber: "1", yearOfConstruction: 2024, countryOfOrigin: "DE"
    )
    private static let newDevice = MachineContract.NewDevice(publicKey: publicKey, label: "box")

    private static let order = StandingOrder(
        currency: .euro, priceLimit: amount, ceiling: amount, acceptWithin: .days(7))

    static func machine() throws -> [Sample] {
        let subject = MachineContract.Subject(machine: machineID)
        let actions: [MachineContract.Action] = [
            .register(
                .init(
                    machine: machineID, customer: member, machineClass: MachineClass(unchecked: "press"),
                    site: site, nameplate: nameplate, documents: [document], devices: [newDevice],
                    reportingIntervalMilliseconds: 1_000)),
            .accept(.init(machine: machineID, order: order)), .start(subject), .reset(subject),
            .acceptTermination(subject),
            .declineTermination(subject), .stop(.init(machine: machineID, reason: "shift", fault: false)),
            .proposeTermination(.init(machine: machineID, reason: "over")),
            .replaceDevice(.init(machine: machineID, replaces: key, device: newDevice)),
            .acceptDevice(.init(machine: machineID, key: key)),
            .relocate(.init(machine: machineID, site: site)),
            .setStandingOrder(.init(machine: machineID, order: order)),
        ]
        let device = MachineRecord.Device(key: key, publicKey: publicKey, label: "box")
        var record = MachineRecord(
            id: machineID, oem: member, customer: member, machineClass: MachineClass(unchecked: "press"),
            site: site, devices: [device], reportingIntervalMilliseconds: 1_000, registered: time)
        record.replacement = .init(replaces: key, device: device, proposed: time)
        (record.accepted, record.started, record.terminated) = (time, time, time)
        record.lastStop = .init(
            reason: "heat", fault: true, key: key, time: time, reset: time, resetBy: member)
        record.termination = .init(proposedBy: member, reason: "over", proposed: time, from: .stopped)
        let plate = NameplateRecord(id: machineID, nameplate: nameplate, documents: [document])
        let standing = StandingOrderRecord(id: machineID, order: order, awarded: amount)
        return try actions.map { try .action(MachineContract.self, $0) } + [
            .record(record), .record(plate), .record(standing),
        ]
    }

    static func telemetry() throws -> [Sample] {
        let position = ChainPosition(machine: machineID, number: 2)
        return [
            try .action(
                TelemetryContract.self,
                .anchor(
                    .init(
                        machine: machineID, first: 1, last: 2, fromMilliseconds: 1, toMilliseconds: 2,
                        count: 2,
                        cid: document.cid, cipherDigest: digest, root: digest, device: key, previous: digest))
            ),
            try .action(
                TelemetryContract.self,
                .declareGap(
                    .init(
                        machine: machineID, first: 1, last: 2, fromMilliseconds: 1, toMilliseconds: 2,
                        reason: "power", previous: digest))),
            try .record(
                AnchorRecord(
                    id: position, first: 1, last: 2, fromMilliseconds: 1, toMilliseconds: 2, count: 2,
                    cid: document.cid, cipherDigest: digest, root: digest, device: key, previous: digest,
                    anchored: time)),
            try .record(
                GapRecord(
                    id: position, first: 1, last: 2, fromMilliseconds: 1, toMilliseconds: 2, reason: "power",
                    previous: digest, declared: time)),
            try .action(
                TelemetryContract.self, .contest(.init(machine: machineID, number: 2, reason: "not there"))),
            try .action(
                TelemetryContract.self, .withdrawContest(.init(machine: machineID, number: 2))),
            try .record(
                ContestRecord(id: position, reason: "not there", contested: time, stands: time)),
            try .record(TelemetryHead(id: machineID, nextSequence: 3, number: 2, digest: digest)),
        ]
    }
}
