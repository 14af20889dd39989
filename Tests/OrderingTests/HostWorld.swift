import Codec
import Foundation
import HTTP
import Ordering
import Storage
import Synchronization

/// A member's node that hosts an order, as far as its followers see it: a log on the disk behind an HTTP
/// server, always at the same port.
final class HostWorld: Sendable {
    private struct Running {
        var server: HTTPServer?
        var engine: HostedEngine?
    }

    private let folder: URL
    private let epoch: Digest
    private let running = Mutex(Running())
    private let port: Mutex<UInt16> = Mutex(0)

    init(epoch: Digest) throws {
        self.epoch = epoch
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("order-\(UUID().uuidString)")
        try start()
    }

    deinit {
        kill()
        try? FileManager.default.removeItem(at: folder)
    }

    func start() throws {
        let engine = try HostedEngine(opening: folder.path, epochBlock: epoch)
        var configuration = HTTPServerConfiguration()
        configuration.host = "127.0.0.1"
        configuration.port = port.withLock { $0 }
        configuration.maximumBodyBytes = { _, _ in 5 << 20 }
        let server = try HTTPServer(configuration) { request in
            guard request.method == .post else {
                return engine.stream(from: request.query("from").flatMap { UInt64($0) } ?? 0)
            }
            return engine.answer(to: request.body)
        }
        port.withLock { $0 = server.port }
        running.withLock { $0 = Running(server: server, engine: engine) }
    }

    /// Ends the host without a word to anybody; what its disk has synced stays.
    func kill() {
        let old = running.withLock { running in
            defer { running = Running() }
            return running
        }
        old.server?.stop(graceMilliseconds: 0)
        old.engine?.stop()
    }

    func wipe() throws { try FileManager.default.removeItem(at: folder) }

    func engine(submitMilliseconds: Int) throws -> FollowedEngine {
        let endpoint = "http://127.0.0.1:\(port.withLock { $0 })"
        return FollowedEngine(
            client: try HTTPClient(endpoint, trust: .plainText), path: ["v1", "engine", "batches"],
            submitMilliseconds: submitMilliseconds)
    }
}
