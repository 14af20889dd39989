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
    private var voter: MessageSigner?

    init(
        home: Home, genesis: Genesis, bytes: [UInt8], rules: Rules, options: LedgerNode.Options,
        files: any FileSystem
    ) {
        (self.home, self.genesis, self.bytes, self.rules) = (home, genesis, bytes, rules)
        (self.options, self.files) = (options, files)
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

    /// Reads the voting key; a node without one follows the others.
    /// - Parameter isAlone: there is nobody to follow, so the key has to be the only one that counts.
    /// - Throws: `node.several_validators`, `keys.*`.
    mutating func readVotingKey(isAlone: Bool) throws(NodeError) {
        if home.hasVotingKey || isAlone { voter = try home.votingKey().signer }
        guard isAlone, let voter else { return }
        let set = ValidatorSet(genesis.validators, hash: rules.hash)
        guard set.quorum == 1 else {
            throw NodeError(
                "node.several_validators",
                "a ledger of \(genesis.validators.count) validators is run with others: see millwright node")
        }
        guard set.validator(KeyID(publicKey: voter.publicKey, hash: rules.hash)) != nil else {
            throw NodeError("keys.not_validator", "the voting key here is not that of the ledger's validator")
        }
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
            try found(store, effects)
            let start = CommitPipeline.Start(
                replica: founded, effects: [], voters: voters, remembered: try outbox.load())
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
        let (replica, begun) = try Replica.restore(
            executor: restored.executor, context: restored.context, voteState: restored.voteState,
            log: restored.log, voters: voters, timing: options.timing,
            reader: OverlayState(overlay: store.overlay))
        let epochs = EpochChain(epochFile, files: files, records: restored.epochs)
        if !restored.epochs.isEmpty, EpochChain.load(epochFile) != restored.epochs { try epochs.save() }
        let start = CommitPipeline.Start(
            replica: replica, effects: begun, voters: voters, remembered: try outbox.load())
        return Opened(
            store: store, epochs: epochs, outbox: outbox, start: start,
            headTime: restored.executor.head.time, isForeign: isForeign)
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
