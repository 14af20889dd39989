/// A result as `--json` prints it, with `notes` on the data behind it beside its own fields.
struct Noted<Result: Encodable>: Encodable {
    private let result: Result
    private let notes: [String]?

    init(_ result: Result, _ notes: [String]?) { (self.result, self.notes) = (result, notes) }

    private enum CodingKeys: CodingKey { case notes }

    func encode(to encoder: any Encoder) throws {
        try result.encode(to: encoder)
        guard let notes else { return }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(notes, forKey: .notes)
    }
}
