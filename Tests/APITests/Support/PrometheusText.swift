/// A reader of Prometheus' text format that is strict where the format is.
enum PrometheusText {
    struct Sample {
        let labels: [String: String]
        let value: Double
    }

    /// Samples by family, each of which has a help and a type before its first sample.
    static func parse(_ text: String) throws -> [String: [Sample]] {
        var families: [String: [Sample]] = [:]
        var types: [String: String] = [:]
        var current = ""
        guard text.hasSuffix("\n") else { throw Trouble("the last line has no end") }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let words = line.split(separator: " ", maxSplits: 3).map(String.init)
            if line.hasPrefix("# HELP ") {
                guard words.count == 4, families[words[2]] == nil else { throw Trouble("help: \(line)") }
                families[words[2]] = []
                current = words[2]
            } else if line.hasPrefix("# TYPE ") {
                guard words.count == 4, words[2] == current, types[current] == nil,
                    ["gauge", "counter", "histogram"].contains(words[3])
                else { throw Trouble("type: \(line)") }
                types[current] = words[3]
            } else {
                let (name, sample) = try self.sample(line)
                let isOwn =
                    name == current || (types[current] == "histogram" && name.hasPrefix(current + "_"))
                guard isOwn, types[current] != nil else { throw Trouble("sample without family: \(line)") }
                families[current, default: []].append(sample)
            }
        }
        return families
    }

    private static func sample(_ line: Substring) throws -> (String, Sample) {
        guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...])
        else {
            throw Trouble("sample: \(line)")
        }
        let head = line[..<space]
        guard let open = head.firstIndex(of: "{") else {
            return (String(head), Sample(labels: [:], value: value))
        }
        guard head.hasSuffix("}") else { throw Trouble("labels: \(line)") }
        var labels: [String: String] = [:]
        for pair in head[head.index(after: open)...].dropLast().split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[1].hasPrefix("\""), parts[1].hasSuffix("\""),
                labels.updateValue(String(parts[1].dropFirst().dropLast()), forKey: String(parts[0])) == nil
            else { throw Trouble("label: \(line)") }
        }
        return (String(head[..<open]), Sample(labels: labels, value: value))
    }
}
