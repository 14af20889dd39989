import Testing

/// A place that breaks a rule of the house, and what to do instead.
struct Violation: CustomStringConvertible {
    let path: String
    let line: Int
    let what: String
    let instead: String

    init(_ path: String, _ line: Int, _ what: String, instead: String) {
        (self.path, self.line, self.what, self.instead) = (path, line, what, instead)
    }

    var description: String { "\(path):\(line): \(what): \(instead)" }
}

/// A place that may break a rule, with the reason. One that no longer breaks it has to go.
struct Exemption {
    let path: String
    /// Text that the line must hold.
    let containing: String
    let reason: String
}

/// Fails the test with one line a violation.
func expectNone(_ violations: [Violation], sourceLocation: SourceLocation = #_sourceLocation) {
    guard !violations.isEmpty else { return }
    let list = violations.map(\.description).joined(separator: "\n")
    Issue.record("\(violations.count) broken:\n\(list)", sourceLocation: sourceLocation)
}

/// Takes away what is exempt, and adds the exemptions that exempt nothing.
func applying(_ exemptions: [Exemption], to violations: [Violation], in files: [SourceFile]) -> [Violation] {
    var used = exemptions.map { _ in false }
    var rest = violations.filter { violation in
        guard let file = files.first(where: { $0.path == violation.path }) else { return true }
        let line = file.line(violation.line)
        let matching = exemptions.indices.filter {
            exemptions[$0].path == violation.path && line.contains(exemptions[$0].containing)
        }
        for index in matching { used[index] = true }
        return matching.isEmpty
    }
    for (exemption, isUsed) in zip(exemptions, used) where !isUsed {
        rest.append(
            Violation(
                exemption.path, 1, "exemption «\(exemption.containing)» is not needed", instead: "remove it"))
    }
    return rest
}
