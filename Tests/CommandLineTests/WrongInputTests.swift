import Foundation
import Testing

/// Whatever a person gets wrong: an exit status that says whose fault it is, one line with a stable code,
/// and a ledger that stays as it was.
@Suite(.enabled(if: Binary.isBuilt, "millwright is not built"))
struct WrongInputTests {
    private static let hex = String(repeating: "ab", count: 32)

    /// What the person has to put right: exit status 2.
    static let misused: [(line: String, code: String)] = [
        ("frobnicate", "cli.unknown_verb"),
        ("machine frobnicate", "cli.unknown_verb"),
        ("machine accept", "cli.missing_option"),
        ("machine accept press-7", "cli.missing_option"),
        ("machine accept press-7 --as", "cli.missing_value"),
        ("machine accept press-7 --as stamper --now", "cli.unknown_option"),
        ("machine accept press-7 again --as stamper", "cli.unexpected_argument"),
        ("machine accept press-7 --as stamper --as stamper", "cli.repeated_option"),
        ("machine stop press-7 --as stamper --reason x --fault=yes", "cli.unexpected_value"),
        ("machine accept \"Press 7\" --as stamper", "cli.bad_value"),
        ("machine accept press-7 --as Ștamper", "cli.bad_value"),
        ("machine start press-7 --as stamper --at yesterday", "cli.bad_value"),
        ("machine start press-7 --as stamper --at 2026-02-30", "cli.bad_value"),
        ("machine start press-7 --as stamper --at 2026-02-20T25:00:00Z", "cli.bad_value"),
        (registered("--year soon", interval: "60"), "cli.bad_value"),
        (registered("--year 99999999999999999999", interval: "60"), "cli.bad_value"),
        (registered("--year 2025", interval: "1e3"), "cli.bad_value"),
        (registered("--year 2025", interval: "0.1234"), "cli.bad_value"),
        (registered("--year 2025", interval: "60", device: "abcd"), "cli.bad_value"),
        (opened("--currency EURO"), "cli.bad_value"),
        (opened("--currency EUR --priority 5"), "cli.bad_value"),
        (opened("--currency EUR --policy cheapest"), "cli.bad_value"),
        (opened("--currency EUR --policy bestScore --weights 50/50/50"), "cli.bad_value"),
        (opened("--currency EUR --weights 50/30/20"), "cli.bad_value"),
        (opened("--currency EUR --bidding \"4 hours\""), "cli.bad_value"),
        (opened("--currency EUR --bidding 99999999999999999d"), "cli.bad_value"),
        (opened("--currency EUR --kind urgent"), "cli.bad_value"),
        (
            "agreement classify rent-7 --as stamper --from 2026-02-02 --to 2026-02-01 --attribution OEM",
            "cli.bad_value"
        ),
        ("agreement classify rent-7 --as stamper --from 2026-02-01 --to 2026-02-02", "cli.missing_option"),
        (
            "agreement classify rent-7 --as stamper --from 2026-02-01 --to 2026-02-02 --attribution ME",
            "cli.bad_value"
        ),
        ("invoice approve 4711 --as stamper", "cli.bad_value"),
        ("invoice approve press-works/1 --as stamper", "cli.bad_value"),
        (
            "invoice mark-paid press-works/2026-0001 --as stamper --reference R --date 2026-02-30",
            "cli.bad_value"
        ),
        ("show unicorn u-1", "cli.unknown_table"),
        ("list unicorns", "cli.unknown_table"),
        ("block one", "cli.bad_value"),
        ("key revoke 1234 --as stamper", "cli.bad_value"),
        ("receipt write zz --out r", "cli.bad_value"),
        ("oee --pbt 8h --apt 6h --pru 30s --pq 10 --gq 11", "cli.bad_value"),
        ("oee --pbt 8h --apt 6h --pru 30s --pq -1 --gq 0", "cli.bad_value"),
        ("oee --pbt 8 --apt 6h --pru 30s --pq 1 --gq 1", "cli.bad_value"),
        ("oee --pbt 8h --apt 6h --pru 30s --pq 9223372036854775807 --gq 1", "billing.overflow"),
        ("oee --pbt 8h", "cli.missing_option"),
        ("oee", "cli.missing_option"),
        ("found Second --board chamber", "cli.missing_option"),
        ("found Second --board chamber --country Germany", "cli.bad_value"),
        ("found Second --board chamber --country DE --endpoint node.example", "cli.bad_value"),
        ("member update --as stamper", "cli.missing_option"),
        ("member update --as stamper --country Germany", "cli.bad_value"),
        ("member update --as stamper --endpoint node.example:7443", "cli.bad_value"),
        ("key delegate erp --as stamper --scope everything --until 2027-01-01", "cli.bad_value"),
        ("key delegate erp --as stamper --scope agreement. --until 2027-01-01", "cli.unknown_scope"),
        ("key delegate erp --as stamper --scope agreement.tpyo --until 2027-01-01", "cli.unknown_scope"),
        ("key delegate erp --as stamper --scope agrement.* --until 2027-01-01", "cli.unknown_scope"),
        ("machine accept press-7 --as stamper --key ?", "keys.bad_name"),
        ("proposal parameters --as chamber --reason Because", "cli.missing_option"),
        ("proposal parameters --as chamber --engine paper", "cli.bad_value"),
        ("telemetry inspect /tmp --mapping none.json", "cli.no_file"),
        ("oee --pbt 1h --apt 6h --pru 30s --pq 648 --gq 635", "cli.bad_value"),
        ("oee --machine press-7", "cli.missing_option"),
        ("oee press.csv --machine press-7 --as stamper", "cli.bad_value"),
        ("oee --machine press-7 --as stamper --pq 10", "cli.bad_value"),
        ("telemetry inspect none.csv --mapping none.json", "cli.no_file"),
        ("agreement propose rent-7 --as stamper --terms none.json", "cli.no_file"),
    ]

