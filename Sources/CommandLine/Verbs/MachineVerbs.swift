import Codec
import Contracts
import Cryptography
import Ledger
import Node

/// A machine's life under rent.
enum MachineVerbs {
    static let all: [Verb] = [
        deviceKey, register, accept, start, stop, reset, relocate, proposeTermination, acceptTermination,
        declineTermination, replaceDevice, acceptDevice, setStandingOrder,
    ]

    static let machine = Option.positional("machine", "the machine's short name")

    static let register = Verb(
        "machine register", "register a rented machine with its nameplate and device (OEM)",
        detail: """
            --device takes the public key of the box that will sign the machine's telemetry. In the field \
            the box makes that key and never gives it away. Where the customer's node signs in its place, \
            the customer makes the key with millwright machine device-key and tells you the public half. \
            Each --document (manual, certificate) is sealed for the customer.
            """,
        options: [
            machine,
            .value("customer", "MEMBER", "who rents it", required: true),
            .value("class", "CLASS", "machine class that accreditations name, such as press", required: true),
            .value("region", "REGION", "where it stands, as accreditations name it", required: true),
            .value("site", "TEXT", "plant, hall, place (default: the region)"),
            .value("manufacturer", "TEXT", "nameplate: manufacturer", required: true),
            .value("model", "TEXT", "nameplate: model", required: true),
            .value("serial", "TEXT", "nameplate: serial number", required: true),
            .value("year", "YEAR", "nameplate: year of construction", required: true),
            .value("origin", "CC", "nameplate: country of origin, ISO 3166-1"),
            .value("reporting-interval", "SECONDS", "how often it reports: 0.1 to 86400", required: true),
            .value("device", "PUBLICKEY", "Ed25519 public key, hexadecimal", required: true, repeated: true),
            .document,
        ] + Option.signing,
        examples: [
            "millwright machine register press-7 --as press-works --customer stamper "
                + "--class press --region de-south --manufacturer \"Press works\" --model P40 "
                + "--serial 4711 --year 2025 --reporting-interval 60 --device PUBLICKEY"
        ]
    ) { invocation in
        let registration = try registration(invocation)
        try await Session.with(invocation) { session in
            var register = registration
            register.documents = try session.attach(for: [register.customer])
            try await session.perform(
                MachineContract.self, .register(register), naming: register.documents,
                saying: "\(register.machine) is registered for \(register.customer)")
        }
    }

    private static func registration(_ invocation: Invocation) throws -> MachineContract.Register {
        let region: Region = try invocation.identifier("region")
        guard let year = try invocation.integer("year"),
            let interval = try invocation.decimal("reporting-interval", digits: 3)
        else {
            throw UsageError("cli.missing_option", "machine register needs --year and --reporting-interval")
        }
        let devices = try invocation.strings("device").enumerated().map { index, text in
            MachineContract.NewDevice(publicKey: try Invocation.publicKey(text), label: "device-\(index + 1)")
        }
        return .init(
            machine: try invocation.identifier("machine"), customer: try invocation.identifier("customer"),
            machineClass: try invocation.identifier("class"),
            site: .init(region: region, name: invocation.string("site") ?? region.text),
            nameplate: .init(
                manufacturer: try invocation.required("manufacturer"),
                model: try invocation.required("model"),
                serialNumber: try invocation.required("serial"), yearOfConstruction: year,
                countryOfOrigin: invocation.string("origin")),
            documents: [], devices: devices, reportingIntervalMilliseconds: interval)
    }

    /// A verb that needs no more than the machine.
    private static func simple(
        _ word: String, _ summary: String, detail: String = "", by member: String, saying: String,
        _ action: @escaping @Sendable (MachineContract.Subject) -> MachineContract.Action
    ) -> Verb {
        Verb(
            "machine \(word)", summary, detail: detail, options: [machine] + Option.signing,
            examples: ["millwright machine \(word) press-7 --as \(member)"]
        ) { invocation in
            let machine: MachineID = try invocation.identifier("machine")
            try await Session.with(invocation) { session in
                try await session.perform(
                    MachineContract.self, action(.init(machine: machine)), saying: "\(machine) \(saying)")
            }
        }
    }

    static let accept = simple(
        "accept", "accept a registered machine; its device may sign from then on (customer)",
        detail: "What it may order by itself when it fails you say with machine set-standing-order.",
        by: "stamper", saying: "is accepted"
    ) { .accept(.init(machine: $0.machine)) }

    static let start = simple(
        "start", "take a machine into service: billing begins (customer or its device)",
        detail: "With --key device-MACHINE the machine's device signs instead of the customer.",
        by: "stamper", saying: "is in service"
    ) { .start($0) }

    static let stop = Verb(
        "machine stop", "take a machine out of service: billing ends (customer or its device)",
        options: [
            machine, .value("reason", "TEXT", "why", required: true),
            .flag("fault", "a fault stopped it: it starts again only after machine reset"),
        ] + Option.signing,
        examples: ["millwright machine stop press-7 --as stamper --reason \"plant holiday\""]
    ) { invocation in
        let body = MachineContract.Stop(
            machine: try invocation.identifier("machine"), reason: try invocation.required("reason"),
            fault: invocation.has("fault"))
        try await Session.with(invocation) { session in
            try await session.perform(MachineContract.self, .stop(body), saying: "\(body.machine) is stopped")
        }
    }

    static let reset = simple(
        "reset", "clear the fault of a stop, so that the machine can start (customer or OEM)",
        by: "stamper", saying: "can be started again"
    ) { .reset($0) }

    static let relocate = Verb(
        "machine relocate", "say where an accepted or stopped machine stands now (customer)",
        options: [
            machine, .value("region", "REGION", "as accreditations name it", required: true),
            .value("site", "TEXT", "plant, hall, place (default: the region)"),
        ] + Option.signing,
        examples: ["millwright machine relocate press-7 --as stamper --region de-south --site \"Hall 3\""]
    ) { invocation in
        let machine: MachineID = try invocation.identifier("machine")
        let region: Region = try invocation.identifier("region")
        let site = MachineRecord.Site(region: region, name: invocation.string("site") ?? region.text)
        try await Session.with(invocation) { session in
            try await session.perform(
                MachineContract.self, .relocate(.init(machine: machine, site: site)),
                saying: "\(machine) stands at \(site.name)")
        }
    }

    // MARK: The end of the rent

    static let proposeTermination = Verb(
        "machine propose-termination", "propose to end the rent of a stopped machine (OEM, customer)",
        detail: """
            The other party accepts, after the final invoice has been issued and paid. A machine that the \
            customer has never accepted is terminated at once.
            """,
        options: [machine, .value("reason", "TEXT", "why", required: true)] + Option.signing,
        examples: ["millwright machine propose-termination press-7 --as stamper --reason \"end of order\""]
    ) { invocation in
        let body = MachineContract.ProposeTermination(
            machine: try invocation.identifier("machine"), reason: try invocation.required("reason"))
        try await Session.with(invocation) { session in
            try await session.perform(
                MachineContract.self, .proposeTermination(body),
                saying: "the end of the rent of \(body.machine) is proposed")
        }
    }

    static let acceptTermination = simple(
        "accept-termination", "agree to end the rent (the other party)", by: "press-works",
        saying: "is no longer rented"
    ) { .acceptTermination($0) }

    static let declineTermination = simple(
        "decline-termination", "refuse to end the rent, or take the proposal back", by: "press-works",
        saying: "stays rented"
    ) { .declineTermination($0) }
}
