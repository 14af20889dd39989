import Foundation
import Synchronization

/// Ports of this machine on which nobody listens, for nodes and servers that run here side by side.
package enum LocalPorts {
    /// Below those that systems take for connections to others (Linux from 32768, macOS from 49152): none is
    /// taken away before somebody listens on it, or while a node is restarted.
    private static let range: ClosedRange<UInt16> = 15_000...32_000
    private static let given = Mutex<Set<UInt16>>([])
    private static let attempts = 10_000

    /// None twice in this process, and by chance, since other processes look for some too.
    /// - Throws: `http.server` where there are not so many.
    package static func free(_ count: Int) throws(HTTPError) -> [UInt16] {
        var ports: [UInt16] = []
        for _ in 0..<attempts {
            guard ports.count < count else { return ports }
            let port = UInt16.random(in: range)
            guard given.withLock({ $0.insert(port).inserted }), isFree(port) else { continue }
            ports.append(port)
        }
        throw HTTPError(.server, "no \(count) ports of \(range) are free")
    }

    /// Whether somebody listens.
    package static func isOpen(_ port: UInt16) -> Bool { withSocket(port) { connect($0, $1, $2) == 0 } }

    private static func isFree(_ port: UInt16) -> Bool { withSocket(port) { bind($0, $1, $2) == 0 } }

    /// A socket that a program started meanwhile does not get: it would hold the port.
    private static func makeSocket() -> Int32 {
        #if os(Linux)
            // Linux's SOCK_CLOEXEC is O_CLOEXEC, and not every module of its headers shows the former.
            return socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        #else
            let socket = socket(AF_INET, SOCK_STREAM, 0)
            if socket >= 0 { _ = fcntl(socket, F_SETFD, FD_CLOEXEC) }
            return socket
        #endif
    }

    private static func withSocket(
        _ port: UInt16, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Bool
    ) -> Bool {
        let socket = makeSocket()
        guard socket >= 0 else { return false }
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = port.bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