    private static func registered(_ year: String, interval: String, device: String = hex) -> String {
        "machine register press-8 --as press-works --customer stamper --class press --region de-south "
            + "--manufacturer W --model P --serial 1 \(year) "
            + "--reporting-interval \(interval) --device \(device)"
    }

    private static func opened(_ rest: String) -> String {
        "ticket open t-1 --as stamper --machine press-7 --fault E42 \(rest)"
    }

    /// What the ledger or the node says no to: exit status 1.
    static let refused: [(line: String, code: String)] = [
        ("machine accept press-7 --as nobody", "keys.not_found"),
        ("machine accept press-9 --as stamper", "machine.unknown"),
        ("machine accept press-7 --as press-works", "machine.not_a_party"),
        (
            registered("--year 2025", interval: "60").replacingOccurrences(
                of: "--as press-works", with: "--as stamper"),
            "machine.role_required"
        ),
        (registered("--year 1066", interval: "60"), "machine.number_out_of_range"),
        (registered("--year 2025", interval: "0"), "machine.number_out_of_range"),
        (
            registered("--year 2025", interval: "60").replacingOccurrences(
                of: "--customer stamper", with: "--customer who"),
            "member.unknown"
        ),
        (opened("--currency EUR --bidding 1s"), "maintenance.number_out_of_range"),
        (
            "ticket bid t-9 --as fixit --price 1 --arrival 2026-02-10 --duration 1h --expires 2026-02-11",
            "ticket.unknown"
        ),
        ("ticket start-work t-9 --as fixit", "ticket.unknown"),
        ("agreement withdraw rent-9 --as stamper", "agreement.unknown"),
        (
            "invoice mark-paid press-works/2026-0001 --as stamper --reference R --date 2026-02-28",
            "invoice.unknown"
        ),
        ("show machine press-9", "machine.unknown"),
        ("oee --machine press-9 --as stamper", "machine.unknown"),
        ("oee --machine press-7 --as stamper", "metering.nothing_anchored"),
        ("machine start press-7 --as stamper --at 2020-01-01", "clock.backward"),
        ("machine start press-7 --as stamper --key erp", "keys.not_found"),
        ("found Ring --board chamber --country DE", "home.exists"),
    ]

