import API
import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Node

/// Keeping a node: copies of its data directory, disk space, and another voting key after a restore.
enum OperationVerbs {
    static let all: [Verb] = [backup, restore, prune, fetchHistory, rotateVotingKey]

    // MARK: backup

    static let backup = Verb(
        "backup", "copy the data directory while the node runs",
        detail: """
            The copy holds the ledger, the vault and the configuration, and with --with-keys the \
            members' keys, the TLS keys and the NATS key: then keep it as secret as them. The voting key \
            is in no copy, for whoever votes has to know what it has voted. A ledger with one validator \
            stops without that key: stop its node and copy the whole directory instead.
            """,
        options: [
            .value("to", "DIR", "a new or empty directory, on the node's machine", required: true),
            .flag("with-keys", "the members' secret keys, TLS keys and the NATS key as well"),
        ],
        examples: ["millwright backup --home chamber --to /srv/backup/2026-11-21"]
    ) { invocation in
        let folder = URL(fileURLWithPath: try invocation.required("to")).standardizedFileURL
        try await Session.with(invocation, for: .reading) { session in
            let note = try session.operations().backup(
                BackupOrder(folder: folder.path, withKeys: invocation.has("with-keys")), of: session.home)
            if invocation.wantsJSON { return try session.json(note) }
            let keys = note.hasKeys ? "with keys" : "without keys"
            Terminal.print("\(Terminal.green("done")) blocks 0 to \(note.height), \(keys), in \(folder.path)")
            for damage in note.damages { Terminal.print("\(Terminal.red("damaged")) \(damage)") }
        }
    }

    // MARK: restore

    static let restore = Verb(
        "restore", "fill an empty data directory from a backup",
        detail: """
            The node then observes. It validates again with another voting key, once an epoch block \
            names it: run the node, then millwright voting-key rotate. Never run the restored node and \
            the old one.
            """,
        options: [.positional("dir", "the backup")],
        examples: ["millwright restore /srv/backup/2026-11-21 --home chamber"]
    ) { invocation in
        let home = Session.home(invocation)
        let folder = URL(fileURLWithPath: try invocation.required("dir"))
        let note = try Backup(home).restore(from: folder)
        if invocation.wantsJSON { return try Output.json(note) }
        Terminal.print("\(Terminal.green("done")) blocks 0 to \(note.height) are in \(home.folder.path)")
        if !note.hasKeys {
            Terminal.print(
                "        The backup has no keys: put members/, tls/ and nats.key back from elsewhere."
            )
        }
        let directory = invocation.string("home").map { " --home \($0)" } ?? ""
        Terminal.print("next:   millwright node\(directory)")
        Terminal.print(
            "        millwright voting-key rotate\(directory), where the node is to validate again")
    }

    // MARK: prune

    static let prune = Verb(
        "prune", "give back the disk space of old blocks",
        detail: """
            Whole files of blocks go, and blocks that a restart needs stay. The state, its proofs and \
            receipts that were written before stay good. What goes cannot be served to others or \
            verified again here, until millwright fetch-history brings it back. To prune always, set \
            keepBlocks or keepDays in node.json. Where several are given, the one that keeps more counts.
            """,
        options: [
            .value("keep-blocks", "N", "how many of the latest blocks to keep"),
            .value("keep-days", "N", "of how many days to keep blocks"),
            .value("below", "N", "the lowest block to keep"),
        ],
        examples: ["millwright prune --keep-blocks 100000", "millwright prune --below 5000"]
    ) { invocation in
        let order = PruneOrder(
            blocks: try count(invocation, "keep-blocks"),
            days: try count(invocation, "keep-days").map { Int64(clamping: $0) },
            below: try count(invocation, "below"))
        guard order != PruneOrder() else {
            throw UsageError("cli.missing_option", "prune needs --keep-blocks, --keep-days or --below")
        }
        try await Session.with(invocation) { session in
            let report = try session.operations().prune(order)
            if invocation.wantsJSON { return try session.json(report) }
            Terminal.print(
                "\(Terminal.green("done")) \(report.segments) files are removed; blocks \(report.first) to "
                    + "\(report.last) are left")
        }
    }

    // MARK: fetch-history

    static let fetchHistory = Verb(
        "fetch-history", "fetch the blocks from before this node's first one, and prove them",
        detail: """
            For a node that began with a snapshot, or whose old blocks were removed. The node that runs \
            takes them from any other that keeps them, executes them again from the genesis document on, \
            and makes them its own when they lead to its first block. It goes on meanwhile. Stopped at any \
            moment, the same command goes on where it was. It says no where no other node has the blocks \
            (history.no_peer), or where keepBlocks or keepDays in node.json would remove them again \
            (history.pruning).
            """,
        examples: ["millwright fetch-history --home press"]
    ) { invocation in
        try await Session.with(invocation, for: .reading) { session in
            let operations = try session.operations()
            var bar: ProgressBar?
            let report: HistoryReport
            do throws(NodeError) {
                report = try operations.fetchHistory { progress in
                    if bar == nil {
                        bar = ProgressBar("fetch-history", total: progress.total)
                        if !invocation.wantsJSON, !Terminal.isInteractive {
                            Terminal.print("blocks 0 to \(progress.total - 1) are fetched")
                        }
                    }
                    bar?.show(progress.done)
                }
            } catch {
                bar?.end()
                throw error
            }
            bar?.end()
            if invocation.wantsJSON { return try session.json(report) }
            let text =
                report.fetched == 0
                ? "nothing was missing" : "\(report.fetched) older blocks are proven and here"
            Terminal.print(
                "\(Terminal.green("done")) \(text); blocks \(report.first) to \(report.last) are held")
        }
    }

    private static func count(_ invocation: Invocation, _ name: String) throws -> UInt64? {
        guard let text = invocation.string(name) else { return nil }
        guard let number = UInt64(text), number > 0 else {
            throw UsageError("cli.bad_value", "--\(name) takes a whole number above 0, not «\(text)»")
        }
        return number
    }

    // MARK: voting-key rotate

    static let rotateVotingKey = Verb(
        "voting-key rotate", "vote with another key from the next epoch on (validators)",
        detail: """
            For a node that was restored from a backup, or whose voting key may be known to others. The \
            old key is put aside and never votes again. Start the node again afterwards: it votes with \
            the new key once an epoch block names it.
            """,
        options: OnboardingVerbs.signing,
        examples: ["millwright voting-key rotate --home chamber"]
    ) { invocation in
        try await Session.with(invocation) { session in
            let member = try session.member()
            let view = try session.node.view()
            let validators = try view.existing(ValidatorsRecord.self, ParametersRecord.Key())
            guard (validators.next ?? validators.current).contains(where: { $0.member == member }) else {
                throw NegativeAnswer("consortium.not_a_validator", "\(member) is not to validate")
            }
            let key = try session.home.nextVotingKey()
            try await session.perform(
                ConsortiumContract.self,
                .rotateVotingKey(.init(votingKey: try session.newKey(key, of: member, sealing: []))),
                saying: "\(member) has another voting key, in force from the next epoch")
            try session.home.promoteNextVotingKey()
            guard !invocation.wantsJSON else { return }
            Terminal.print("next:   start the node again; it votes once an epoch block names the key")
        }
    }
}

extension Session {
    /// What the node that holds the data directory does for its operator.
    func operations() throws -> any LedgerOperations {
        guard let operations = node as? any LedgerOperations else {
            throw NegativeAnswer("node.not_running", "no node holds \(home.folder.path)")
        }
        return operations
    }
}
