import Foundation
import Testing

/// What `deploy/` holds is read by other programs: as much of it as they check without running it is checked.
@Suite struct DeploymentTests {
    private static let folder = Project.root.appendingPathComponent("deploy")

    @Test(.enabled(if: ChildProcess.find("systemd-analyze") != nil, "systemd-analyze is not installed"))
    func unitsAreUnderstood() async throws {
        let units = try FileManager.default.contentsOfDirectory(
            atPath: Self.folder.appendingPathComponent("systemd").path
        ).sorted().map { Self.folder.appendingPathComponent("systemd/\($0)").path }
        #expect(units.count == 4)
        let analyse = try #require(ChildProcess.find("systemd-analyze"))
        let run = try await ChildProcess.run(analyse, ["verify", "--man=no"] + units, seconds: 60)
        // The programs are not installed where this is tested; other units of the machine may be at fault.
        let complaints = (run.output + run.errors).split(separator: "\n").filter { line in
            line.contains("millwright") && !line.contains("is not executable")
        }
        #expect(complaints.isEmpty, "\(complaints)")
    }

    @Test(.enabled(if: ChildProcess.find("python3") != nil, "python3 is not installed"))
    func composeFileIsYAMLWithSixNodesAndThreeServers() async throws {
        let script = """
            import sys
            try:
                import yaml
            except ImportError:
                print("9"); sys.exit()
            services = yaml.safe_load(open(sys.argv[1]))["services"]
            print(len([s for s in services.values() if s["image"]]))
            """
        let python = try #require(ChildProcess.find("python3"))
        let file = Self.folder.appendingPathComponent("compose.yaml").path
        let run = try await ChildProcess.run(python, ["-c", script, file], seconds: 60)
        #expect(run.status == 0 && run.output == "9\n", "\(run.errors)")
    }

    /// With a program in the place of compose that writes down what it is asked for, and whose nodes know
    /// everything at once.
    @Test func theScriptBringsInEachCompanyAndTheServers() async throws {
        let files = FileManager.default
        let work = files.temporaryDirectory.appendingPathComponent("millwright-\(UUID().uuidString)")
        try files.createDirectory(at: work, withIntermediateDirectories: true)
        defer { try? files.removeItem(at: work) }
        let script = work.appendingPathComponent("six-companies.sh")
        try files.copyItem(at: Self.folder.appendingPathComponent("six-companies.sh"), to: script)
        let compose = work.appendingPathComponent("compose")
        try Data(
            """
            #!/bin/sh
            echo "$@" >>"\(work.path)/calls"
            case "$*" in
                *"node status") echo "epoch 1, 6 validators" ;;
                *"engine show") echo "engine    nats://nats-a:4222" ;;
            esac
            """.utf8
        ).write(to: compose)
        try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: compose.path)
        let run = try await ChildProcess.run(
            URL(fileURLWithPath: "/usr/bin/env"),
            ["COMPOSE=\(compose.path)", "/bin/sh", script.path, "nats"],
            seconds: 60)
        #expect(run.status == 0, "\(run.errors)")
        let calls = try String(contentsOf: work.appendingPathComponent("calls"), encoding: .utf8)
            .split(separator: "\n").map(String.init)
        let others = ["press-works", "stamper", "fixit", "judge", "audit"]
        for name in others {
            let steps = [
                "exec -T chamber millwright invite \(name) --role ",
                "run --rm --no-deps -T \(name) join /exchange/\(name).invitation ", "up -d \(name)",
                "exec -T chamber millwright admit \(name)",
                "exec -T \(name) millwright engine move nats://",
            ].map { step in calls.firstIndex { $0.hasPrefix(step) } }
            #expect(
                steps.allSatisfy { $0 != nil }
                    && steps.compactMap(\.self) == steps.compactMap(\.self).sorted())
        }
        let set = "exec -T chamber millwright validators set chamber \(others.joined(separator: " ")) "
        #expect(calls.contains { $0.hasPrefix(set) })
        #expect(calls.contains("--profile nats up -d"))
        #expect(files.fileExists(atPath: work.appendingPathComponent("nats/c/nats-server.conf").path))
    }
}
