import Codec
import Cryptography
import Foundation
import Ledger
import Storage

/// Opens what a data directory holds, up to where a node can begin.
struct NodeOpening {
    let home: Home
    let genesis: Genesis
    let bytes: [UInt8]
    let rules: Rules
    let options: LedgerNode.Options
    let files: any FileSystem
    let purpose: LedgerNode.Purpose
    private var voter: MessageSigner?
    private var isAlone = false

    init(
        home: Home, genesis: Genesis, bytes: [UInt8], rules: Rules, options: LedgerNode.Options,
        files: any FileSystem, purpose: LedgerNode.Purpose = .takingPart
    ) {
        (self.home, self.genesis, self.bytes, self.rules) = (home, genesis, bytes, rules)
        (self.options, self.files, self.purpose) = (options, files, purpose)
    }

    struct Opened {
        let store: LedgerStore
        let epochs: EpochChain
        let outbox: OutboxFile
        let start: CommitPipeline.Start
        let headTime: Timestamp
        /// The voting key belongs to another store.
        let isForeign: Bool
    }

    /// Reads the voting key; a node without one follows the others, and so does one that only reads.
    /// - Parameter isAlone: there is nobody to follow, so the key has to be the only one that counts.
    /// - Throws: `node.several_validators`, `keys.*`.
    mutating func readVotingKey(isAlone: Bool) throws(NodeError) {
        // A lone validator's store has to be founded with its signature.
        let isToBeFounded = genesis.validators.count == 1 && home.hasVotingKey && isEmpty
        if purpose == .reading, !isToBeFounded { return }
        self.isAlone = isAlone && purpose == .takingPart
        // Who validates once there are blocks is in them: `run` compares.
        guard isAlone, isEmpty else {
            if home.hasVotingKey { voter = try home.votingKey().signer }
            return
        }
        let set = ValidatorSet(genesis.validators, hash: rules.hash)
        guard set.quorum == 1 else { throw notAlone(set) }
        voter = try home.votingKey().signer
        try requireAlone(set, Quorum([set]))
    }

    /// - Throws: `node.several_validators` or `keys.not_validator` where this key alone decides nothing.
    private func requireAlone(_ set: ValidatorSet, _ quorum: Quorum) throws(NodeError) {
        let keys = [voter].compactMap { $0 }.map { KeyID(publicKey: $0.publicKey, hash: rules.hash) }
        guard quorum.isReached(by: keys) else { throw notAlone(set) }
    }

    /// Whether nothing has been written yet.
    private var isEmpty: Bool { !FileManager.default.fileExists(atPath: home.ledgerFolder.path) }

    private func notAlone(_ set: ValidatorSet) -> NodeError {
        guard set.validators.count > 1 else {
            return NodeError(
                "keys.not_validator", "the voting key here is not that of the ledger's validator")
        }
        return NodeError(
            "node.several_validators",
            "a ledger of \(set.validators.count) validators is run with others, and what is written goes "
                + "through a node that runs: see millwright node")
    }

    func run() throws -> Opened {
        let store = try LedgerStore(
            opening: home.ledgerFolder.path, chain: rules.chain, options: options.store, files: files)
        let isForeign = voter == nil ? false : try !VotingKeyBinding(home).allowsVoting()
        let voters = isForeign ? [] : [voter].compactMap { $0 }
        let outbox = OutboxFile(home.outboxFile.path, files: files)
        let epochFile = home.ledgerFolder.appendingPathComponent("epochs").path
        let keys = voters.map { KeyID(publicKey: $0.publicKey, hash: rules.hash) }
        let (founded, effects) = try Replica.found(
            genesis, bytes: bytes, rules: rules, voters: voters, timing: options.timing)
        let restoration = Restoration(
            store: store, rules: rules, genesis: founded.inForce, epochFile: epochFile)
        guard let restored = try restoration.restore(voters: keys) else {
            guard purpose == .takingPart || voter != nil else {
                throw NodeError(
                    "home.no_blocks", "\(home.folder.path) holds no block yet: see millwright node")
            }
            if isAlone { try requireAlone(founded.inForce.validators, founded.inForce.quorum(of: .batch)) }
            try found(store, effects)
            let start = CommitPipeline.Start(
                replica: founded, effects: [], voters: voters, remembered: try remembered(outbox),
                isReading: purpose == .reading)
            return Opened(
                store: store, epochs: EpochChain(epochFile, files: files, records: []), outbox: outbox,
                start: start, headTime: founded.finalHeader.time, isForeign: isForeign)
        }
        if isForeign, restored.context.validators.quorum == 1 {
            throw NodeError(
                "keys.other_store",
                "the voting key belongs to another copy of this ledger, and may have signed what this one "
                    + "does not know: go on with that copy")
        }
        if isAlone { try requireAlone(restored.context.validators, restored.context.quorum(of: .epoch)) }
        let (replica, begun) = try Replica.restore(
            executor: restored.executor, context: restored.context, voteState: restored.voteState,
            log: restored.log, voters: voters, timing: options.timing,
            reader: SnapshotState(store.overlay.snapshot()))
        let epochs = EpochChain(epochFile, files: files, records: restored.epochs)
        if !restored.epochs.isEmpty, EpochChain.load(epochFile) != restored.epochs { try epochs.save() }
        let start = CommitPipeline.Start(
            replica: replica, effects: begun, voters: voters, remembered: try remembered(outbox),
            isReading: purpose == .reading)
        return Opened(
            store: store, epochs: epochs, outbox: outbox, start: start,
            headTime: restored.executor.head.time, isForeign: isForeign)
    }

    /// What is to be sent again: nothing where nothing is sent.
    private func remembered(_ outbox: OutboxFile) throws -> [[UInt8]] {
        purpose == .reading ? [] : try outbox.load()
    }

    private func found(_ store: LedgerStore, _ effects: [Replica.Effect]) throws {
        var record: BlockRecord?
        for effect in effects {
            switch effect {
            case .store(let items): if case .block(let stored)? = items.first { record = stored }
            case .final(let block):
                guard let record else { throw LedgerFault("founding came to no block") }
                try NodeStore.found(store, record, block)
            default: continue
            }
        }
    }
}
