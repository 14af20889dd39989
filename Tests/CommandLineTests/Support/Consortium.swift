import Foundation

/// A small consortium in a demonstration's time, set up by commands alone.
struct Consortium {
    let place: Workplace

    /// Whether a node runs in the data directory, through which all verbs then go.
    @TaskLocal static var isServed = false

    /// The machine's device key.
    private(set) var device = ""

    /// A founded ledger with an OEM, a customer, a maintainer and an arbiter.
    init() async throws {
        place = try Workplace()
        try await place.succeed("found Ring --board chamber --country DE --simulated --at 2026-02-01")
        if Consortium.isServed { try place.serve() }
        for (member, role) in [
            ("press-works", "oem"), ("stamper", "customer"), ("fixit", "maintainer"), ("judge", "arbiter"),
        ] {
            try await place.succeed(
                "member invite \(member) --as chamber --name \"\(member) Ltd\" --role \(role)")
            try await place.succeed(
                "member join \(member) --country DE --city Ulm --address \"Street 1\" --postal-code 89073 "
                    + "--vat-id DE811111111 --email office@example.com")
            try await place.succeed("admit \(member) --as chamber")
        }
    }

    static let registration =
        "machine register press-7 --as press-works --customer stamper --class press --region de-south "
        + "--manufacturer Works --model P40 --serial 4711 --year 2025 --reporting-interval 3600 --device "

    /// With a machine that the customer has accepted and, after what else is to be done before, started.
    static func withMachine(
        started time: String = "2026-02-01", before: (Workplace) async throws -> Void = { _ in }
    ) async throws -> Consortium {
        var consortium = try await Consortium()
        try await consortium.addMachine()
        try await before(consortium.place)
        try await consortium.place.succeed("machine start press-7 --as stamper --at \(time)")
        return consortium
    }

    private mutating func addMachine() async throws {
        let run = try await place.succeed("machine device-key press-7 --as stamper")
        device = run.output.trimmingCharacters(in: .whitespacesAndNewlines)
        try place.write("Keep dry.", to: "manual.txt")
        try await place.succeed(Consortium.registration + device + " --document manual.txt")
        try await place.succeed("machine accept press-7 --as stamper")
        try await place.succeed(
            "maintainer accredit fixit --as press-works --class press --region de-south --until 2027-01-01")
    }

    /// The ledger's head: it stays as it is where nothing was written.
    func head() async throws -> String { try await place.succeed("status --json").output }

    func record(_ kind: String, _ id: String) async throws -> [String: Any] {
        try await place.succeed("show \(kind) \(id) --json").object()
    }

    func state(_ kind: String, _ id: String) async throws -> String {
        try await record(kind, id)["state"] as? String ?? "none"
    }
}
