import Foundation
import Testing

/// Ctrl-C, and being told to end, before the story is over.
@Suite(.serialized, .enabled(if: Binary.isBuilt, "the program is not built"))
struct InterruptionTests {
    /// Starts a command, sends it a signal when something is there, and waits for its end.
    private func interrupt(
        _ command: String, _ signal: String, when path: String, with setting: String = "", in place: Workplace
    ) async throws -> Run {
        try await Binary.shell(
            """
            \(setting) millwright \(command) &
            until [ -e \(path) ] || ! kill -0 $!; do sleep 0.02; done
            kill -\(signal) $!
            wait $!
            """, in: place.folder)
    }

    /// Keys under a passphrase take their time.
    @Test func aFoundingRemovesWhatItMade() async throws {
        let place = try Workplace()
        let run = try await interrupt(
            "found Ring --board chamber --country DE --home ring/south", "INT",
            when: "ring/south/members/chamber", with: "MILLWRIGHT_PASSPHRASE=secret", in: place)
        #expect(run.status == 130 && run.code == "cli.interrupted", "\(run.error)")
        #expect(run.output.isEmpty && run.error.contains("is removed"))
        #expect(!FileManager.default.fileExists(atPath: place.folder.appendingPathComponent("ring").path))
    }

    @Test(arguments: [("INT", 130, true), ("TERM", 143, false), ("HUP", 129, false)])
    func aDemonstrationRemovesWhatItMade(signal: String, status: Int32, isThere: Bool) async throws {
        let place = try Workplace()
        let folder = place.folder.appendingPathComponent("demo")
        if isThere { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
        let home = isThere ? "demo" : "demo/on/the/way"
        let run = try await interrupt("demo --quiet --home \(home)", signal, when: "\(home)/vault", in: place)
        #expect(run.status == status && run.code == "cli.interrupted", "\(run.error)")
        #expect(run.output.isEmpty && run.error.contains("is removed"))
        #expect(FileManager.default.fileExists(atPath: folder.path) == isThere)
        if isThere { #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == []) }
    }

    /// As under nohup: the terminal goes away, and the demonstration goes on.
    @Test func whatWasStartedWithoutHangupTakesNone() async throws {
        let place = try Workplace()
        let run = try await Binary.shell(
            """
            trap '' HUP
            millwright demo --quiet --home demo &
            until [ -e demo/vault ] || ! kill -0 $!; do sleep 0.02; done
            kill -HUP $!
            kill -TERM $!
            wait $!
            """, in: place.folder)
        #expect(run.status == 143 && run.code == "cli.interrupted", "\(run.error)")
    }

    /// A node that does not end is given half a minute; whoever does not want to wait says so once more.
    @Test func aSecondCtrlCEndsAConsortiumAtOnce() async throws {
        let place = try Workplace()
        let began = ContinuousClock.now
        let run = try await Binary.shell(
            """
            node=ring/ulmer-pressen/node.address
            millwright consortium --engine embedded --quiet --home ring &
            until [ -s $node ] || ! kill -0 $!; do sleep 0.02; done
            began=$(date +%s)
            kill -STOP $(sed 's/.*"pid" *: *\\([0-9]*\\).*/\\1/;t;d' $node)
            kill -INT $!
            sleep 1
            kill -0 $! || exit 1
            kill -INT $!
            wait $!
            status=$?
            [ $(($(date +%s) - began)) -lt 15 ] || exit 2
            exit $status
            """, in: place.folder)
        #expect(run.status == 130 && run.error.isEmpty, "\(run.error), \(ContinuousClock.now - began)")
        try await eventually("all processes are gone") { place.processes.isEmpty }
    }

    @Test func aConsortiumEndsItsNodesAndRemovesWhatItMade() async throws {
        let place = try Workplace()
        let run = try await interrupt(
            "consortium --engine embedded --quiet --home ring", "INT",
            when: "ring/ulmer-pressen/node.address", in: place)
        #expect(run.status == 130 && run.code == "cli.interrupted", "\(run.error)")
        #expect(!FileManager.default.fileExists(atPath: place.folder.appendingPathComponent("ring").path))
        #expect(place.processes.isEmpty)
    }
}
