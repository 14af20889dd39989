import Billing

extension ImportReport {
    /// The report in short sentences for people, first what was read and then what was doubtful.
    package var sentences: [String] {
        var lines = [rangeSentence]
        if !stateTimes.isEmpty {
            let states = stateTimes.map { "\($0.state.rawValue) \(Self.duration($0.milliseconds))" }
            lines.append("Time in each state: " + states.joined(separator: ", ") + ".")
        }
        return lines + doubts + about
    }

    /// What the data could not tell, and how that was treated; empty where nothing was doubtful.
    package var doubts: [String] {
        var lines: [String] = []
        if let assumedZoneMinutes {
            lines.append("Times name no zone; taken as \(Self.zone(assumedZoneMinutes)).")
        }
        lines += clockSentences + gapSentences + counterSentences
        if skippedCount > 0 {
            var named = skipped.map { "line \($0.line) (\($0.code.rawValue))" }
            if skippedCount > named.count { named.append("and \(skippedCount - named.count) more") }
            lines.append(
                "\(Self.amount(skippedCount, "bad row")) skipped: " + named.joined(separator: ", ") + ".")
        }
        return lines
    }

    /// The sentences in lines of at most 80 columns, continuations indented by two.
    package var text: String { sentences.map { Self.wrapped($0) }.joined(separator: "\n") }

    private var rangeSentence: String {
        guard let earliest, let latest else { return "\(source): no entries." }
        return "\(source): \(Self.amount(entries, "entry", "entries")) from \(Timestamp.text(earliest)) to "
            + "\(Timestamp.text(latest)) UTC."
    }

    private var clockSentences: [String] {
        var lines: [String] = []
        if clockSteps > 0 {
            lines.append(
                "The clock stepped back \(Self.amount(clockSteps, "time")), by "
                    + "\(Self.duration(largestClockStepMilliseconds)) at most (from "
                    + "\(Timestamp.text(largestClockStepFrom)), line \(largestClockStepLine)). Order is the "
                    + "source's, not the clock's.")
        }
        if repeatedTimes > 0 {
            lines.append(
                "\(Self.amount(repeatedTimes, "entry repeats", "entries repeat")) a time already given; "
                    + "kept in the source's order.")
        }
        if duplicateRows > 0 {
            let rows = Self.amount(duplicateRows, "row repeats", "rows repeat")
            lines.append("\(rows) the row before exactly; dropped.")
        }
        return lines
    }

    private var gapSentences: [String] {
        var lines: [String] = []
        if gaps > 0 {
            lines.append(
                "\(Self.amount(gaps, "gap")) of more than three reporting intervals "
                    + "(\(Self.duration(reportingIntervalMilliseconds)) each), "
                    + "\(Self.duration(gapMilliseconds)) in all, the longest "
                    + "\(Self.duration(longestGapMilliseconds)) from \(Timestamp.text(longestGapFrom)): "
                    + "neither up nor down.")
        }
        if unavailableSpans > 0 {
            let spans = Self.amount(unavailableSpans, "span")
            lines.append("\(spans) in which the source said that it has no data: Unknown, not down.")
        }
        return lines
    }

    private var counterSentences: [String] {
        var lines = counterFalls.map {
            "Counter \($0.counter) fell \(Self.amount($0.count, "time")): each fall begins again at zero."
        }
        if !stillCounters.isEmpty {
            let names = stillCounters.joined(separator: ", ")
            lines.append(
                "Never moved: \(names). Nothing can be billed by \(stillCounters.count == 1 ? "it" : "them")."
            )
        }
        return lines
    }

    private static func amount(_ count: Int, _ one: String, _ many: String? = nil) -> String {
        "\(count) " + (count == 1 ? one : many ?? one + "s")
    }

    /// `2 d 3 h`, `1 h 0 min`, `4 min 5 s`, `6.007 s`: the two largest units.
    static func duration(_ milliseconds: Int64) -> String {
        let seconds = milliseconds / 1000
        if seconds >= 86_400 { return "\(seconds / 86_400) d \(seconds / 3600 % 24) h" }
        if seconds >= 3600 { return "\(seconds / 3600) h \(seconds / 60 % 60) min" }
        if seconds >= 60 { return "\(seconds / 60) min \(seconds % 60) s" }
        let rest = milliseconds % 1000
        return rest == 0 ? "\(seconds) s" : "\(seconds).\(String(1000 + rest).dropFirst()) s"
    }

    private static func zone(_ minutes: Int64) -> String {
        if minutes == 0 { return "UTC" }
        let size = abs(minutes)
        let (hours, rest) = (String(100 + size / 60).dropFirst(), String(100 + size % 60).dropFirst())
        return "UTC\(minutes < 0 ? "-" : "+")\(hours):\(rest)"
    }

    private static func wrapped(_ sentence: String, columns: Int = 80) -> String {
        var lines: [String] = []
        var line = ""
        for word in sentence.split(separator: " ") {
            if line.isEmpty {
                line = String(word)
            } else if line.count + 1 + word.count <= columns {
                line += " \(word)"
            } else {
                lines.append(line)
                line = "  \(word)"
            }
        }
        return (lines + [line]).joined(separator: "\n")
    }
}
