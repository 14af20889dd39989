import Cryptography
import Foundation
import HTTP
import Ledger
import Node

/// Takes the genesis document from a peer that the configuration names, for a node that has no ledger yet.
struct GenesisFetch {
    let home: Home
    let configuration: NodeConfiguration
    let identity: TLSIdentity
    let log: NodeLog

    /// The peer's key is pinned, so the document is the one that the peer has; `chain` in the configuration
    /// says which it has to be.
    /// - Throws: `home.not_founded`, `home.other_ledger`, `home.io`.
    func run() throws(NodeError) {
        let peers = configuration.configuredPeers.filter { !$0.endpoint.isEmpty }
        var failure = "the configuration names no peer to ask"
        for peer in peers {
            do throws(HTTPError) {
                let client = try HTTPClient(peer.endpoint, trust: .pins(peer.pins), identity: identity)
                let answer = try client.request(.get, "/v1/peer/genesis").successful()
                return try take(answer.body, from: peer.member)
            } catch {
                failure = "\(peer.member): \(error)"
                log.warning("a peer did not serve the genesis", ["peer": peer.member, "reason": error])
            }
        }
        throw NodeError("home.not_founded", "there is no ledger in \(home.folder.path): \(failure)")
    }

    private func take(_ bytes: [UInt8], from peer: MemberID) throws(HTTPError) {
        do {
            let chain = try Home.genesis(bytes).chain
            guard configuration.chain.map({ $0 == chain.description }) ?? true else {
                throw HTTPError(.malformed, "its ledger is \(chain), not that of the configuration")
            }
            try home.replace(home.genesisFile, with: bytes, mode: 0o644)
            log.info("the genesis is taken from a peer", ["peer": peer, "chain": chain])
        } catch let error as HTTPError { throw error } catch { throw HTTPError(.malformed, "\(error)") }
    }
}
