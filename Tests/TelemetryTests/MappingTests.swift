import Foundation
import Testing

@testable import Telemetry

@Suite struct MappingTests {
    private func failure(_ json: String) -> TelemetryError? {
        do throws(TelemetryError) {
            _ = try TelemetryMapping.parse(Data(json.utf8))
            return nil
        } catch {
            return error
        }
    }

    private func csv(_ more: String) -> String {
        """
        {"format": "csv", "machine": "m", "reportingIntervalSeconds": 60, "time": {"column": "t"}, \(more)}
        """
    }

    @Test(arguments: [
        ("", TelemetryError.Code.mappingInvalidJSON), ("[]", .mappingInvalidJSON),
        ("{\"a\": 1.5}", .mappingInvalidJSON),
        ("{}", .mappingMissingKey), ("{\"format\": \"xml\"}", .mappingInvalidValue),
        ("{\"format\": 5}", .mappingInvalidValue), ("{\"format\": \"csv\"}", .mappingMissingKey),
        ("{\"format\": null}", .mappingInvalidJSON),
        (String(repeating: "[", count: 100_000), .mappingInvalidJSON),
        (String(repeating: " ", count: 1 << 21), .mappingTooLarge),
    ])
    func refusesWhatIsNoMapping(json: String, code: TelemetryError.Code) {
        #expect(failure(json)?.code == code)
    }

    @Test(arguments: [
        ("\"strcit\": true", TelemetryError.Code.mappingUnknownKey, "strcit is not"),
        ("\"strict\": \"yes\"", .mappingInvalidValue, "strict must be"),
        ("\"separator\": \"::\"", .mappingInvalidValue, "separator must"),
        ("\"separator\": \"\\\"\"", .mappingInvalidValue, "separator must"),
        ("\"decimalSeparator\": \";\"", .mappingInvalidValue, "decimalSeparator must"),
        ("\"onBadRow\": \"ignore\"", .mappingInvalidValue, "fail, skip"),
        ("\"counters\": [{\"column\": \"a\"}]", .mappingMissingKey, "counters[0].name"),
        ("\"counters\": {}", .mappingInvalidValue, "counters must"),
        (
            "\"counters\": [{\"column\": \"a\", \"name\": \"n\"}, {\"column\": \"b\", \"name\": \"n\"}]",
            .mappingInvalidValue, "twice"
        ),
        ("\"counters\": [{\"column\": \"a\", \"name\": \"\"}]", .mappingInvalidValue, "1 to 64 bytes"),
        ("\"state\": {\"thresholds\": []}", .mappingMissingKey, "state.else"),
        (
            "\"state\": {\"thresholds\": [{\"when\": \"x\", \"above\": \"1\", \"state\": \"Executing\"}]}",
            .mappingInvalidValue, "no measure"
        ),
        (
            "\"state\": {\"column\": \"s\", \"values\": {\"R\": \"Running\"}}", .mappingInvalidValue,
            "state.values.R is \"Running\""
        ),
    ])
    func namesWhatIsWrong(more: String, code: TelemetryError.Code, message: String) throws {
        let error = try #require(failure(csv(more)))
        #expect(error.code == code)
        #expect(error.message.contains(message))
    }

    @Test func refusesThresholdsWithoutBoundsAndNumbersThatAreNotTexts() {
        let measure = "\"measures\": [{\"column\": \"x\", \"name\": \"x\", \"unit\": \"CEL\"}], "
        func rule(_ bound: String) -> String {
            csv(
                measure + "\"state\": {\"else\": \"Unknown\", \"thresholds\": [{\"when\": \"x\", \(bound) "
                    + "\"state\": \"Executing\"}]}")
        }
        #expect(failure(rule(""))?.code == .mappingInvalidValue)
        #expect(failure(rule("\"above\": 40,"))?.code == .mappingInvalidValue)
        #expect(failure(rule("\"above\": \"forty\","))?.code == .mappingInvalidValue)
        #expect(failure(rule("\"above\": \"40\", \"hysteresis\": \"-1\","))?.code == .mappingInvalidValue)
        #expect(failure(rule("\"above\": \"40\",")) == nil)
    }

    @Test func refusesAKeyWithTwoMeaningsInALog() {
        let json = """
            {"format": "shdr", "machine": "m", "reportingIntervalSeconds": 5, "execution": {"key": "e"},
             "power": "e"}
            """
        #expect(failure(json)?.code == .mappingInvalidValue)
    }

    @Test func saysWhichFileCannotBeRead() {
        let missing = URL(fileURLWithPath: "/nonexistent/mapping.json")
        #expect(
            code { () throws(TelemetryError) in _ = try TelemetryMapping.read(missing) } == .mappingUnreadable
        )
        #expect(
            code { () throws(TelemetryError) in
                _ = try TelemetryFile.open(missing, mapping: example("mappings/press.json"))
            } == .csvUnreadable)
    }

    @Test(arguments: ["nist_mazak03", "nab_machine_temperature", "press"])
    func readsTheMappingsThatShip(name: String) throws {
        _ = try TelemetryMapping.read(example("mappings/\(name).json"))
    }
}
