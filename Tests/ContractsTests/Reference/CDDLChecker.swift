/// Holds items to rules, notes which places of the rules they have used, and says how an item may change.
struct CDDLChecker {
    /// The first rule broken, by name, and where.
    struct Mismatch: Error, CustomStringConvertible {
        let rule: String
        let path: [String]
        let problem: String

        var description: String { "\(rule) at /\(path.joined(separator: "/")): \(problem)" }
    }

    /// A change in one place, and whether the code must still take the item.
    struct Change {
        let what: String
        let path: [Int]
        let item: CBORItem?
        let isAllowed: Bool
    }

    let rules: CDDL
    private var used: Set<Int> = []
    private var changes: [Change] = []

    init(_ rules: CDDL) { self.rules = rules }

    /// Places in the rules that no item has used yet.
    var unused: [String] {
        rules.places.indices.filter { !used.contains($0) }.map { rules.places[$0] }
    }

    /// Holds an item to a rule.
    /// - Returns: what the rule says about changed items: keys that may be absent and keys that may not,
    ///   numbers that may be negative and numbers that may not, the texts of a choice and another.
    /// - Throws: `Mismatch`.
    mutating func check(_ item: CBORItem, rule: String) throws -> [Change] {
        changes = []
        try check(item, .name(rule), Position(rule: rule))
        return changes
    }

    private struct Position {
        var rule: String
        var keys: [String] = []
        var path: [Int] = []

        func mismatch(_ problem: String) -> Mismatch { Mismatch(rule: rule, path: keys, problem: problem) }

        func below(_ key: String, _ index: Int) -> Position {
            Position(rule: rule, keys: keys + [key], path: path + [index])
        }

        func change(_ what: String, to item: CBORItem?, isAllowed: Bool) -> Change {
            Change(
                what: "\(rule) /\(keys.joined(separator: "/")) \(what)", path: path, item: item,
                isAllowed: isAllowed)
        }
    }

    private mutating func check(_ item: CBORItem, _ kind: CDDL.Kind, _ position: Position) throws {
        switch (kind, item) {
        case (.text, .text), (.bool, .bool): return
        case (.integer, .integer):
            changes.append(position.change("negative", to: .integer(-1), isAllowed: true))
        case (.unsigned, .integer(0...)):
            changes.append(position.change("negative", to: .integer(-1), isAllowed: false))
        case (.bytes(let count), .bytes(let bytes)):
            guard count == nil || count == bytes.count else {
                throw position.mismatch("\(bytes.count) bytes")
            }
        case (.literal(let text), .text(let found)) where text == found: return
        case (.array(let kind, let isEmptyAllowed), .array(let items)):
            guard isEmptyAllowed || !items.isEmpty else { throw position.mismatch("an empty list") }
            for (index, item) in items.enumerated() {
                try check(item, kind, position.below("\(index)", index))
            }
        case (.map(let members), .map(let pairs)): try check(pairs, members, position)
        case (.choice(let alternatives), _): try check(item, alternatives, position)
        case (.name(let name), _):
            guard let kind = rules.rules[name] else { throw position.mismatch("there is no rule \(name)") }
            var position = position
            position.rule = name
            try check(item, kind, position)
        default: throw position.mismatch("\(item) is not \(kind)")
        }
    }

    private mutating func check(
        _ pairs: [CBORItem.Pair], _ members: [CDDL.Member], _ position: Position
    ) throws {
        for (index, pair) in pairs.enumerated() {
            guard let member = members.first(where: { $0.key == pair.key }) else {
                throw position.mismatch("the rule has no key \(pair.key)")
            }
            used.insert(member.place)
            let below = position.below(pair.key, index)
            changes.append(below.change("absent", to: nil, isAllowed: member.isOptional))
            try check(pair.value, member.kind, below)
        }
        for member in members where !member.isOptional && !pairs.contains(where: { $0.key == member.key }) {
            throw position.mismatch("the key \(member.key) is missing")
        }
    }

    private mutating func check(
        _ item: CBORItem, _ alternatives: [CDDL.Alternative], _ position: Position
    ) throws {
        if let literals = CDDL.literals(of: alternatives) {
            guard case .text(let text) = item, literals.contains(text) else {
                throw position.mismatch("\(item) is not in the rule")
            }
            used.formUnion(alternatives.map(\.place))
            changes += literals.map { position.change("as \($0)", to: .text($0), isAllowed: true) }
            changes.append(position.change("as no known text", to: .text("?"), isAllowed: false))
            return
        }
        var problems: [String] = []
        for alternative in alternatives {
            let before = (used, changes)
            do {
                try check(item, alternative.kind, position)
                used.insert(alternative.place)
                return
            } catch {
                (used, changes) = before
                problems.append("\(error)")
            }
        }
        throw position.mismatch("no alternative holds: " + problems.joined(separator: "; "))
    }
}
