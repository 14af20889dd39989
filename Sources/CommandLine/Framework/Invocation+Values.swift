import Billing
import Codec
import Contracts
import Foundation
import Ledger
import Node

/// Money, numbers, days and lengths of time as people write them: read exactly, never through floating point.
extension Invocation {
    /// A decimal number as a count of its smallest part: with two digits `12.5` is 1250. Nil for more
    /// decimals than that, exponents, and what does not fit.
    static func decimal(_ text: String, digits: Int) -> Int64? {
        let isNegative = text.hasPrefix("-")
        let parts = (isNegative ? text.dropFirst() : text[...])
            .split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2,
            parts.allSatisfy({ part in
                !part.isEmpty && part.utf8.allSatisfy { 0x30...0x39 ~= $0 }
            })
        else { return nil }
        let fraction = parts.count == 2 ? parts[1] : ""
        guard fraction.utf8.count <= digits else { return nil }
        return Int64(
            (isNegative ? "-" : "") + parts[0] + fraction
                + String(repeating: "0", count: digits - fraction.utf8.count))
    }

    /// A decimal number with at most so many decimals.
    func decimal(_ name: String, digits: Int) throws -> Int64? {
        guard let text = string(name) else { return nil }
        guard let value = Invocation.decimal(text, digits: digits) else {
            throw UsageError(
                "cli.bad_value", "--\(name) takes a number with at most \(digits) decimals, not «\(text)»")
        }
        return value
    }

    /// The currency named by `--currency`.
    func currency() throws -> CurrencyCode? {
        guard let text = string("currency") else { return nil }
        guard let currency = CurrencyCode(rawValue: text) else {
            throw UsageError("cli.bad_value", "«\(text)» is no currency known here (ISO 4217, such as EUR)")
        }
        return currency
    }

    /// The currency that the ledger knows; where `--currency` is given too, it has to be the same.
    func currency(_ known: CurrencyCode) throws -> CurrencyCode {
        guard let said = try currency(), said != known else { return known }
        throw UsageError("cli.bad_value", "the currency here is \(known), not \(said)")
    }

    /// An amount of money, not negative.
    func amount(_ name: String, in currency: CurrencyCode) throws -> MinorUnits? {
        guard let text = string(name) else { return nil }
        guard let value = Invocation.decimal(text, digits: currency.minorDigits), value >= 0 else {
            throw UsageError(
                "cli.bad_value",
                "--\(name) takes an amount such as \(MinorUnits(125_000).text(in: currency)), not «\(text)»")
        }
        return MinorUnits(value)
    }

    func requiredAmount(_ name: String, in currency: CurrencyCode) throws -> MinorUnits {
        _ = try required(name)
        return try amount(name, in: currency) ?? .zero
    }

    /// A day as `2026-03-31`.
    func requiredDay(_ name: String) throws -> CivilDate {
        let text = try required(name)
        guard let day = CivilDate(rawValue: text) else {
            throw UsageError("cli.bad_value", "--\(name) takes a day such as 2026-03-31, not «\(text)»")
        }
        return day
    }

    /// A length of time: `90s`, `30min`, `4h`, `2d`, `500ms`, or several one after the other, as in `1d12h`;
    /// spaces may stand between.
    func span(_ name: String) throws -> Span? {
        guard let text = string(name) else { return nil }
        guard let span = Invocation.span(text) else {
            throw UsageError(
                "cli.bad_value", "--\(name) takes a time such as 30min, 4h or 1d12h, not «\(text)»")
        }
        return span
    }

