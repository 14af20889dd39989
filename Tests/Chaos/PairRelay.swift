import Foundation
import Synchronization

/// A TCP relay from one node to another that can be cut: nothing goes through then and nothing is refused, as
/// where packets are dropped. What was on its way arrives when it is mended.
final class PairRelay: Sendable {
    let port: UInt16
    private let listener: Int32
    private let target: UInt16
    private let isCut = Gate()

    /// - Parameter target: the port on this machine to relay to.
    init(to target: UInt16) throws {
        self.target = target
        let listener = socket(AF_INET, PairRelay.stream, 0)
        var address = PairRelay.loopback(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 128) == 0
                    && getsockname(listener, $0, &size) == 0
            }
        }
        guard listener >= 0, isListening else { throw POSIXError(.EADDRNOTAVAIL) }
        _ = fcntl(listener, F_SETFD, FD_CLOEXEC)
        (self.listener, port) = (listener, UInt16(bigEndian: address.sin_port))
        run { [self] in acceptLoop() }
    }

    func cut() { isCut.close() }
    func mend() { isCut.open() }

    #if os(Linux)
        private static let stream = Int32(SOCK_STREAM.rawValue)
        private static let noSignal = Int32(MSG_NOSIGNAL)
    #else
        private static let stream = SOCK_STREAM
        private static let noSignal: Int32 = 0
    #endif

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    private func run(_ body: @escaping @Sendable () -> Void) {
        let thread = Thread(block: body)
        thread.name = "relay"
        thread.stackSize = 256 << 10
        thread.start()
    }

    private func acceptLoop() {
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else { return }
            isCut.pass()
            let server = socket(AF_INET, PairRelay.stream, 0)
            for descriptor in [client, server] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
            var address = PairRelay.loopback(target)
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
            let directions = Count(2)
            for (source, sink) in [(client, server), (server, client)] {
                run { [self] in
                    pump(from: source, to: sink)
                    guard directions.down() == 0 else { return }
                    close(client)
                    close(server)
                }
            }
        }
    }

    private func pump(from source: Int32, to sink: Int32) {
        var one: Int32 = 1
        setsockopt(sink, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            isCut.pass()
            var start = 0
            while start < count {
                let sent = buffer[start..<count].withUnsafeBytes {
                    send(sink, $0.baseAddress, $0.count, PairRelay.noSignal)
                }
                guard sent > 0 else { break }
                start += sent
            }
            if count <= 0 || start < count {
                shutdown(sink, Int32(SHUT_WR))
                shutdown(source, Int32(SHUT_RD))
                return
            }
        }
    }
}

/// Lets threads pass while it is open.
///
/// `@unchecked Sendable`: `isOpen` is read and written only under `condition`.
private final class Gate: @unchecked Sendable {
    private let condition = NSCondition()
    private var isOpen = true

    func close() { condition.withLock { isOpen = false } }

    func open() {
        condition.withLock {
            isOpen = true
            condition.broadcast()
        }
    }

    func pass() { condition.withLock { while !isOpen { condition.wait() } } }
}

private final class Count: Sendable {
    private let value: Mutex<Int>

    init(_ value: Int) { self.value = Mutex(value) }

    func down() -> Int {
        value.withLock {
            $0 -= 1
            return $0
        }
    }
}
