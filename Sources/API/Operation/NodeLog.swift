import Foundation
import Synchronization

/// What a running node tells its operator: one line an event on standard error, in logfmt.
///
/// `time=2026-11-21T09:00:00.123Z level=info event="peer is connected" peer=press-works`. Keys and documents
/// never go into it; members, heights, endpoints and reasons do.
package final class NodeLog: Sendable {
    package enum Level: String, Sendable, Comparable, CaseIterable {
        case debug, info, warning, error

        package static func < (one: Level, other: Level) -> Bool { one.rank < other.rank }

        private var rank: Int { Level.allCases.firstIndex(of: self) ?? 0 }
    }

    private struct State {
        var level: Level
        var counts: [Level: UInt64] = [:]
    }

    private let state: Mutex<State>
    private let write: @Sendable (String) -> Void

    package init(
        _ level: Level,
        write: @escaping @Sendable (String) -> Void = { line in
            // Where standard error is gone there is nobody to tell.
            try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
        }
    ) {
        state = Mutex(State(level: level))
        self.write = write
    }

    package var level: Level {
        get { state.withLock(\.level) }
        set { state.withLock { $0.level = newValue } }
    }

    /// Lines since the start, those below the level left out.
    package func count(_ level: Level) -> UInt64 { state.withLock { $0.counts[level] ?? 0 } }

    package func debug(_ event: String, _ fields: KeyValuePairs<String, Any> = [:]) {
        log(.debug, event, fields)
    }
    package func info(_ event: String, _ fields: KeyValuePairs<String, Any> = [:]) {
        log(.info, event, fields)
    }
    package func warning(_ event: String, _ fields: KeyValuePairs<String, Any> = [:]) {
        log(.warning, event, fields)
    }
    package func error(_ event: String, _ fields: KeyValuePairs<String, Any> = [:]) {
        log(.error, event, fields)
    }

    private func log(_ level: Level, _ event: String, _ fields: KeyValuePairs<String, Any>) {
        let isWanted = state.withLock { state in
            guard level >= state.level else { return false }
            state.counts[level, default: 0] += 1
            return true
        }
        guard isWanted else { return }
        write(NodeLog.line(level, event, fields, at: Date()))
    }

    static func line(
        _ level: Level, _ event: String, _ fields: KeyValuePairs<String, Any>, at date: Date
    ) -> String {
        let time = date.formatted(
            Date.ISO8601FormatStyle(includingFractionalSeconds: true, timeZone: .gmt))
        var line = "time=\(time) level=\(level.rawValue) event=\(quoted(event))"
        for (name, value) in fields { line += " \(name)=\(quoted("\(value)"))" }
        return line + "\n"
    }

    /// A value as it stands, in quotation marks where it would not stay one word. What others sent cannot
    /// begin another line or another field.
    private static func quoted(_ text: String) -> String {
        let isPlain =
            !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != 0x22 && $0 != 0x3d }
        if isPlain { return text }
        var result = "\""
        for scalar in text.unicodeScalars.prefix(2_000) {
            switch scalar {
            case "\"", "\\": result += "\\" + String(scalar)
            case "\n": result += "\\n"
            case _ where scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value):
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
