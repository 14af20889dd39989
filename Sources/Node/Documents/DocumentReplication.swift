import Codec
import Foundation
import HTTP
import Ledger
import Synchronization
import Vault

/// Keeps a member's vault complete: what final blocks name and the member is a party of is fetched from
/// others before anybody asks for it, so that it outlives its author's node.
///
/// One thread fetches one document after the other. What nobody has now is asked for again, later each time.
package final class DocumentReplication: Sendable {
    package let vault: DocumentVault
    package let exchange: DocumentExchange
    private let node: any LedgerAccess
    private let member: MemberID
    private let state = ConditionMutex(State())
    private let threads = ThreadGroup()
    private let onFailure: @Sendable (NodeError) -> Void

    private struct Task {
        enum Kind: Hashable {
            case fetch(CID)
            /// New readers' keys, for one of the readers' nodes.
            case push(CID, MemberID)
        }

        let kind: Kind
        let parties: [MemberID]
        var attempts = 0
        /// Milliseconds of a clock that never goes back.
        var due: Int64 = 0
    }

    private struct State {
        var isStopped = false
        var hasNews = false
        /// The block up to which what is named has been taken in; nil before the first look at the state.
        var seen: Height?
        /// In the order in which they came; each kind once.
        var tasks: [Task] = []
        var kinds: Set<Task.Kind> = []
        /// Something did not fit: the state is to be looked through again.
        var hasOverflowed = false
        var fetched = 0
    }

    private static let maximumTasks = 10_000
    /// A push is given up then: the reader's node fetches the keys when they are wanted.
    private static let maximumPushes = 8
    private static let pollMilliseconds = 250

    /// - Parameter onFailure: told what keeps this node's own ledger or vault from being read.
    package init(
        node: any LedgerAccess, member: MemberID, vault: DocumentVault, exchange: DocumentExchange,
        onFailure: @escaping @Sendable (NodeError) -> Void = { _ in }
    ) {
        (self.node, self.member, self.vault, self.exchange) = (node, member, vault, exchange)
        self.onFailure = onFailure
    }

    /// Begins to look through the state and the blocks that follow.
    package func start() {
        threads.start("documents") { [self] in
            while !state.read(\.isStopped) {
                do throws(NodeError) { try look() } catch { onFailure(error) }
                work()
                state.wait(
                    milliseconds: DocumentReplication.pollMilliseconds,
                    until: { $0.isStopped || $0.hasNews }, then: { $0.hasNews = false })
            }
        }
    }

    /// Ends calls that are under way, and the thread.
    package func stop() {
        state.update { $0.isStopped = true }
        exchange.close()
        threads.join()
    }

    /// Documents that were fetched since the start, and tasks that are left.
    package var progress: (fetched: Int, waiting: Int) { state.read { ($0.fetched, $0.tasks.count) } }

    /// A document here has got readers: their nodes are told, again until they have heard it.
    package func announced(_ cid: CID) throws(NodeError) {
        let readers: [String]
        do { readers = try vault.readers(of: cid) } catch { throw NodeError(error) }
        for reader in readers.compactMap({ MemberID($0) }) where reader != member {
            add(Task(kind: .push(cid, reader), parties: []))
        }
    }

    private func add(_ task: Task) {
        state.update { state in
            guard !state.kinds.contains(task.kind) else { return }
            guard state.tasks.count < DocumentReplication.maximumTasks else {
                state.hasOverflowed = true
                return
            }
            state.tasks.append(task)
            state.kinds.insert(task.kind)
            state.hasNews = true
        }
    }

    // MARK: What is to be fetched

    /// Takes in what the blocks since the last look name; at first, and after an overflow, what the whole
    /// state names.
    private func look() throws(NodeError) {
        let height = try node.head().height
        let seen = state.update { state -> Height? in
            if state.hasOverflowed, state.tasks.isEmpty { (state.seen, state.hasOverflowed) = (nil, false) }
            return state.seen
        }
        guard let seen else {
            let view = try node.view()
            try DocumentNaming(view: view).all { want($0) }
            return state.update { $0.seen = view.height }
        }
        guard height > seen else { return }
        let naming = DocumentNaming(view: try node.view())
        for next in (seen + 1)...height {
            do throws(NodeError) {
                for change in try node.block(next).changes {
                    if let value = change.value { want(try naming.documents(in: change.key, value)) }
                }
            } catch {
                // A block that a snapshot has brought past: the state has what it named.
                guard error.code == "block.pruned" else { throw error }
                return state.update { $0.seen = nil }
            }
            state.update { $0.seen = next }
        }
    }

    private func want(_ documents: [NamedDocument]) {
        for document in documents where document.parties.contains(member) && !vault.contains(document.cid) {
            add(Task(kind: .fetch(document.cid), parties: document.parties))
        }
    }

    // MARK: Fetching

    private func work() {
        let now = MonotonicClock.now.milliseconds
        let due = state.read { $0.tasks.filter { $0.due <= now } }
        for task in due where !state.read(\.isStopped) {
            var isDone = false
            do throws(NodeError) { isDone = try perform(task) } catch { onFailure(error) }
            state.update { state in
                guard let index = state.tasks.firstIndex(where: { $0.kind == task.kind }) else { return }
                if isDone {
                    state.tasks.remove(at: index)
                    state.kinds.remove(task.kind)
                } else {
                    state.tasks[index].attempts += 1
                    let wait = Int64(1_000) << Int64(min(task.attempts, 9))
                    state.tasks[index].due = MonotonicClock.now.milliseconds + wait
                }
            }
        }
    }

    /// Whether the task is done, or there is no use in trying again.
    private func perform(_ task: Task) throws(NodeError) -> Bool {
        switch task.kind {
        case .fetch(let cid):
            if vault.contains(cid) { return true }
            guard try exchange.fetch(cid, for: nil, from: task.parties, into: vault) else { return false }
            state.update { $0.fetched += 1 }
            return true
        case .push(let cid, let reader):
            // It may have been destroyed since.
            guard vault.contains(cid) else { return true }
            return try exchange.push(cid, from: vault, to: reader)
                || task.attempts >= DocumentReplication.maximumPushes
        }
    }
}
