import Codec
import Contracts
import Ledger
import Node

/// From one company's word to everybody's, while the ledger runs.
extension Ring {
    /// Makes every company's node a validator and, where there are servers, moves the ledger to them. It is
    /// what companies would do with `member node --offer-vote`, `validators set` and `engine move`.
    /// - Throws: `process.*`, and the ledger's codes.
    func grow(_ cast: DemoCast, _ narrator: Narrator) async throws {
        narrator.say("\(companies.count) nodes run, and one of them validates: that of the board.")
        try await validate(cast)
        narrator.good("The board names all six as validators: five signatures make a block final.")
        guard let servers else {
            return narrator.say("A validator's node orders, without a server.")
        }
        try start(servers)
        try await move(cast, to: servers.engine)
        narrator.good("The ledger moves to three NATS servers while it runs.")
    }

    /// The companies offer their nodes' votes, and the board takes them.
    private func validate(_ cast: DemoCast) async throws {
        var validators: [ValidatorsRecord.Validator] = []
        for company in companies {
            let key = try company.home.votingKey()
            let publicKey = Bytes(key.publicKey.bytes)
            validators.append(.init(member: company.member, votingKey: publicKey))
            guard company.member != DemoCast.board else { continue }
            let ledger = try cast.ledger(company.member)
            let record = try ledger.view().existing(MemberRecord.self, company.member)
            let message = ConsortiumContract.possessionMessage(
                chain: chain, member: company.member, signingPublicKey: publicKey.array, sealingPublicKey: [])
            try await cast.act(
                company.member, ConsortiumContract.self,
                .setNode(
                    .init(
                        endpoint: record.endpoint, tlsPins: record.tlsPins ?? [],
                        votingKey: .init(publicKey: publicKey, possession: Bytes(key.sign(message))))))
        }
        try await propose(.setValidators(validators: validators.sorted { $0.member < $1.member }), cast)
        try wait { $0.validators.count == companies.count && $0.isValidator }
    }

    /// The board lists the engine, and the companies' operators ask for it.
    private func move(_ cast: DemoCast, to engine: String) async throws {
        let now = try cast.ledger(DemoCast.board).view()
            .existing(ParametersRecord.self, ParametersRecord.Key())
        let change = ParametersChange(
            transactionsPerSecond: now.transactionsPerSecond, bytesPerSecond: now.bytesPerSecond,
            invitationDays: now.invitationDays, auctionGraceSeconds: now.auctionGraceSeconds,
            engines: [engine, "embedded:"])
        try await propose(.setParameters(change), cast)
        // Validators that wait too long for an engine go on without it, and can be asked again.
        var failure: NodeError?
        for _ in 0..<3 {
            for company in companies {
                guard let ledger = try cast.ledger(company.member) as? RingLedger else { continue }
                // Only what is final counts: each node has to know the list.
                _ = try ledger.head()
                try ledger.node.suspectEngine(wish: engine)
            }
            do { return try wait(.seconds(15)) { $0.engine.address == engine } } catch let error as NodeError
            {
                guard error.code == "process.not_ready" else { throw error }
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// The board consists of one company, whose word is enough.
    private func propose(_ subject: ProposalSubject, _ cast: DemoCast) async throws {
        try await cast.act(
            DemoCast.board, ConsortiumContract.self,
            .propose(.init(subject: subject, reason: "As agreed by the six companies")))
    }
}
