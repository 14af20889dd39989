import CNATS
import Cryptography
import Foundation
import Synchronization

/// What the library calls back about one connection: to sign a server's challenge, to report errors that
/// belong to no call.
///
/// The library calls on threads of its own and may still do so while a connection is closed, so the closure
/// is a number and not an address: who looks for a connection that has gone finds nothing.
final class NATSEvents: Sendable {
    private static let known = Mutex<(last: UInt, objects: [UInt: Weak])>((0, [:]))

    private struct Weak: Sendable {
        weak let object: NATSEvents?
    }

    private let number: UInt
    private let key: Ed25519.SigningKey?
    private let refused = Mutex<String?>(nil)
    private let hasLostSignature = Mutex(false)

    init(key: Ed25519.SigningKey?) {
        self.key = key
        number = NATSEvents.known.withLock { known in
            known.last += 1
            return known.last
        }
        NATSEvents.known.withLock { $0.objects[number] = Weak(object: self) }
    }

    deinit { NATSEvents.known.withLock { _ = $0.objects.removeValue(forKey: number) } }

    /// What the callbacks below are given.
    var closure: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: number) }

    fileprivate static func find(_ closure: UnsafeMutableRawPointer?) -> NATSEvents? {
        known.withLock { $0.objects[UInt(bitPattern: closure)]?.object }
    }

    /// The server's words on the last thing that this member may not do, taken away.
    func takeRefusal() -> String? { refused.withLock { $0.take() } }

    fileprivate func failed(_ status: natsStatus, _ text: String?) {
        if status == NATS_NOT_PERMITTED { refused.withLock { $0 = text ?? "not permitted" } }
    }

    /// Whether the library has lost a signature since this was asked last: one that begins with a zero, one
    /// in 256, it takes for none and sends none (3.4.1), so that the server refuses the key.
    func takeLostSignature() -> Bool {
        hasLostSignature.withLock { hasLost in
            defer { hasLost = false }
            return hasLost
        }
    }

    fileprivate func sign(_ challenge: [UInt8]) -> [UInt8]? {
        guard let signature = key?.sign(challenge) else { return nil }
        if signature.first == 0 { hasLostSignature.withLock { $0 = true } }
        return signature
    }
}

/// Signs a challenge. The library frees the signature.
func natsSigned(
    _ problem: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ signature: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?, _ count: UnsafeMutablePointer<Int32>?,
    _ challenge: UnsafePointer<CChar>?, _ closure: UnsafeMutableRawPointer?
) -> natsStatus {
    guard let challenge, let signature, let count,
        let signed = NATSEvents.find(closure)?.sign(Array(String(cString: challenge).utf8)),
        let memory = malloc(signed.count)?.bindMemory(to: UInt8.self, capacity: signed.count)
    else { return NATS_ERR }
    memory.initialize(from: signed, count: signed.count)
    signature.pointee = memory
    count.pointee = Int32(signed.count)
    return NATS_OK
}

/// Takes an error that belongs to no call. Without such a handler the library prints to standard error. It
/// owns nothing that it is given.
func natsFailed(
    _ connection: OpaquePointer?, _ subscription: OpaquePointer?, _ status: natsStatus,
    _ closure: UnsafeMutableRawPointer?
) {
    var text: UnsafePointer<CChar>?
    _ = natsConnection_GetLastError(connection, &text)
    NATSEvents.find(closure)?.failed(status, text.map { String(cString: $0) })
}
