/// The targets of `Package.swift` and what each may import.
struct Arrows {
    struct Target {
        let name: String
        /// Such as `Sources/Core/Codec`.
        let path: String
        let needs: Set<String>
    }

    private(set) var targets: [Target] = []
    private var lists: [String: Set<String>] = [:]

    /// Reads the manifest's own helpers: `module`, `system`, `tests`, `.target`, `.executableTarget`, and its
    /// two lists.
    init(_ manifest: SourceFile) {
        let tokens = manifest.tokens
        func literals(_ open: Int) -> [String] {
            let end = tokens.closing(open)
            let range = tokens[open].offset..<(end < tokens.count ? tokens[end].offset : .max)
            return manifest.text.literals.filter { range.contains($0.offset) }.map(\.text)
        }
        for name in ["core", "edge"] {
            guard
                let start = tokens.indices.first(where: {
                    tokens[$0].text == name && tokens.text($0 - 1) == "let"
                }),
                let equals = tokens[start...].firstIndex(where: { $0.text == "=" })
            else { continue }
            lists[name] = Set(literals(equals + 1))
        }
        for index in tokens.indices where tokens.text(index + 1) == "(" && tokens.text(index - 1) != "func" {
            let names = literals(index + 1)
            guard let first = names.first else { continue }
            let end = tokens.closing(index + 1)
            let spread = tokens[index..<end].reduce(into: Set<String>()) {
                $0.formUnion(lists[$1.text] ?? [])
            }
            let needs = spread.union(names.dropFirst())
            switch tokens[index].text {
            case "module" where names.count >= 2:
                add(first, "Sources/\(names[1])/\(first)", Set(names.dropFirst(2)))
            case "tests":
                add("\(first)Tests", "Tests/\(first)Tests", needs.union(["TestSupport"]))
            case "target", "executableTarget":
                guard tokens.text(index - 1) == ".", let path = names.last, !path.contains("//") else {
                    continue
                }
                add(first, path, needs.subtracting([path]))
            default: continue
            }
        }
    }

    private mutating func add(_ name: String, _ path: String, _ needs: Set<String>) {
        targets.append(Target(name: name, path: path, needs: needs))
    }

    /// Modules of the platform that a folder may import beside the project's own.
    static func platform(_ path: String) -> Set<String> {
        if path.hasPrefix("Sources/Core/") { return [] }
        var modules: Set = [
            "Foundation", "FoundationNetworking", "Glibc", "Musl", "Darwin", "Synchronization",
        ]
        if path.hasPrefix("Tests/") { modules.formUnion(["Testing", "Dispatch", "FoundationXML"]) }
        return modules
    }

    /// The one module that wraps each C library.
    static let wrappers = [
        "CSodium": "Cryptography", "COpenSSL": "Cryptography", "CLMDB": "Storage", "CISAL": "Storage",
        "CMalloc": "Storage",
        "CNATS": "Ordering", "CMicroHTTPD": "HTTP", "CCurl": "HTTP",
    ]

    /// The layers from below; a target may need only its own and lower ones.
    static func layer(_ path: String) -> Int {
        let order = [
            "Sources/System/", "Sources/Core/", "Sources/Edge/", "Sources/Node", "Sources/API",
            "Sources/CommandLine",
        ]
        return order.firstIndex { path.hasPrefix($0) } ?? order.count
    }
}
