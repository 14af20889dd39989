import HTTP
import Ledger
import Node
import Ordering

/// Prometheus' text format, version 0.0.4: families with help, type and samples.
struct MetricsText {
    private(set) var text = ""

    mutating func family(_ name: String, _ help: String, _ type: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    mutating func sample(_ name: String, _ labels: KeyValuePairs<String, String>, _ value: Double) {
        let list = labels.map { "\($0)=\"\(MetricsText.escaped($1))\"" }.joined(separator: ",")
        text += name + (list.isEmpty ? "" : "{\(list)}") + " \(MetricsText.number(value))\n"
    }

    mutating func gauge(_ name: String, _ help: String, _ value: Double) {
        family(name, help, "gauge")
        sample(name, [:], value)
    }

    mutating func counter(_ name: String, _ help: String, _ value: UInt64) {
        family(name, help, "counter")
        sample(name, [:], Double(value))
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.append(character)
            }
        }
    }

    // MARK: A node

    mutating func add(_ status: NodeStatus, lagSeconds: Double, reasons: [String]) {
        gauge("millwright_final_height", "Height of the last final block.", Double(status.finalHeight))
        gauge("millwright_head_height", "Height of the last executed block.", Double(status.headHeight))
        gauge("millwright_pending_blocks", "Blocks that are executed and not final.", Double(status.pending))
        gauge("millwright_epoch", "The epoch in force.", Double(status.epoch))
        gauge("millwright_validators", "Validators in force.", Double(status.validators.count))
        gauge("millwright_is_validator", "1 where this node votes.", status.isValidator ? 1 : 0)
        gauge("millwright_is_ordering", "0 while the epoch is being changed.", status.isOrdering ? 1 : 0)
        gauge("millwright_halted", "1 where the node has stopped for good.", status.halted == nil ? 0 : 1)
        gauge("millwright_ready", "1 where /readyz says so.", reasons.isEmpty ? 1 : 0)
        gauge(
            "millwright_finality_lag_seconds", "For how long something has waited to become final.",
            lagSeconds)
        gauge(
            "millwright_final_block_time_seconds",
            "Consensus time of the last final block since 1970-01-01 UTC.",
            Double(status.finalTime.milliseconds) / 1_000)
        gauge(
            "millwright_peers_connected", "Peers whose messages come in.",
            Double(status.peers.count { $0.isConnected }))
        family("millwright_peer_connected", "1 where a peer's messages come in.", "gauge")
        for peer in status.peers {
            sample("millwright_peer_connected", ["peer": peer.member.text], peer.isConnected ? 1 : 0)
        }
        family("millwright_peer_final_height", "The final height that a peer tells.", "gauge")
        for peer in status.peers {
            guard let height = peer.finalHeight else { continue }
            sample("millwright_peer_final_height", ["peer": peer.member.text], Double(height))
        }
        family("millwright_engine_state", "1 at the engine's state.", "gauge")
        let current = status.engineHealth?.state ?? .stopped
        for state in [EngineHealth.State.following, .unavailable, .lost, .misconfigured, .stopped] {
            sample("millwright_engine_state", ["state": state.rawValue], state == current ? 1 : 0)
        }
        if let position = status.engineHealth?.lastDelivered {
            gauge("millwright_engine_position", "The last position of the order here.", Double(position))
        }
    }

    mutating func add(_ metrics: NodeMetrics) {
        let counters = metrics.counters
        for (name, help, value) in [
            ("blocks", "Final blocks.", counters.blocks),
            ("transactions", "Transactions in final blocks.", counters.transactions),
            ("transactions_rejected", "Of these, rejected ones.", counters.rejected),
            ("transactions_skipped", "Transactions that got no leaf.", counters.skippedTransactions),
            ("batches_sent", "Batches handed to the engine.", counters.batchesSent),
            ("batches_late", "Batches that were not seen in time.", counters.batchesLate),
            ("batches_skipped", "Batches that were passed over.", counters.skippedBatches),
            ("blocks_undone", "Blocks that were undone.", counters.undoneBlocks),
            ("epochs", "Epoch blocks that became final.", counters.epochs),
            ("suspicions", "Times at which the engine was suspected.", counters.suspicions),
            ("fetches", "Times at which blocks were asked of peers.", counters.fetches),
            ("blocks_fetched", "Blocks that peers served.", counters.fetchedBlocks),
            ("messages_dropped", "Messages that there was no room for.", metrics.messagesDropped),
            ("evidence", "Contradictions of validators.", counters.evidence),
            ("syncs", "Synced writes of the block log.", counters.syncs),
        ] { counter("millwright_\(name)_total", help, value) }
        family("millwright_queue_length", "What waits in a queue.", "gauge")
        for (queue, length) in [
            ("submissions", metrics.submissionsWaiting), ("outbox", metrics.outbox),
            ("messages", metrics.messagesWaiting), ("batches", metrics.batchesWaiting),
            ("effects", metrics.effectsWaiting),
        ] { sample("millwright_queue_length", ["queue": queue], Double(length)) }
        histogram(counters)
    }

    private mutating func histogram(_ counters: NodeCounters) {
        let name = "millwright_finality_seconds"
        family(name, "This node's transactions from submission to finality.", "histogram")
        var sum: UInt64 = 0
        for (bound, count) in zip(NodeCounters.latencyBounds, counters.latency) {
            sum += count
            sample("\(name)_bucket", ["le": "\(bound)"], Double(sum))
        }
        sum += counters.latency.last ?? 0
        sample("\(name)_bucket", ["le": "+Inf"], Double(sum))
        sample("\(name)_sum", [:], Double(counters.latencySum.nanoseconds) / 1e9)
        sample("\(name)_count", [:], Double(sum))
    }

    mutating func add(_ server: HTTPServerMetrics) {
        gauge("millwright_http_connections", "Open connections.", Double(server.openConnections))
        gauge("millwright_http_streams", "Open streams.", Double(server.openStreams))
        counter("millwright_http_requests_total", "Answered requests.", UInt64(max(0, server.requests)))
        counter(
            "millwright_http_failures_total", "Answers of 500 and above.", UInt64(max(0, server.failures)))
        counter(
            "millwright_http_timeouts_total", "Connections closed because a client was too slow.",
            UInt64(max(0, server.timeouts)))
    }
}
