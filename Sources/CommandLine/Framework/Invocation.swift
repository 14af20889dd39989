import Foundation

/// A verb's options as the person gave them, with the readings that verbs share.
struct Invocation: Sendable {
    let verb: Verb
    private let values: [String: [String]]

    /// Reads the words after the verb's own.
    /// - Throws: `UsageError` for anything that the verb does not understand.
    init(verb: Verb, arguments: [String]) throws {
        self.verb = verb
        let tryHelp = "try millwright \(verb.title) --help"
        var values: [String: [String]] = [:]
        var positionals = verb.options.filter { if case .positional = $0.kind { true } else { false } }[...]
        var rest = arguments[...]
        while let given = rest.popFirst() {
            let word = given == "-h" ? "--help" : given
            guard word.hasPrefix("--"), word.count > 2 else {
                guard let option = positionals.first else {
                    throw UsageError(
                        "cli.unexpected_argument", "\(verb.title) does not take «\(word)»; \(tryHelp)")
                }
                if !option.isRepeated { positionals.removeFirst() }
                values[option.name, default: []].append(word)
                continue
            }
            let parts = word.dropFirst(2).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard let option = verb.allOptions.first(where: { $0.name == name && !$0.isPositional }) else {
                let known = verb.allOptions.filter { !$0.isPositional }.map(\.name)
                let near = Guess.nearest(name, among: known).map { "did you mean --\($0)? T" } ?? "t"
                throw UsageError(
                    "cli.unknown_option",
                    "\(verb.title) has no option --\(name); \(near)\(tryHelp.dropFirst())")
            }
            if case .flag = option.kind {
                guard parts.count == 1 else {
                    throw UsageError("cli.unexpected_value", "--\(name) takes no value")
                }
                values[name] = ["true"]
                continue
            }
            guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
                throw UsageError("cli.missing_value", "--\(name) needs a value")
            }
            guard values[name] == nil || option.isRepeated else {
                throw UsageError("cli.repeated_option", "--\(name) is given more than once")
            }
            values[name, default: []].append(value)
        }
        if values["help"] == nil {
            for option in verb.options where option.isRequired && values[option.name] == nil {
                throw UsageError("cli.missing_option", "\(verb.title) needs \(option.usage); \(tryHelp)")
            }
        }
        self.values = values
    }

    func has(_ name: String) -> Bool { values[name] != nil }
    func string(_ name: String) -> String? { values[name]?.last }
    func strings(_ name: String) -> [String] { values[name] ?? [] }

    /// An option that the parser has already found to be there, or that only some uses of the verb need.
    func required(_ name: String) throws -> String {
        guard let value = string(name) else {
            throw UsageError("cli.missing_option", "\(verb.title) needs --\(name)")
        }
        return value
    }

    var wantsJSON: Bool { has("json") }

    func integer(_ name: String) throws -> Int64? {
        guard let text = string(name) else { return nil }
        guard let value = Int64(text) else {
            throw UsageError("cli.bad_value", "--\(name) takes a whole number, not «\(text)»")
        }
        return value
    }

    func integer(_ name: String, in range: ClosedRange<Int64>) throws -> Int64? {
        guard let value = try integer(name) else { return nil }
        guard range.contains(value) else {
            throw UsageError(
                "cli.bad_value", "--\(name) lies between \(range.lowerBound) and \(range.upperBound)")
        }
        return value
    }

    /// The file's bytes; `-` is standard input.
    func file(_ path: String, limit: Int = 64 << 20) throws -> [UInt8] {
        let handle: FileHandle
        if path == "-" {
            handle = .standardInput
        } else {
            guard let opened = FileHandle(forReadingAtPath: path) else {
                throw UsageError("cli.no_file", "\(path) cannot be read")
            }
            handle = opened
        }
        let data: Data
        do { data = try handle.read(upToCount: limit + 1) ?? Data() } catch {
            throw UsageError("cli.no_file", "\(path) cannot be read")
        }
        guard data.count <= limit else {
            throw UsageError("cli.file_too_large", "\(path) is larger than \(limit >> 20) MB")
        }
        return [UInt8](data)
    }
}

extension Option {
    var isPositional: Bool { if case .positional = kind { true } else { false } }
}
