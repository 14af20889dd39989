/// One thing that a person can ask of `millwright`: its words, what it takes, and what it does.
struct Verb: Sendable {
    /// The words after `millwright`, such as `["machine", "register"]`.
    let words: [String]
    /// One line for the list of verbs.
    let summary: String
    /// A paragraph for the verb's own help; may be empty.
    let detail: String
    let options: [Option]
    /// Whole command lines that work after a `millwright found`.
    let examples: [String]
    /// Whether it works on files alone: there is no data directory and no node to name.
    let isOffline: Bool
    let run: @Sendable (Invocation) async throws -> Void

    init(
        _ words: String, _ summary: String, detail: String = "", options: [Option] = [],
        examples: [String] = [], isOffline: Bool = false,
        run: @escaping @Sendable (Invocation) async throws -> Void
    ) {
        self.words = words.split(separator: " ").map(String.init)
        (self.summary, self.detail, self.options) = (summary, detail, options)
        (self.examples, self.isOffline, self.run) = (examples, isOffline, run)
    }

    var title: String { words.joined(separator: " ") }

    /// Every option that the verb understands, the common ones included.
    var allOptions: [Option] { options + (isOffline ? [] : Option.ledger) + Option.common }
}

/// Verbs that help lists under one heading.
struct VerbGroup: Sendable {
    let title: String
    let verbs: [Verb]

    init(_ title: String, _ verbs: [Verb]) { (self.title, self.verbs) = (title, verbs) }
}

/// What a verb takes: `--name VALUE`, a bare `--name`, or an argument without a name.
struct Option: Sendable {
    enum Kind: Sendable {
        /// `--name VALUE`; the text names the value in help.
        case value(String)
        /// `--name`.
        case flag
        /// A word without a name, in the order in which the verb lists them.
        case positional
    }

    let name: String
    let kind: Kind
    let help: String
    let isRequired: Bool
    /// May be given more than once.
    let isRepeated: Bool

    static func value(
        _ name: String, _ placeholder: String, _ help: String, required: Bool = false, repeated: Bool = false
    ) -> Option {
        Option(name: name, kind: .value(placeholder), help: help, isRequired: required, isRepeated: repeated)
    }

    static func flag(_ name: String, _ help: String) -> Option {
        Option(name: name, kind: .flag, help: help, isRequired: false, isRepeated: false)
    }

    /// - Parameter repeated: takes all words that follow; only for the last one.
    static func positional(
        _ name: String, _ help: String, required: Bool = true, repeated: Bool = false
    ) -> Option {
        Option(name: name, kind: .positional, help: help, isRequired: required, isRepeated: repeated)
    }

    /// Understood by every verb that works on a ledger.
    static let ledger: [Option] = [
        .value("home", "DIR", "data directory (default: $MILLWRIGHT_HOME or ./millwright-data)"),
        .value("node", "URL#PIN", "a node on another machine (default: $MILLWRIGHT_NODE, or the home's own)"),
    ]

    /// Understood by every verb.
    static let common: [Option] = [
        .flag("json", "print the result as JSON"),
        .flag("help", "show this help"),
    ]

    /// How the option is written in help.
    var usage: String {
        switch kind {
        case .value(let placeholder): "--\(name) \(placeholder)"
        case .flag: "--\(name)"
        case .positional: name.uppercased() + (isRepeated ? "…" : "")
        }
    }
}

/// Something that the person must put right: one line on stderr, exit status 2.
struct UsageError: Error, CustomStringConvertible {
    /// Stable, such as `cli.missing_option`.
    let code: String
    let message: String

    init(_ code: String, _ message: String) { (self.code, self.message) = (code, message) }

    var description: String { "\(code): \(message)" }
}

/// The verb ran and the answer is no: a rejected transaction, a proof that fails. Exit status 1.
struct NegativeAnswer: Error, CustomStringConvertible {
    let code: String
    let message: String

    init(_ code: String, _ message: String) { (self.code, self.message) = (code, message) }

    var description: String { message.isEmpty ? code : "\(code): \(message)" }
}
