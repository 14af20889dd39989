import Billing
import Codec
import Cryptography
import Foundation
import Ledger
import Storage
import Telemetry
import TestSupport

@testable import Node
@testable import TimeZones
@testable import Vault

/// What comes from devices and files.
extension FuzzTarget {
    private static func require(_ condition: Bool, _ text: @autoclosure () -> String) throws(Broken) {
        guard condition else { throw Broken(text()) }
    }

    static let telemetry: [FuzzTarget] = [
        FuzzTarget(
            name: "telemetry-message", seeds: { try [1, 3, 10].map(FuzzSamples.message) },
            take: { (input: [UInt8], corpus: Set<[UInt8]>) throws(Broken) in
                let device = Stage.publicKey("device").array
                let verifier = FuzzSamples.made.rules.verify
                let message = try? TelemetryMessage(
                    verifying: input, device: device, verifier: verifier, hash: SHA256.hash)
                try require(message == nil || corpus.contains(input), "a forged message verifies")
                // The device itself may lie: its signature over what was changed is good.
                guard let signed = try? COSESign1(decoding: input), let payload = signed.payload else {
                    return
                }
                let signature = Stage.signer("device")(
                    COSESign1.toBeSigned(protected: signed.protected, payload: payload))
                let again = COSESign1(protected: signed.protected, payload: payload, signature: signature)
                let lie = try? TelemetryMessage(
                    verifying: again.encoded, device: device, verifier: verifier, hash: SHA256.hash)
                if let lie { meter(lie.entries) }
            }),
        FuzzTarget(
            name: "telemetry-batch",
            seeds: {
                let messages = try [2, 4].map { Bytes(try FuzzSamples.message($0)) }
                return [try CBOR.encode(TelemetryBatch(machine: "press-7", messages: messages))]
            },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                try decodesOneForm(TelemetryBatch.self, input)
            }),
        FuzzTarget(
            name: "telemetry-entry", seeds: { try FuzzSamples.entries(4).map { try CBOR.encode($0) } },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                try decodesOneForm(TelemetryEntry.self, input)
                guard let entry = try? CBOR.decode(TelemetryEntry.self, from: input) else { return }
                meter(FuzzSamples.entries(2) + [entry])
            }),
        FuzzTarget(name: "csv", seeds: { try file("press.json", "press.csv") }, runs: 250, take: importing),
        FuzzTarget(name: "shdr", seeds: { [Array(shdr.utf8)] }, runs: 400, take: importing),
    ]

    /// Counts entries as an invoice would.
    private static func meter(_ entries: [TelemetryEntry]) {
        guard
            var timeline = try? Timeline(
                windows: [Interval(from: 1_735_689_600_000, to: 1_735_776_000_000)],
                reportingIntervalMilliseconds: 10_000)
        else { return }
        for entry in entries { guard (try? timeline.feed(entry)) != nil else { return } }
        _ = try? timeline.usage(until: 1_735_776_000_000)
    }

    /// A mapping, a record separator, and data: all entries are read, at most a few a line.
    private static let importing: @Sendable ([UInt8], Set<[UInt8]>) throws(Broken) -> Void = {
        (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
        let parts = input.split(separator: 0x1e, maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let mapping = try? TelemetryMapping.parse(Data(parts[0])) else { return }
        let data = MemoryBytes(Array(parts[1]))
        var source: any TelemetrySource
        switch mapping {
        case .csv(let mapping):
            guard let csv = try? CSVSource(data, mapping: mapping, name: "fuzz") else { return }
            source = csv
        case .shdr(let mapping): source = SHDRSource(data, mapping: mapping, name: "fuzz")
        }
        var sequence: UInt64 = 0
        while let entry = try? source.next() {
            try require(entry.sequence == sequence + 1, "entries are numbered without holes")
            sequence = entry.sequence
            try require(sequence <= UInt64(input.count), "more entries than bytes")
        }
        _ = source.report
    }

    private static func file(_ mapping: String, _ data: String) throws -> [[UInt8]] {
        let examples = SharedFiles.root.appendingPathComponent("examples")
        let mapping = [UInt8](try Data(contentsOf: examples.appendingPathComponent("mappings/\(mapping)")))
        let data = [UInt8](try Data(contentsOf: examples.appendingPathComponent("telemetry/\(data)")))
        return [mapping + [0x1e] + data.prefix(1500)]
    }

    private static let shdr = """
        {"format": "shdr", "machine": "m", "reportingIntervalSeconds": 10, "onBadRow": "skip",
         "device": "D", "availability": "avail", "power": "power",
         "execution": {"key": "exec", "values": {"WARMUP": "NotExecuting"}},
         "mode": {"key": "mode", "values": {"TEACH": "Maintenance"}},
         "counters": [{"key": "parts", "name": "produced"}],
         "measures": [{"key": "load", "name": "load", "unit": "P1"}], "faults": ["system", "servo"]}
        \u{1e}* shdrVersion: 2.0
        1970-01-01T00:00:10Z|avail|AVAILABLE|power|ON|exec|READY|mode|MANUAL
        1970-01-01T00:00:15Z|exec|ACTIVE|parts|17|load|3.25
        1970-01-01T00:00:20Z|system|FAULT|E17|HIGH||jammed
        1970-01-01T00:00:25.5Z|parts|18|load|-4e1
        1970-01-01T00:00:30Z|@ASSET@|A1|CuttingTool|--multiline--X
        <CuttingTool/>
        --multiline--X
        1970-01-01T00:00:35Z|system|NORMAL||||exec|UNAVAILABLE

        """

    static let files: [FuzzTarget] = [
        FuzzTarget(
            name: "terms", seeds: { [try CBOR.encode(FuzzSamples.terms())] },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                try decodesOneForm(Terms.self, input)
                guard let terms = try? CBOR.decode(Terms.self, from: input) else { return }
                guard terms.validate().isEmpty else { return }
                guard let period = try? terms.period(containing: terms.validity.from) else { return }
                _ = terms.billedTime(in: period, inService: [terms.validity])
                _ = try? terms.disputeWindowEnd(issuedAt: period.to)
            }),
        FuzzTarget(
            name: "terms-json", seeds: { [Array(TermsFile.text(FuzzSamples.terms()).utf8)] }, runs: 400,
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                _ = try? TermsFile.read(input) { _ in nil }
            }),
        FuzzTarget(
            name: "time-zone",
            seeds: { try ["Europe/Berlin", "UTC"].map { try TimeZoneDatabase.system.bytes(of: $0) } },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                guard let file = try? TimeZoneFile(name: "Europe/Berlin", version: "1", bytes: input) else {
                    return
                }
                _ = file.offsetSeconds(at: .max)
                _ = try? file.rules(from: 1_735_689_600, to: 1_767_225_600)
            }),
        FuzzTarget(
            name: "sealed-keys",
            seeds: { [try sealedKeys(1), try sealedKeys(3)] },
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                guard let keys = try? SealedKeys(decoding: input) else { return }
                try require(keys.encoded == input, "sealed keys with two forms")
                if let reader = try? sealingKey(0) { _ = try? keys.documentKey(for: reader) }
            }),
        FuzzTarget(
            name: "key-file",
            seeds: { [Array("millwright-key-1\n".utf8) + [UInt8](repeating: 7, count: 32)] },
            runs: 300,
            take: { (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
                let folder = try makeFolder()
                let file = URL(fileURLWithPath: folder.path + "/x.key")
                guard (try? Data(input).write(to: file)) != nil else {
                    throw Broken("no room for \(file.path)")
                }
                _ = try? KeyFile(file).signingKey()
            }),
        FuzzTarget(name: "segment", seeds: segments, runs: 400, take: opening),
    ]

    private static func sealingKey(_ number: UInt8) throws -> SealingKey {
        try SealingKey(secret: SecretBytes([UInt8](repeating: number + 1, count: 32)))
    }

    private static func sealedKeys(_ count: UInt8) throws -> [UInt8] {
        let readers = try (0..<count).map { number in
            DocumentVault.Reader(id: "reader-\(number)", sealingPublicKey: try sealingKey(number).publicKey)
        }
        return try SealedKeys(sealing: SymmetricKey.generate(), to: readers).encoded
    }

    private static func makeFolder() throws(Broken) -> TemporaryFolder {
        do { return try TemporaryFolder() } catch { throw Broken("no temporary folder: \(error)") }
    }

    private static let segments: @Sendable () throws -> [[UInt8]] = {
        try [1, 4].map { count in
            let folder = try TemporaryFolder()
            var options = BlockLog.Options()
            options.preallocationBytes = 0
            let log = try BlockLog(opening: folder.path + "/log", chain: .zero, options: options)
            for height in 0..<UInt64(count) {
                let payload = [UInt8](repeating: UInt8(height), count: 60 + 100 * Int(height))
                try log.append([
                    LogRecord(height: height, payload: payload),
                    LogRecord(kind: .vote, height: height, payload: [1]),
                ])
            }
            return try Disk.bytes(folder.path + "/log/000000000001.seg")
        }
    }

    /// A damaged segment is refused, or read up to its torn end; what is opened can be read and goes on.
    private static let opening: @Sendable ([UInt8], Set<[UInt8]>) throws(Broken) -> Void = {
        (input: [UInt8], _: Set<[UInt8]>) throws(Broken) in
        let folder = try makeFolder()
        do {
            try FileManager.default.createDirectory(
                atPath: folder.path + "/log", withIntermediateDirectories: true)
            try Disk.write(input, to: folder.path + "/log/000000000001.seg")
        } catch { throw Broken("no room for a segment: \(error)") }
        guard let log = try? BlockLog(opening: folder.path + "/log", chain: .zero) else { return }
        var cursor = log.records(from: log.firstHeight ?? 0)
        var blocks = 0
        while let record = try? cursor.next() {
            blocks += 1
            try require(record.payload.count < input.count, "a record is longer than its segment")
        }
        _ = try? log.verifyAll()
        _ = try? log.latest(.vote)
        let next = log.lastHeight.map { $0 &+ 1 } ?? 0
        _ = try? log.append([LogRecord(height: next, payload: [1, 2, 3])])
        try require(blocks <= input.count / 25, "more records than fit")
    }

    static let all = ledger + proofs + shown + messages + telemetry + files
}
