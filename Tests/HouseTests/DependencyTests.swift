import Testing

/// Arrows between modules point downward only, and imports follow the arrows of `Package.swift`.
@Suite struct DependencyTests {
    private let arrows = Arrows(SourceFile("Package.swift"))

    @Test func everyFolderOfSourcesIsATarget() {
        let known = Set(arrows.targets.map(\.path))
        expectNone(
            Project.swift.filter { $0.path.hasPrefix("Sources/") }.compactMap { file in
                guard !known.contains(where: { file.path.hasPrefix($0 + "/") }) else { return nil }
                return Violation(file.path, 1, "belongs to no target", instead: "move it or add the target")
            })
        #expect(arrows.targets.count >= 25, "the manifest was not read as it is written")
    }

    @Test func importsFollowTheManifest() {
        var found: [Violation] = []
        for target in arrows.targets {
            let allowed = target.needs.union(Arrows.platform(target.path)).union([target.name])
            for file in Project.swiftFiles(under: target.path) {
                for (module, line) in file.imports where !allowed.contains(module) {
                    found.append(
                        Violation(
                            file.path, line, "\(target.name) imports \(module)",
                            instead: "its arrows in Package.swift are \(target.needs.sorted())"))
                }
            }
        }
        expectNone(found)
    }

    @Test func arrowsPointDownward() {
        let layers = Dictionary(uniqueKeysWithValues: arrows.targets.map { ($0.name, Arrows.layer($0.path)) })
        var found: [Violation] = []
        for target in arrows.targets where target.path.hasPrefix("Sources/") {
            for need in target.needs.sorted() {
                let layer = layers[need] ?? 0
                if layer > Arrows.layer(target.path) {
                    found.append(
                        Violation(
                            "Package.swift", 1, "\(target.name) needs \(need) above it",
                            instead: "turn it round"))
                }
            }
        }
        expectNone(found)
    }

    @Test func cLibrariesHaveOneWrapperEach() {
        expectNone(
            Project.swift.flatMap { file in
                file.imports.compactMap { module, line in
                    // A test may use a C library to make its reference data.
                    guard let wrapper = Arrows.wrappers[module], file.path.hasPrefix("Sources/"),
                        !file.path.hasPrefix("Sources/Edge/\(wrapper)/")
                    else { return nil }
                    return Violation(file.path, line, "imports \(module)", instead: "go through \(wrapper)")
                }
            })
    }
}