    @Test func misuseIsNamedAndWritesNothing() async throws {
        let consortium = try await Consortium()
        let head = try await consortium.head()
        for (line, code) in WrongInputTests.misused {
            let run = try await consortium.place.call(line)
            #expect(run.status == 2, "\(line): \(run.output)\(run.error)")
            #expect(run.output.isEmpty, "\(line)")
            #expect(run.errorLine != nil, "\(line): \(run.error)")
            #expect(run.code == code, "\(line): \(run.error)")
        }
        #expect(try await consortium.head() == head)
    }

    @Test func refusalsCarryTheLedgersCode() async throws {
        let consortium = try await Consortium.withMachine()
        for (line, code) in WrongInputTests.refused {
            let run = try await consortium.place.call(line)
            #expect(run.status == 1, "\(line): \(run.output)\(run.error)")
            #expect(run.output.isEmpty, "\(line)")
            #expect(run.errorLine != nil, "\(line): \(run.error)")
            #expect(run.code == code, "\(line): \(run.error)")
        }
        #expect(try await consortium.place.succeed("list machines --json").list().count == 1)
        try await consortium.place.succeed("verify")
    }

    @Test func withoutALedgerEveryVerbSaysSo() async throws {
        let place = try Workplace()
        for line in [
            "status", "list machines", "machine accept press-7 --as stamper", "verify",
            "telemetry usage "
                + "--as stamper --machine press-7 --from 2026-02-01 --to 2026-02-02",
        ] {
            let run = try await place.call(line)
            #expect(run.status == 2 && run.code == "home.not_founded", "\(line): \(run.error)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.folder.path).isEmpty)
    }

    /// A folder can be made in nothing that is a file, whoever runs the tests.
    @Test func whatCannotBeWrittenIsOneSentence() async throws {
        let place = try await ToldDemo.copy().place
        try place.write("", to: "file")
        for (line, code) in [
            ("found X --board chamber --country DE --home file/x", "home.io"),
            ("demo --home file/x --quiet", "home.io"),
            (
                "invoice print ulmer-pressen/2026-0001 --as donau-metall --home demo --out file/x",
                "invoice.io"
            ),
        ] {
            let run = try await place.call(line)
            #expect(run.status == 1 && run.code == code && run.errorLine != nil, "\(line): \(run.error)")
            let verb = code == "home.io" ? "made" : "written"
            let reason = run.error.components(separatedBy: " could not be \(verb) (").last ?? ""
            #expect(
                reason.count < 40 && reason.hasSuffix(")\n") && !run.error.contains("Cocoa"), "\(run.error)")
        }
        let stranger = try await place.call("oee --machine press-7 --as fixit --home demo")
        #expect(stranger.error.components(separatedBy: "vault.not_reader").count == 2, "\(stranger.error)")
    }

    @Test func bytesThatAreNoTextAreRefused() async throws {
        let place = try Workplace()
        let run = try await Binary.shell(
            "millwright machine accept \"$(printf 'press\\377')\" --as stamper", in: place.folder)
        #expect(run.status == 2 && run.code == "cli.bad_value", "\(run.error)")
    }

    // MARK: Files

    private static let mapping = """
        {"format": "csv", "machine": "m", "reportingIntervalSeconds": 60,
         "time": {"column": "t", "format": "epochSeconds"},
         "state": {"column": "s", "values": {"RUN": "Executing", "OFF": "NotAvailable"}}}
        """

