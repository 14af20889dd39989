// swift-tools-version: 6.2
import PackageDescription

/// What every target is built with: Swift 6 mode (from the tools version), warnings are errors.
///
/// Release builds specialise generic code across modules: a contract's reads and writes go through
/// `Context`, which is another module's. Of what is `package` the compiler does so only where it is also
/// `@usableFromInline`. Overlapping accesses are looked for at compile time, which is free, and in debug
/// builds, which the tests are, also while running.
let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .unsafeFlags(
        ["-cross-module-optimization", "-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

func module(_ name: String, in folder: String, needs dependencies: [Target.Dependency] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/\(folder)/\(name)", swiftSettings: settings)
}

func tests(_ name: String, of dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies + ["TestSupport"], path: "Tests/\(name)Tests",
        swiftSettings: settings)
}

func system(_ name: String, pkgConfig: String, apt: String, brew: String) -> Target {
    .systemLibrary(
        name: name, path: "Sources/System/\(name)", pkgConfig: pkgConfig,
        providers: [.apt([apt]), .brew([brew])])
}

let core: [Target.Dependency] = ["Codec", "Merkle", "Ledger", "Billing", "Contracts"]
let edge: [Target.Dependency] = [
    "Cryptography", "Storage", "Ordering", "Vault", "Telemetry", "TimeZones", "HTTP",
]

let package = Package(
    name: "millwright",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "millwright", targets: ["millwright"])],
    targets: [
        system("CSodium", pkgConfig: "libsodium", apt: "libsodium-dev", brew: "libsodium"),
        system("CLMDB", pkgConfig: "lmdb", apt: "liblmdb-dev", brew: "lmdb"),
        system("CISAL", pkgConfig: "libisal", apt: "libisal-dev", brew: "isa-l"),
        .systemLibrary(name: "CMalloc", path: "Sources/System/CMalloc"),
        system("COpenSSL", pkgConfig: "libcrypto", apt: "libssl-dev", brew: "openssl@3"),
        system("CNATS", pkgConfig: "libnats", apt: "libnats-dev", brew: "cnats"),
        system("CMicroHTTPD", pkgConfig: "libmicrohttpd", apt: "libmicrohttpd-dev", brew: "libmicrohttpd"),
        system("CCurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev", brew: "curl"),

        module("Codec", in: "Core"),
        module("Merkle", in: "Core", needs: ["Codec"]),
        module("Ledger", in: "Core", needs: ["Codec", "Merkle"]),
        module("Billing", in: "Core", needs: ["Codec", "Merkle", "Ledger"]),
        module("Contracts", in: "Core", needs: ["Codec", "Merkle", "Ledger", "Billing"]),

        module("Cryptography", in: "Edge", needs: ["Codec", "CSodium", "COpenSSL"]),
        module("Storage", in: "Edge", needs: ["Codec", "Merkle", "Ledger", "CLMDB", "CISAL", "CMalloc"]),
        module(
            "Ordering", in: "Edge",
            needs: ["Codec", "Ledger", "Storage", "Cryptography", "HTTP", "CNATS"]),
        module("Vault", in: "Edge", needs: ["Codec", "Cryptography"]),
        module("Telemetry", in: "Edge", needs: ["Codec", "Billing"]),
        module("TimeZones", in: "Edge", needs: ["Billing"]),
        module("HTTP", in: "Edge", needs: ["Codec", "Cryptography", "CMicroHTTPD", "CCurl"]),

        .target(
            name: "Node", dependencies: core + edge, path: "Sources/Node", swiftSettings: settings),
        .target(
            name: "API", dependencies: core + edge + ["Node"], path: "Sources/API", swiftSettings: settings),
        .executableTarget(
            name: "millwright", dependencies: core + edge + ["Node", "API"], path: "Sources/CommandLine",
            swiftSettings: settings),
        .target(
            name: "Simulation", dependencies: ["Codec", "Merkle", "Ledger"], path: "Sources/Simulation",
            swiftSettings: settings),
        .executableTarget(
            name: "millwright-simulate", dependencies: ["Simulation"], path: "Sources/Simulate",
            swiftSettings: settings),
        .executableTarget(
            name: "millwright-bench", dependencies: core + edge + ["Node", "API", "TestSupport"],
            path: "Benchmarks",
            swiftSettings: settings),

        // The process that the crash tests kill.
        .executableTarget(
            name: "millwright-load", dependencies: core + edge + ["Node"], path: "Tests/Load",
            swiftSettings: settings),
        .target(
            name: "TestSupport", dependencies: core + ["Cryptography", "Storage", "Ordering", "HTTP"],
            path: "Tests/TestSupport",
            swiftSettings: settings),
        // Real nodes and real NATS servers, and what can happen to them.
        .executableTarget(
            name: "millwright-chaos", dependencies: core + edge + ["Node", "API", "TestSupport"],
            path: "Tests/Chaos", swiftSettings: settings),
        tests("Codec", of: ["Codec", "Cryptography", "CSodium"]),
        tests("Merkle", of: ["Merkle", "Codec", "Cryptography"]),
        tests("Ledger", of: ["Ledger", "Merkle", "Codec", "Cryptography"]),
        tests("Billing", of: ["Billing", "Codec", "Cryptography", "TimeZones"]),
        tests("Contracts", of: core + ["Cryptography"]),
        tests("Cryptography", of: ["Cryptography", "Codec"]),
        tests("Storage", of: ["Storage", "Ledger", "Merkle", "Codec", "Cryptography"]),
        tests("Ordering", of: ["Ordering", "Ledger", "Codec", "Cryptography", "Storage", "HTTP", "CNATS"]),
        tests("Vault", of: ["Vault", "Cryptography", "Codec"]),
        tests("Telemetry", of: ["Telemetry", "Billing", "Codec", "Cryptography"]),
        tests("TimeZones", of: ["TimeZones", "Billing"]),
        tests("HTTP", of: ["HTTP", "Cryptography", "Codec"]),
        tests("Node", of: core + edge + ["Node", "millwright-load"]),
        tests("API", of: core + edge + ["Node", "API", "millwright"]),
        tests("CommandLine", of: core + edge + ["Node", "API"]),
        tests("Fuzz", of: core + edge + ["Node"]),
        .testTarget(
            name: "SimulationTests", dependencies: ["Simulation"], path: "Tests/SimulationTests",
            swiftSettings: settings),
        tests("Network", of: ["millwright", "millwright-chaos"]),
        tests("House", of: []),
    ]
)
