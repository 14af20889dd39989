import Codec
import Ledger
import Merkle

/// The final state at one block as a node hands it to another, with what proves it.
struct SimulatedSnapshot {
    var checkpoint: SimulatedDisk.Checkpoint
    /// The checkpoint's block and those after it up to one that has its commits.
    var headers: [BlockHeader]
    var commits: [Attestation]
    var content: [UInt8]
    var epochs: [EpochRecord]

    /// What a node that tells the truth offers; nil where nothing is final but genesis, or no later block has
    /// a quorum's commits.
    init?(of node: SimulatedNode, rules: Rules) {
        checkpoint = node.disk.checkpoint
        guard let last = checkpoint.served.last else { return nil }
        let served = node.served.count > checkpoint.served.count ? node.served : checkpoint.served
        let blocks = served[(checkpoint.served.count - 1)...]
        guard
            let end = blocks.firstIndex(where: { block in
                guard let known = node.world.watch.blocks[block.header.hashed(rules.hash)] else {
                    return false
                }
                return known.context.quorum(of: block.header.kind).isReached(by: block.commits.map(\.key))
            })
        else { return nil }
        headers = blocks[...end].map(\.header)
        (commits, content) = (blocks[end].commits, last.content.bytes)
        epochs = checkpoint.served.filter { $0.header.kind == .epoch }.map {
            EpochRecord(header: $0.header, content: $0.content.bytes, commits: $0.commits)
        }
    }

    /// Why a node that has blocks up to a height does not take it; nil where it does.
    func refusal(above height: Height, genesis: Genesis, rules: Rules) -> String? {
        guard checkpoint.header.height > height else { return "it is older than what is here" }
        do throws(FinalityProof.Failure) {
            try FinalityProof(headers: headers, commits: commits, content: content, epochs: epochs).verify(
                block: checkpoint.hash, height: checkpoint.header.height, genesis: genesis, rules: rules)
        } catch { return error.text }
        // What was proven is the hash.
        let header = headers[0]
        guard header == checkpoint.header else { return "it is of another block" }
        guard checkpoint.log.size == header.logSize, checkpoint.log.root(hash: rules.hash) == header.logRoot
        else { return "the log has another root" }
        guard checkpoint.executor(rules).tree.root == header.stateRoot else { return "other rows" }
        return nil
    }
}

extension SimulatedSnapshot {
    /// A way in which a server lies.
    enum Lie: CaseIterable {
        case changedRow, addedRow, lostRow, otherLog, otherState, ownCommits, otherEpoch, ownValidators
        case repeatedCommits, stale
    }

    /// What a liar serves in the place of it.
    /// - Parameters:
    ///   - old: an earlier snapshot.
    ///   - signers: of those who lie.
    func forged(
        _ lie: Lie, old: SimulatedDisk.Checkpoint?, signers: [MessageSigner], rules: Rules,
        chance: inout Chance
    ) -> SimulatedSnapshot {
        var forged = self
        let key = chance.pick(checkpoint.rows.keys.filter { $0.table == "counter" })
        switch lie {
        case .changedRow:
            guard let key, let value = checkpoint.rows.values[key] else { fallthrough }
            forged.checkpoint.rows.apply([RowChange(key: key, value: value.dropLast() + [9])])
        case .addedRow:
            forged.checkpoint.rows.apply([RowChange(key: RowKey(table: "gift", key: [1]), value: [1])])
        case .lostRow:
            if let key { forged.checkpoint.rows.apply([RowChange(key: key, value: nil)]) }
        case .otherLog: forged.checkpoint.log.append(rules.hash([1]), hash: rules.hash)
        case .otherState, .ownCommits, .repeatedCommits:
            // Rows that fit the header, and a header that nobody honest has signed.
            forged.checkpoint.rows.apply([RowChange(key: RowKey(table: "gift", key: [1]), value: [1])])
            forged.checkpoint.header.stateRoot = forged.checkpoint.executor(rules).tree.root
            forged.rename(rules)
            if lie != .otherState { forged.commits = forged.signed(by: signers, rules) }
            if lie == .repeatedCommits, let first = forged.commits.first {
                forged.commits = Array(repeating: first, count: commits.count)
            }
        case .otherEpoch:
            forged.epochs = epochs.dropLast()
        case .ownValidators: forged.replaceValidators(with: signers, rules)
        case .stale:
            if let old {
                (forged.checkpoint, forged.headers) = (old, [old.header])
                forged.commits = old.served.last?.commits ?? []
                forged.content = old.served.last?.content.bytes ?? []
                forged.epochs = epochs.filter { $0.header.height <= old.header.height }
            }
        }
        return forged
    }

    private mutating func rename(_ rules: Rules) {
        checkpoint.hash = checkpoint.header.hashed(rules.hash)
        headers = [checkpoint.header]
    }

    private func signed(by signers: [MessageSigner], _ rules: Rules) -> [Attestation] {
        signers.map {
            Attestation.sign(.commit, headers[0], hash: checkpoint.hash, signer: $0, hash: rules.hash)
        }
    }

    /// An epoch block that names only liars, and a state that they have signed.
    private mutating func replaceValidators(with signers: [MessageSigner], _ rules: Rules) {
        let validators = signers.enumerated().map {
            ValidatorsRecord.Validator(
                member: MemberID(unchecked: "liar\($0)"), votingKey: Bytes($1.publicKey))
        }
        guard let signer = signers.first,
            let proposal = try? EpochProposal.signed(
                chain: rules.chain, epoch: checkpoint.header.epoch + 1, parent: checkpoint.header.previous,
                validators: validators, engine: "embedded:liar0", stops: [], lock: [], signer: signer,
                hash: rules.hash)
        else { return }
        checkpoint.header.kind = .epoch
        checkpoint.header.epoch += 1
        (checkpoint.header.content, content) = (rules.hash(proposal.bytes), proposal.bytes)
        rename(rules)
        commits = signed(by: signers, rules)
        epochs.append(EpochRecord(header: checkpoint.header, content: content, commits: commits))
    }
}
