import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A TCP relay that hands every byte on later, in both directions: the distance between two data centres, for
/// a kernel that cannot delay packets itself.
///
/// Connections are taken at once; what is sent over them takes the time. A burst stays a burst, since each
/// piece is due a fixed time after it came.
final class DelayRelay: Sendable {
    let port: UInt16
    private let listener: Int32
    private let target: UInt16
    private let delay: Double
    private let open = Mutex<Set<Int32>>([])

    /// - Parameters:
    ///   - target: the port on this machine to relay to.
    ///   - milliseconds: one way.
    init(to target: UInt16, milliseconds: Double) throws {
        (self.target, delay) = (target, milliseconds / 1000)
        let listener = socket(AF_INET, DelayRelay.stream, 0)
        var address = DelayRelay.loopback(0)
        var one: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 128) == 0
                    && getsockname(listener, $0, &size) == 0
            }
        }
        guard listener >= 0, isListening else { throw POSIXError(.EADDRNOTAVAIL) }
        (self.listener, port) = (listener, UInt16(bigEndian: address.sin_port))
        let thread = Thread { [self] in acceptLoop() }
        thread.name = "relay"
        thread.start()
    }

    /// Ends the relay and its connections.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        for descriptor in open.withLock({ $0 }) { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    #if canImport(Glibc)
        private static let stream = Int32(SOCK_STREAM.rawValue)
    #else
        private static let stream = SOCK_STREAM
    #endif

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    private func acceptLoop() {
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else { return }
            let server = socket(AF_INET, DelayRelay.stream, 0)
            var address = DelayRelay.loopback(target)
            let isConnected = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            guard isConnected else {
                close(client)
                close(server)
                continue
            }
            for descriptor in [client, server] {
                var one: Int32 = 1
                setsockopt(
                    descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
            }
            open.withLock { $0.formUnion([client, server]) }
            let link = Link(client, server) { [self] in
                open.withLock { $0.subtract([client, server]) }
            }
            pump(from: client, to: server, link)
            pump(from: server, to: client, link)
        }
    }

    /// Two descriptors that are closed when both directions have ended.
    private final class Link: Sendable {
        private let descriptors: [Int32]
        private let directions = Mutex(2)
        private let onEnd: @Sendable () -> Void

        init(_ first: Int32, _ second: Int32, onEnd: @escaping @Sendable () -> Void) {
            (descriptors, self.onEnd) = ([first, second], onEnd)
        }

        func ended() {
            let isLast = directions.withLock { count in
                count -= 1
                return count == 0
            }
            guard isLast else { return }
            onEnd()
            for descriptor in descriptors { close(descriptor) }
        }
    }

    /// Bytes on their way, in order of when they are due; empty at the end.
    ///
    /// `@unchecked Sendable`: `pieces` is read and written only under `condition`.
    private final class Way: @unchecked Sendable {
        private let condition = NSCondition()
        private var pieces: [(due: Double, bytes: [UInt8])] = []

        func put(_ bytes: [UInt8], due: Double) {
            condition.withLock {
                pieces.append((due, bytes))
                condition.signal()
            }
        }

        func take() -> (due: Double, bytes: [UInt8]) {
            condition.withLock {
                while pieces.isEmpty { condition.wait() }
                return pieces.removeFirst()
            }
        }
    }

    private func pump(from source: Int32, to sink: Int32, _ link: Link) {
        let way = Way()
        let delay = delay
        let reader = Thread {
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = recv(source, &buffer, buffer.count, 0)
                let due = ProcessInfo.processInfo.systemUptime + delay
                way.put(count > 0 ? Array(buffer[..<count]) : [], due: due)
                if count <= 0 { return }
            }
        }
        let writer = Thread {
            defer { link.ended() }
            while true {
                let (due, bytes) = way.take()
                let wait = due - ProcessInfo.processInfo.systemUptime
                if wait > 0 { Thread.sleep(forTimeInterval: wait) }
                var start = 0
                while start < bytes.count {
                    let sent = bytes[start...].withUnsafeBytes { send(sink, $0.baseAddress, $0.count, 0) }
                    guard sent > 0 else { break }
                    start += sent
                }
                if bytes.isEmpty || start < bytes.count {
                    shutdown(sink, Int32(SHUT_WR))
                    shutdown(source, Int32(SHUT_RD))
                    return
                }
            }
        }
        for thread in [reader, writer] {
            thread.name = "relay"
            thread.stackSize = 256 << 10
            thread.start()
        }
    }
}