    static func span(_ text: String) -> Span? {
        let units: [(name: String, milliseconds: Int64)] = [
            ("ms", 1), ("min", 60_000), ("s", 1000), ("h", 3_600_000), ("d", 86_400_000),
        ]
        var total: Int64 = 0
        var rest = text[...]
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count).drop { $0 == " " }
            guard let count = Int64(digits), let unit = units.first(where: { rest.hasPrefix($0.name) }) else {
                return nil
            }
            rest = rest.dropFirst(unit.name.count).drop { $0 == " " }
            let (part, tooLong) = count.multipliedReportingOverflow(by: unit.milliseconds)
            let (sum, tooMuch) = total.addingReportingOverflow(part)
            guard !tooLong, !tooMuch, sum <= Interval.latest else { return nil }
            total = sum
        }
        return text.isEmpty ? nil : .milliseconds(total)
    }

    /// The stretch of time from `--from` to `--to`.
    func interval() throws -> Interval {
        let interval = Interval(
            from: try requiredTime("from").milliseconds, to: try requiredTime("to").milliseconds)
        guard interval.isValid else {
            throw UsageError("cli.bad_value", "--to is later than --from")
        }
        return interval
    }

    /// An Ed25519 public key as 64 hexadecimal digits.
    static func publicKey(_ text: String) throws -> Bytes {
        guard let bytes = Hex.decode(text), bytes.count == 32 else {
            throw UsageError("cli.bad_value", "a public key has 64 hexadecimal digits, not «\(text)»")
        }
        return Bytes(bytes)
    }

    /// A country as two capital letters.
    func country() throws -> String? {
        guard let text = string("country") else { return nil }
        guard text.utf8.count == 2, text.utf8.allSatisfy({ 0x41...0x5a ~= $0 }) else {
            throw UsageError(
                "cli.bad_value", "--country takes two capital letters such as DE, not «\(text)»")
        }
        return text
    }

    /// Where a node is reached; an empty text takes it back.
    func endpoint() throws -> String? {
        guard let text = string("endpoint") else { return nil }
        let isURL =
            text.utf8.allSatisfy { 0x21...0x7e ~= $0 }
            && ["https://", "http://"].contains { text.hasPrefix($0) && text.count > $0.count }
        guard text.isEmpty || isURL else {
            throw UsageError(
                "cli.bad_value", "--endpoint takes a URL such as https://node.example:7443, not «\(text)»")
        }
        return text
    }

    /// Ordering engines as the ledger names them.
    func engines() throws -> [String] {
        let engines = strings("engine")
        for engine in engines where EngineAddress(engine) == nil {
            throw UsageError(
                "cli.bad_value",
                "«\(engine)» is no engine: embedded:MEMBER, nats://HOST:PORT or nats-tls://HOST:PORT")
        }
        return engines
    }

    /// What a key may sign, each as `contract.action` or `contract.*`, sorted.
    /// - Throws: `cli.bad_value`, `cli.unknown_scope`.
    func scopes() throws -> [String] {
        let scopes = strings("scope")
        for scope in scopes where scope != NATSMembers.scope { try Invocation.requireScope(scope) }
        return scopes.sorted()
    }

    private static func requireScope(_ scope: String) throws {
        let parts = scope.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else {
            throw UsageError("cli.bad_value", "--scope takes CONTRACT.ACTION or CONTRACT.*, not «\(scope)»")
        }
        guard let contract = ActionNames.all.first(where: { $0.contract == parts[0] }) else {
            let contracts = ActionNames.all.map(\.contract).joined(separator: ", ")
            throw UsageError(
                "cli.unknown_scope", "there is no contract «\(parts[0])», only \(contracts)")
        }
        guard parts[1] == "*" || contract.actions.contains(parts[1]) else {
            throw UsageError(
                "cli.unknown_scope",
                "\(contract.contract) has no action «\(parts[1])», only "
                    + contract.actions.joined(separator: ", "))
        }
    }

    /// `press-works/2026-0001`: the issuer and its number.
    func invoiceID(_ name: String = "invoice") throws -> InvoiceID {
        let text = try required(name)
        let parts = text.split(separator: "/", maxSplits: 1)
        guard parts.count == 2, let issuer = MemberID(String(parts[0])),
            InvoiceNumber(String(parts[1])) != nil
        else {
            throw UsageError(
                "cli.bad_value",
                "«\(text)» is no invoice: the issuer and its number, as in press-works/2026-0001")
        }
        return InvoiceID(issuer: issuer, number: String(parts[1]))
    }
}

extension Option {
    static let from = Option.value("from", "TIME", "beginning (ISO 8601; included)", required: true)
    static let to = Option.value("to", "TIME", "end (not included)", required: true)
    static let currency = Option.value("currency", "CODE", "ISO 4217, such as EUR")
}
