import Foundation
import Testing

/// The same journeys where a node runs in the data directory: every verb goes through it.
@Suite(.enabled(if: Binary.isBuilt, "millwright is not built"))
struct ServedJourneyTests {
    private func served(_ journey: () async throws -> Void) async throws {
        try await Consortium.$isServed.withValue(true) { try await journey() }
    }

    @Test func aMachineLivesFromRegistrationToTheEndOfItsRent() async throws {
        try await served(JourneyTests().aMachineLivesFromRegistrationToTheEndOfItsRent)
    }

    @Test func theClockMovesOnlyWithWhatReachesTheLedger() async throws {
        try await served(JourneyTests().theClockMovesOnlyWithWhatReachesTheLedger)
    }

    @Test func filesAreSealedForTheirReadersAndFetched() async throws {
        try await served(JourneyTests().filesAreSealedForTheirReadersAndFetched)
    }

    @Test func aTicketIsAuctionedHeldAndCancelled() async throws {
        try await served(JourneyTests().aTicketIsAuctionedHeldAndCancelled)
    }

    @Test func aSealedBidIsOpenedByItsBidder() async throws {
        try await served(JourneyTests().aSealedBidIsOpenedByItsBidder)
    }

    @Test func aFaultIsRepairedAndTheMonthIsInvoicedAndPaid() async throws {
        try await served(InvoiceJourneyTests().aFaultIsRepairedAndTheMonthIsInvoicedAndPaid)
    }

    @Test func aNodeRenewsItsTLSKeyWithADelegatedKey() async throws {
        try await served(ValidatorJourneyTests().aNodeRenewsItsTLSKeyWithADelegatedKey)
    }

    /// What a verb prints does not say whether a node ran.
    @Test func everyQueryAnswersTheSameThroughTheNodeAndWithout() async throws {
        let consortium = try await Consortium.withMachine()
        let place = consortium.place
        var lines = [
            "status --json", "block 1 --json", "block 99999 --json", "history machine press-7 --json",
            "show machine press-7 --json", "show machine press-7", "show machine none --json",
            "show nameplate press-7 --json", "history machine none", "verify --json", "verify --roots",
            "export", "list none",
            "document get machine press-7 --as fixit --out refused", "telemetry status press-7 --json",
            "receipt write \(String(repeating: "ab", count: 32)) --out none.receipt",
        ]
        let kinds = try await place.call("list --help").output
        for kind in kinds.components(separatedBy: "Kinds: ")[1].prefix(while: { $0 != "." })
            .components(separatedBy: ",")
        {
            let name = kind.trimmingCharacters(in: .whitespacesAndNewlines)
            lines += ["list \(name) --json", "list \(name)"]
        }
        let id = try #require(
            try await place.succeed("history machine press-7 --json").list()[0]["transaction"] as? String)
        let files = [
            "receipt write \(id) --out proof.bin", "state prove machine press-7 --out proof.bin",
            "state prove machine none --out proof.bin",
        ]
        #expect(lines.count > 40)

        let alone = try await results(place, lines, files)
        try place.serve()
        let served = try await results(place, lines, files)
        for (one, other) in zip(alone, served) {
            #expect(one.output == other.output && one.error == other.error && one.status == other.status)
        }
    }

    private struct Result {
        let output: String
        let error: String
        let status: Int32
    }

    private func results(_ place: Workplace, _ lines: [String], _ files: [String]) async throws -> [Result] {
        var results: [Result] = []
        for line in lines {
            let run = try await place.call(line)
            results.append(Result(output: line + "\n" + run.output, error: run.error, status: run.status))
        }
        for line in files {
            let run = try await place.call(line)
            let bytes = try Data(contentsOf: place.folder.appendingPathComponent("proof.bin"))
            results.append(
                Result(
                    output: line + "\n" + run.output + bytes.base64EncodedString(), error: run.error,
                    status: run.status))
        }
        return results
    }

    @Test func aNodeThatHoldsTheLockAndDoesNotAnswerIsNamed() async throws {
        let place = try await Consortium().place
        try place.serve(mute: true)
        let run = try await place.call("status")
        #expect(run.status == 1 && run.code == "node.not_answering", "\(run.error)")
    }

    @Test func aUsersMachineHasOnlyKeys() async throws {
        let place = try await Consortium().place
        try place.serve()
        let location = try place.location()
        let user = try Workplace()
        let refused = try await user.call("status --node \(location)")
        #expect(refused.status == 1 && refused.code == "node.no_identity", "\(refused.error)")
        let (from, to) = ("millwright-data", "millwright-data")
        for folder in ["tls", "members"] {
            let target = user.folder.appendingPathComponent("\(to)/\(folder)")
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                at: place.folder.appendingPathComponent("\(from)/\(folder)"), to: target)
        }
        try user.write(location + "\n", to: "\(to)/node.remote")
        let here = try await user.succeed("status --json").output
        #expect(try await place.succeed("status --json").output == here)
        // What it seals is with the node when the call returns; what others sealed comes from there.
        try user.write("Bearing.", to: "report.txt")
        let device = try await user.succeed("machine device-key press-7 --as stamper").output
        try await user.succeed(
            Consortium.registration + device.trimmingCharacters(in: .whitespacesAndNewlines)
                + " --document report.txt")
        try await place.succeed("document get machine press-7 --as stamper --out here")
        #expect(try place.read("here/report.txt") == "Bearing.")
        try FileManager.default.removeItem(at: user.folder.appendingPathComponent("\(to)/vault"))
        try await user.succeed("document get machine press-7 --as stamper --out there")
        #expect(try user.read("there/report.txt") == "Bearing.")
    }
}
