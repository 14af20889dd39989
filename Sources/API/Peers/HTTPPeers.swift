import Codec
import Cryptography
import HTTP
import Ledger
import Node
import Synchronization

/// The other nodes over HTTPS: a stream from each validator to this node, and from this node to whoever
/// follows it.
package final class HTTPPeers: PeerNetwork {
    private struct Follower {
        let member: MemberID
        let outbox: StreamOutbox
    }

    private struct State {
        var book: PeerBook
        var identity: TLSIdentity
        var links: [MemberID: PeerLink] = [:]
        var isClosed = false
    }

    private let log: NodeLog
    private let state: Mutex<State>
    /// Sorted by age, the oldest first.
    private let followers = Mutex<[Follower]>([])
    private let handler = Mutex<(any PeerHandler)?>(nil)

    /// Streams that one member may have open, and all together.
    private static let streamsPerMember = 2
    private static let streams = 256
    /// The most bytes of blocks that are served at once; one block may be larger.
    static let blockBytes = 4 << 20
    /// The largest block that is taken: a batch with its receipts and signatures.
    static let maximumBlockBytes = 24 << 20
    private static let blocksMilliseconds = 8_000
    private static let attempts = 3

    package init(_ book: PeerBook, identity: TLSIdentity, log: NodeLog) {
        self.log = log
        state = Mutex(State(book: book, identity: identity))
    }

    // MARK: The node

    /// Takes messages in from now on.
    package func begin(_ handler: any PeerHandler) {
        self.handler.withLock { $0 = handler }
        update(state.withLock(\.book), identity: state.withLock(\.identity))
    }

    /// Ends every connection; nothing is published any more.
    package func close() {
        let links = state.withLock { state in
            state.isClosed = true
            defer { state.links = [:] }
            return Array(state.links.values)
        }
        for link in links { link.close() }
        endStreams { _ in true }
        handler.withLock { $0 = nil }
    }

    package var book: PeerBook { state.withLock(\.book) }

    /// What this node shows to others.
    package var identity: TLSIdentity { state.withLock(\.identity) }

    /// Connects to those that the book says, and lets go of others.
    package func update(_ book: PeerBook, identity: TLSIdentity) {
        let events = PeerLink.Events(
            received: { [weak self] message, member in self?.take(message, from: member) }, log: log)
        let wanted = Dictionary(uniqueKeysWithValues: book.links.map { ($0.member, $0) })
        let dropped = state.withLock { state -> [PeerLink] in
            let isNewIdentity = state.identity != identity
            (state.book, state.identity) = (book, identity)
            guard !state.isClosed, handler.withLock({ $0 != nil }) else { return [] }
            var dropped: [PeerLink] = []
            for (member, link) in state.links where wanted[member] != link.address {
                dropped.append(link)
                state.links[member] = nil
            }
            if isNewIdentity {
                for (member, link) in state.links {
                    do { try link.use(identity) } catch {
                        log.error("a link keeps the old TLS key", ["peer": member.text, "reason": error])
                    }
                }
            }
            for (member, address) in wanted where state.links[member] == nil {
                do {
                    state.links[member] = try PeerLink(address, identity: identity, events: events)
                } catch {
                    log.warning(
                        "a peer's endpoint cannot be used",
                        ["peer": member.text, "endpoint": address.endpoint, "reason": error])
                }
            }
            return dropped
        }
        for link in dropped { link.close() }
        // Whoever is no member any more is told nothing more.
        endStreams { !book.follows($0) }
    }

    private func take(_ message: ReplicaMessage, from member: MemberID) {
        handler.withLock { $0 }?.received(message, from: member)
    }

    // MARK: PeerNetwork

    package func publish(_ message: ReplicaMessage) {
        followers.withLock { followers in
            guard !followers.isEmpty else { return }
            let bytes = Frame.encode(message.encoded)
            followers.removeAll { !$0.outbox.push(bytes) }
        }
    }

    package func submit(_ transactions: [[UInt8]], to member: MemberID?) {
        let links = state.withLock { state -> [PeerLink] in
            if let member { return state.links[member].map { [$0] } ?? [] }
            return Array(state.links.values)
        }
        for link in links { link.submit(transactions) }
    }

    package func blocks(
        above height: Height, from member: MemberID?, where isWanted: ([[UInt8]]) -> Bool
    ) throws(NodeError) -> [[UInt8]] {
        let links = state.withLock { Array($0.links.values) }
        let order = HTTPPeers.order(links.map(\.status), first: member)
        var failure: HTTPError?
        var attempts = 0
        // Of those that were asked: who keeps the blocks no more, and who has none.
        var (pruned, without) = (0, 0)
        for next in order where attempts < HTTPPeers.attempts {
            guard let link = links.first(where: { $0.address.member == next }) else { continue }
            do throws(HTTPError) {
                let blocks = try HTTPPeers.blocks(
                    above: height, from: link.client, totalMilliseconds: HTTPPeers.blocksMilliseconds)
                if blocks.isEmpty {
                    attempts += 1
                    without += 1
                } else if isWanted(blocks) {
                    return blocks
                }
            } catch {
                attempts += 1
                log.debug(
                    "a peer did not serve blocks",
                    ["peer": next.text, "above": height, "reason": error])
                failure = error
                if error.problem?.code == "block.pruned" { pruned += 1 }
            }
        }
        // One that lies is outnumbered by those that are no further than this node.
        if let failure, pruned > without {
            throw NodeError("block.pruned", "no peer keeps the blocks above \(height)", cause: failure)
        }
        if let failure { throw NodeError("node.no_peer", "no peer served its blocks", cause: failure) }
        return []
    }

    /// What one node serves above a height.
    static func blocks(
        above height: Height, from client: HTTPClient, totalMilliseconds: Int,
        cancellation: HTTPCancellation? = nil
    ) throws(HTTPError) -> [[UInt8]] {
        let answer = try client.request(
            .get, HTTPTarget(["v1", "peer", "blocks"], query: [.init("above", "\(height)")]),
            totalMilliseconds: totalMilliseconds,
            maximumBodyBytes: maximumBlockBytes + blockBytes, cancellation: cancellation
        ).successful()
        return try PeerFrames.messages(answer.body, limit: maximumBlockBytes)
    }

    /// Everybody else's node that there is, those that are connected first.
    var addresses: [PeerBook.Address] {
        let book = book
        let near = HTTPPeers.order(peers, first: nil).compactMap { book.address(of: $0) }
        return near + book.members.filter { !near.contains($0) }
    }

    /// Whom to ask for blocks: the one that is named, then those that are connected, the furthest first.
    static func order(_ peers: [PeerStatus], first: MemberID?) -> [MemberID] {
        peers.sorted { one, other in
            if (one.member == first) != (other.member == first) { return one.member == first }
            if one.isConnected != other.isConnected { return one.isConnected }
            let (near, far) = (one.finalHeight ?? 0, other.finalHeight ?? 0)
            return near != far ? near > far : one.member < other.member
        }.map(\.member)
    }

    package var peers: [PeerStatus] {
        state.withLock { Array($0.links.values) }.map(\.status).sorted { $0.member < $1.member }
    }

    /// What keeps each peer from being connected.
    package var failures: [MemberID: String] {
        let links = state.withLock { Array($0.links.values) }
        return Dictionary(uniqueKeysWithValues: links.map { ($0.address.member, $0.failure) })
            .filter { !$0.value.isEmpty }
    }

    /// Bytes of transactions that wait to be handed over.
    package var queuedBytes: Int {
        state.withLock { Array($0.links.values) }.reduce(0) { $0 + $1.queuedBytes }
    }

    package var openStreams: Int { followers.withLock { $0.count { !$0.outbox.isFinished } } }

    // MARK: Followers

    /// A stream of what this node publishes from now on. A member's third takes the place of its first.
    func follow(as member: MemberID, hello: ReplicaMessage) throws -> HTTPStream {
        let outbox = StreamOutbox()
        outbox.push(Frame.encode(hello.encoded))
        try followers.withLock { followers in
            followers.removeAll(where: \.outbox.isFinished)
            let own = followers.filter { $0.member == member }
            if own.count >= HTTPPeers.streamsPerMember {
                own[0].outbox.finish()
                followers.removeAll { $0.outbox === own[0].outbox }
            }
            guard followers.count < HTTPPeers.streams, !state.withLock(\.isClosed) else {
                throw Problem(.unavailable, "peer.too_many", "too many nodes follow this one")
            }
            followers.append(Follower(member: member, outbox: outbox))
        }
        return outbox.stream()
    }

    private func endStreams(_ isOver: (MemberID) -> Bool) {
        followers.withLock { followers in
            for follower in followers where isOver(follower.member) { follower.outbox.finish() }
            followers.removeAll(where: \.outbox.isFinished)
        }
    }
}
