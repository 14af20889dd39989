/// What code that every node must execute alike may not use.
enum PureCore {
    static let modules: Set = ["Codec", "Merkle", "Ledger", "Billing", "Contracts"]

    /// Words that name the clock, chance, the machine, floating point or concurrency.
    static let banned: [String: String] = {
        var reasons: [String: String] = [:]
        func ban(_ words: [String], _ instead: String) { for word in words { reasons[word] = instead } }
        ban(
            ["Foundation", "Glibc", "Musl", "Darwin", "Dispatch"],
            "the core is pure Swift; move this to the edge")
        ban(
            ["Date", "ContinuousClock", "SuspendingClock", "timespec"], "take consensus time from the context"
        )
        ban(
            ["UUID", "random", "randomElement", "shuffle", "shuffled", "SystemRandomNumberGenerator"],
            "derive it from the transaction's id or the block's hash")
        ban(
            ["Double", "Float", "Float16", "Float32", "Float64", "Float80", "CGFloat", "Decimal"],
            "count whole units; see Rounding")
        ban(["Hasher", "hashValue"], "it is seeded a process; use the hash function of the rules")
        ban(["ObjectIdentifier"], "addresses differ from run to run; name the thing")
        ban(
            ["async", "await", "Task", "TaskGroup", "actor", "Thread"],
            "one thread executes; concurrency is the node's")
        return reasons
    }()

    /// Functions that talk to a terminal.
    static let bannedCalls: Set = ["print", "debugPrint", "dump", "readLine"]

    /// Whatever a file of the core has that is not pure.
    static func violations(in file: SourceFile) -> [Violation] {
        var result: [Violation] = []
        for (module, line) in file.imports where !modules.contains(module) {
            result.append(
                Violation(file.path, line, "imports \(module)", instead: "the core imports only the core"))
        }
        let tokens = file.tokens
        for (index, token) in tokens.enumerated() {
            if tokens.text(index - 1) == "import" { continue }
            if let instead = banned[token.text] {
                result.append(Violation(file.path, token.line, token.text, instead: instead))
            }
            if bannedCalls.contains(token.text), tokens.text(index + 1) == "(", tokens.text(index - 1) != "."
            {
                result.append(
                    Violation(file.path, token.line, "\(token.text)(", instead: "emit an event or throw"))
            }
        }
        return result
    }

    /// Places that would stop the node where a nil, an error or another type comes.
    static func traps(in file: SourceFile) -> [Violation] {
        let tokens = file.tokens
        return tokens.indices.compactMap { index in
            guard tokens[index].text == "!", tokens[index].isAttached, index > 0 else { return nil }
            let before = tokens[index - 1]
            let what: String
            switch before.text {
            case "try": what = "try!"
            case "as": what = "as!"
            case ")", "]", "}", "?", ">": what = "forced unwrapping"
            default:
                guard before.isWord else { return nil }
                what = "forced unwrapping"
            }
            return Violation(
                file.path, tokens[index].line, what, instead: "guard and throw, or exempt it with its reason")
        }
    }
}
