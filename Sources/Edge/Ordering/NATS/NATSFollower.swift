import CNATS
import Cryptography
import Foundation

/// Follows a stream and delivers it, on a thread of its own, through every loss of a connection.
final class NATSFollower {
    private let configuration: NATSConfiguration
    private let status: EngineStatus
    private let deliver: @Sendable (OrderedBytes) -> Void
    private var cursor: StreamCursor
    private var connection: NATSConnection?
    private var behindSince: Date?
    /// Since when servers say that something is not set up as it has to be.
    private var wrongSince: Date?
    /// Servers that have just begun may say so for a moment: the account has no JetStream yet, or no others
    /// are there.
    private static let wrongSeconds = 2.0

    /// What ends one round of following. The next begins after the pause.
    private struct Interruption: Error {
        let state: EngineHealth.State
        let text: String
    }

    init(
        _ configuration: NATSConfiguration, from position: UInt64, status: EngineStatus,
        deliver: @escaping @Sendable (OrderedBytes) -> Void
    ) {
        (self.configuration, self.status, self.deliver) = (configuration, status, deliver)
        cursor = StreamCursor(position: position)
    }

    /// Returns when the engine is stopped, or what it had delivered is lost.
    func run() {
        defer { nats_ReleaseThreadMemory() }
        while !status.isEnding {
            do throws(Interruption) {
                let stream = try open()
                try follow(stream, from: try check(stream))
            } catch {
                let state = confirmed(error.state)
                status.report(state, error.text)
                if state == .lost { return }
                status.pause(milliseconds: state == .misconfigured ? 2000 : 200)
            }
        }
    }

    /// What a round's end means: what is wrong with the set-up counts once it has been for a while.
    private func confirmed(_ state: EngineHealth.State) -> EngineHealth.State {
        guard state == .misconfigured else {
            wrongSince = nil
            return state
        }
        let since = wrongSince ?? Date()
        wrongSince = since
        return Date().timeIntervalSince(since) < NATSFollower.wrongSeconds ? .unavailable : .misconfigured
    }

    /// The library finds its way to another server by itself, but gives up where it is refused twice.
    private func open() throws(Interruption) -> NATSStream {
        if let connection, connection.isClosed { self.connection = nil }
        let connection: NATSConnection
        if let open = self.connection {
            connection = open
        } else {
            do { connection = try NATSConnection(configuration) } catch {
                throw Interruption(
                    state: error.isMisconfiguration ? .misconfigured : .unavailable,
                    text: "no connection to \(configuration.servers.joined(separator: ", ")): \(error)")
            }
            self.connection = connection
        }
        guard connection.isConnected else {
            throw Interruption(
                state: .unavailable, text: "the connection was lost: \(connection.lastError)")
        }
        guard connection.maximumPayload >= Int64(NATSConfiguration.maximumMessage) else {
            throw Interruption(
                state: .misconfigured,
                text: "\(connection.server) takes messages of \(connection.maximumPayload) bytes at most; "
                    + "max_payload has to be \(NATSConfiguration.maximumMessage)")
        }
        return NATSStream(connection: connection, configuration: configuration)
    }

    /// Finds the stream, or creates it where nothing can have been in it, and says where to go on.
    private func check(_ stream: NATSStream) throws(Interruption) -> UInt64 {
        do {
            var found = try stream.information()
            if found == nil && cursor.isFresh {
                try stream.create()
                found = try stream.information()
            }
            if let difference = found?.difference {
                throw Interruption(
                    state: .misconfigured, text: "the stream \(configuration.stream.name): \(difference)")
            }
            switch found.map({ cursor.sighted($0.sighting) }) ?? cursor.missing() {
            case .follow(let sequence):
                behindSince = nil
                let last = found?.sighting.last ?? 0
                status.delivered(cursor.delivered, known: last > 0 ? last - 1 : nil)
                guard status.opened(stream) else { throw Interruption(state: .stopped, text: "is stopped") }
                return sequence
            case .lost(let text): throw Interruption(state: .lost, text: text)
            case .behind(let text):
                let since = behindSince ?? Date()
                behindSince = since
                let limit = Double(configuration.lossConfirmationMilliseconds) / 1000
                throw Interruption(
                    state: Date().timeIntervalSince(since) < limit ? .unavailable : .lost, text: text)
            }
        } catch let error as Interruption {
            throw error
        } catch {
            throw Interruption(
                state: (error as? NATSFailure)?.isMisconfiguration == true ? .misconfigured : .unavailable,
                text: "\(stream.connection.server) says of the stream: \(error)")
        }
    }

    private func follow(_ stream: NATSStream, from sequence: UInt64) throws(Interruption) {
        do {
            try stream.createReader(from: sequence)
            defer { if status.isEnding { stream.deleteReader() } }
            let reader = try NATSReader(stream)
            let connection = stream.connection
            let reconnects = connection.reconnects
            status.report(
                .following, "follows \(configuration.stream.name) at \(connection.server)")
            let silence = Double(configuration.heartbeatMilliseconds) * 3 / 1000
            var heard = Date()
            while !status.isEnding {
                if let event = try reader.next(withinMilliseconds: 200) {
                    try handle(event)
                    heard = Date()
                } else if Date().timeIntervalSince(heard) > silence {
                    throw NATSFailure("it has been silent for \(silence) seconds")
                }
                // What was asked of the server before is not known to the next one.
                if connection.reconnects != reconnects || !connection.isConnected {
                    throw NATSFailure("the connection was lost: \(connection.lastError)")
                }
            }
        } catch let error as Interruption {
            throw error
        } catch { throw Interruption(state: .unavailable, text: "\(error)") }
    }

    private func handle(_ event: NATSReader.Event) throws {
        switch event {
        case .windowEnded: break
        case .gone(let text): throw NATSFailure(text)
        case .heartbeat(let last):
            // Everything up to `last` was sent; what is not here was dropped on the way.
            if last >= cursor.next { throw NATSFailure("message \(cursor.next) did not arrive") }
        case .message(let sequence, let pending, let bytes):
            switch cursor.received(sequence, digest: SHA256.digest(bytes)) {
            case .known: break
            case .gap: throw NATSFailure("message \(cursor.next) did not arrive")
            case .lost(let text): throw Interruption(state: .lost, text: text)
            case .deliver:
                if status.isEnding { return }
                deliver(OrderedBytes(position: sequence - 1, bytes: bytes))
                status.delivered(
                    sequence - 1, known: sequence.addingReportingOverflow(pending).partialValue - 1)
            }
        }
    }
}