    @Test func badTelemetryFilesAreNamedByLine() async throws {
        let place = try Workplace()
        try place.write(WrongInputTests.mapping, to: "m.json")
        let files: [(bytes: [UInt8], code: String)] = [
            (Array("t,s\n1,RUN\n2,".utf8) + [0xff, 0xfe, 0x0a], "csv.not_utf8"),
            (Array("t,s\n1,RUN\nsoon,RUN\n".utf8), "csv.bad_time"),
            (Array("t,s\n1,RUN\n2,DANCE\n".utf8), "csv.unknown_state"),
            (Array("t,s\n1,RUN\n2,RU\u{0}N\n".utf8), "csv.nul_byte"),
            (Array("t,s\n1,RUN,3\n".utf8), "csv.field_count"),
            (Array("t\n1\n".utf8), "csv.missing_column"),
            ([], "csv.no_header"),
            (Array(repeating: 0x61, count: 3 << 20), "csv.line_too_long"),
        ]
        for (bytes, code) in files {
            try Data(bytes).write(to: place.folder.appendingPathComponent("t.csv"))
            for line in ["telemetry inspect t.csv --mapping m.json", "oee t.csv --mapping m.json"] {
                let run = try await place.call(line)
                #expect(run.status == 2 && run.code == code, "\(code): \(run.error)")
                #expect(run.errorLine != nil && run.output.isEmpty)
            }
        }
    }

    @Test func badMappingsAndHugeFilesAreRefused() async throws {
        let place = try Workplace()
        try place.write("t,s\n1,RUN\n", to: "t.csv")
        for (text, code) in [
            ("", "mapping.invalid_json"), ("[]", "mapping.invalid_json"),
            ("{\"format\": \"csv\"", "mapping.invalid_json"),
            ("{\"format\": \"xls\"}", "mapping.invalid_value"),
            ("{\"format\": \"csv\"}", "mapping.missing_key"),
            (String(repeating: " ", count: 2 << 20), "mapping.too_large"),
        ] {
            try place.write(text, to: "m.json")
            let run = try await place.call("telemetry inspect t.csv --mapping m.json")
            #expect(run.status == 2 && run.code == code, "\(text.prefix(20)): \(run.error)")
        }
        let huge = place.folder.appendingPathComponent("huge")
        try Data().write(to: huge)
        try FileHandle(forWritingTo: huge).truncate(atOffset: 200 << 20)
        let run = try await place.call("receipt verify huge --genesis huge")
        #expect(run.status == 2 && run.code == "cli.file_too_large", "\(run.error)")
    }

    /// A slip of the fingers is answered with what was meant, and the help that has the rest.
    @Test func aSlipIsAnsweredWithWhatWasMeant() async throws {
        let place = try await Consortium.withMachine().place
        for (line, answer) in [
            ("lst machines", "there is no «lst»; did you mean list? Try millwright --help"),
            (
                "machine strat press-7 --as stamper",
                "there is no «machine strat»; did you mean machine start? Try millwright machine --help"
            ),
            ("invoices", "there is no «invoices»; did you mean list invoices? Try millwright --help"),
            ("frobnicate it", "there is no «frobnicate»; try millwright --help"),
            ("list machines --jsno", "did you mean --json? Try millwright list --help"),
            ("list", "list needs KIND; try millwright list --help"),
            ("list machine press-7", "list does not take «press-7»; try millwright list --help"),
            ("show machine pres-7", "there is no machine «pres-7»; did you mean press-7?"),
            ("show member press", "there is no member «press»; did you mean press-works?"),
            ("machine stop Press --as stamper --reason x", "«Press» is no name for machine: it has 1 to 64"),
            (
                "show accreditation fixit",
                "there is no accreditation «fixit»; did you mean press-works/fixit?"
            ),
            ("machine stop press-7 --as stanper --reason x", "which has those of chamber, fixit, judge"),
        ] {
            let run = try await place.call(line)
            #expect(run.status != 0 && run.code != nil && run.error.contains(answer), "\(run.error)")
        }
        let short = try await place.succeed("show -h")
        #expect(short.output.hasPrefix("usage: millwright show"))
        #expect(try await place.succeed("node --help").output.contains("see also:\n  node status"))
    }
}
