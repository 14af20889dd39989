import Codec
import Contracts
import Cryptography
import Foundation
import HTTP
import Ledger
import Node

/// Submits transactions of every member to its own node, and remembers what it was told is final.
final class Load: Sendable {
    struct Told: Sendable {
        let id: TransactionID
        let height: Height
        let node: Int
    }

    private struct State {
        var told: [Told] = []
        var problems: [String] = []
        var isOver = false
        var running = 0
        var number = 0
    }

    private let fleet: Fleet
    private let signers: [MessageSigner]
    private let state = Shared(State())

    /// Between two transactions of one submitter.
    private static let pauseMicroseconds: UInt32 = 30_000

    init(_ fleet: Fleet) throws {
        self.fleet = fleet
        signers = try zip(fleet.homes, fleet.members).map {
            try $0.keystore(of: $1).signingKey().signer
        }
    }

    var told: [Told] { state.read(\.told) }
    var problems: [String] { state.read(\.problems) }

    func start(submitters: Int) {
        for index in fleet.members.indices {
            for _ in 0..<submitters {
                state.update { $0.running += 1 }
                Thread.detachNewThread { [self] in
                    while !state.read(\.isOver) {
                        _ = perform(index) { [self] in state.read(\.isOver) }
                        usleep(Load.pauseMicroseconds)
                    }
                    state.update { $0.running -= 1 }
                }
            }
        }
    }

    /// Lets the submitters end; what they have under way is brought through or left.
    func stop() {
        state.update { $0.isOver = true }
        while state.read(\.running) > 0 { usleep(20_000) }
    }

    /// Brings a new transaction through at a node.
    /// - Returns: nil where it was given up.
    func perform(_ index: Int, isOver: () -> Bool) -> Told? {
        do {
            let bytes = try transaction(index)
            while !isOver() {
                guard let told = try submit(bytes, to: index) else {
                    usleep(50_000)
                    continue
                }
                return told
            }
        } catch { state.update { $0.problems.append("\(fleet.members[index]): \(error)") } }
        return nil
    }

    private func transaction(_ index: Int) throws -> [UInt8] {
        var number = 0
        state.update {
            $0.number += 1
            number = $0.number
        }
        let name = fleet.members[index].text
        let payload = try TransactionPayload(
            chain: fleet.chain, expires: Fleet.now + .minutes(60), nonce: SecureRandom.bytes(16),
            contract: ConsortiumContract.self,
            action: .updateProfile(
                .init(
                    name: name,
                    profile: MemberProfile(registrationName: name, city: "City \(number)", country: "DE"),
                    endpoint: fleet.client(index).endpoint)))
        return signers[index].sign(payload, hash: SHA256.hash)
    }

    /// Hands the identical bytes over, again after every failure: a timeout never means that they are lost.
    /// - Throws: where the node refuses what it should take.
    private func submit(_ bytes: [UInt8], to index: Int) throws -> Told? {
        let target = HTTPTarget(["v1", "local", "transactions"], query: [.init("until", "final")])
        let answer: HTTPAnswer
        do {
            answer = try fleet.client(index).request(.post, target, body: bytes, totalMilliseconds: 4_000)
        } catch { return nil }
        guard answer.status.code == 200 || answer.status.code == 202 else {
            let text = String(decoding: answer.body.prefix(300), as: UTF8.self)
            guard answer.status.code >= 500 || answer.status.code == 429 else {
                throw Trouble("\(answer.status.code) \(text)")
            }
            return nil
        }
        guard
            case .final(let final) = try CBOR.decode(LocalSubmission.self, from: answer.body).submission
        else { return nil }
        guard final.outcome == .accepted else { throw Trouble("\(final.outcome) \(final.message)") }
        let told = Told(id: final.id, height: final.height, node: index)
        state.update { $0.told.append(told) }
        return told
    }
}
