// swift-tools-version: 6.2
import PackageDescription

/// What every target is built with: Swift 6 mode (from the tools version), warnings are errors.
let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
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
    "Cryptography", "Storage", "Ordering", "Vault", "Telemetry", "TimeZones",
]

let package = Package(
    name: "millwright",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "millwright", targets: ["millwright"])],
    targets: [
        system("CSodium", pkgConfig: "libsodium", apt: "libsodium-dev", brew: "libsodium"),
        system("CLMDB", pkgConfig: "lmdb", apt: "liblmdb-dev", brew: "lmdb"),
        system("COpenSSL", pkgConfig: "libcrypto", apt: "libssl-dev", brew: "openssl@3"),

        module("Codec", in: "Core"),
        module("Merkle", in: "Core", needs: ["Codec"]),
        module("Ledger", in: "Core", needs: ["Codec", "Merkle"]),
        module("Billing", in: "Core", needs: ["Codec", "Merkle", "Ledger"]),
        module("Contracts", in: "Core", needs: ["Codec", "Merkle", "Ledger", "Billing"]),

        module("Cryptography", in: "Edge", needs: ["Codec", "CSodium", "COpenSSL"]),
        module("Storage", in: "Edge", needs: ["Codec", "Merkle", "Ledger", "CLMDB"]),
        module("Ordering", in: "Edge", needs: ["Codec", "Ledger", "Storage"]),
        module("Vault", in: "Edge", needs: ["Codec", "Cryptography"]),
        module("Telemetry", in: "Edge", needs: ["Codec", "Billing"]),
        module("TimeZones", in: "Edge", needs: ["Billing"]),

        .target(
            name: "Node", dependencies: core + edge, path: "Sources/Node", swiftSettings: settings),
        .executableTarget(
            name: "millwright", dependencies: core + edge + ["Node"], path: "Sources/CommandLine",
            swiftSettings: settings),
        .target(
            name: "Simulation", dependencies: ["Codec", "Merkle", "Ledger"], path: "Sources/Simulation",
            swiftSettings: settings),
        .executableTarget(
            name: "millwright-simulate", dependencies: ["Simulation"], path: "Sources/Simulate",
            swiftSettings: settings),
        .executableTarget(
            name: "millwright-bench", dependencies: core + edge + ["Node"], path: "Benchmarks",
            swiftSettings: settings),

        // The process that the crash tests kill.
        .executableTarget(
            name: "millwright-load", dependencies: core + edge + ["Node"], path: "Tests/Load",
            swiftSettings: settings),
        .target(
            name: "TestSupport", dependencies: core + ["Cryptography", "Storage"],
            path: "Tests/TestSupport",
            swiftSettings: settings),
        tests("Codec", of: ["Codec", "Cryptography", "CSodium"]),
        tests("Merkle", of: ["Merkle", "Codec", "Cryptography"]),
        tests("Ledger", of: ["Ledger", "Merkle", "Codec", "Cryptography"]),
        tests("Billing", of: ["Billing", "Codec", "Cryptography", "TimeZones"]),
        tests("Contracts", of: core + ["Cryptography"]),
        tests("Cryptography", of: ["Cryptography", "Codec"]),
        tests("Storage", of: ["Storage", "Ledger", "Merkle", "Codec", "Cryptography"]),
        tests("Vault", of: ["Vault", "Cryptography", "Codec"]),
        tests("Telemetry", of: ["Telemetry", "Billing", "Codec", "Cryptography"]),
        tests("TimeZones", of: ["TimeZones", "Billing"]),
        tests("Node", of: core + edge + ["Node", "millwright-load"]),
        tests("CommandLine", of: core + ["Cryptography"]),
        tests("Fuzz", of: core + edge + ["Node"]),
        .testTarget(
            name: "SimulationTests", dependencies: ["Simulation"], path: "Tests/SimulationTests",
            swiftSettings: settings),
        tests("House", of: []),
    ]
)
