import Codec
import Cryptography
import Foundation
import Ledger

/// A node's TLS keys in its data directory, readable by its owner only.
///
/// ```
/// tls/node.pem       the key in use and its certificate
/// tls/next.pem       the key that follows, until the ledger knows it
/// tls/previous.pem   the key before, until the ledger has forgotten it
/// ```
///
/// Each file holds a line `millwright-tls made=SECONDS`, which says when the key came into its place, then
/// the private key and the certificate in PEM. It is replaced whole.
package struct TLSFiles: Sendable {
    package enum Place: String, Sendable, CaseIterable {
        case current = "node"
        case next, previous
    }

    /// A key, its certificate, and since when the key has its place.
    package struct Entry: Hashable, Sendable {
        package var identity: TLSIdentity
        /// Seconds since 1970-01-01 UTC.
        package var sinceSeconds: Int64

        package init(identity: TLSIdentity, sinceSeconds: Int64) {
            (self.identity, self.sinceSeconds) = (identity, sinceSeconds)
        }
    }

    package static let defaultDays: Int64 = 90
    private static let mark = "millwright-tls made="
    private let home: Home

    package init(_ home: Home) { self.home = home }

    private func file(_ place: Place) -> URL {
        home.tlsFolder.appendingPathComponent("\(place.rawValue).pem")
    }

    /// What is in a place; nil where there is no file.
    /// - Throws: `tls.damaged`.
    package func read(_ place: Place) throws(NodeError) -> Entry? {
        let file = file(place)
        guard let data = try? Data(contentsOf: file) else { return nil }
        let text = String(decoding: data, as: UTF8.self)
        let first = text.prefix { $0 != "\n" }
        guard first.hasPrefix(TLSFiles.mark), let since = Int64(first.dropFirst(TLSFiles.mark.count)) else {
            throw NodeError("tls.damaged", "\(file.path) is not a TLS key of a node")
        }
        do {
            return Entry(
                identity: try TLSIdentity(certificatePEM: text, privateKeyPEM: text), sinceSeconds: since)
        } catch { throw NodeError("tls.damaged", "\(file.path) holds no key and certificate", cause: error) }
    }

    /// - Throws: `home.io`.
    package func write(_ entry: Entry, to place: Place) throws(NodeError) {
        let text =
            "\(TLSFiles.mark)\(entry.sinceSeconds)\n" + entry.identity.privateKeyPEM
            + entry.identity.certificatePEM
        try home.replace(file(place), with: Array(text.utf8), mode: 0o600)
    }

    package func remove(_ place: Place) { unlink(file(place).path) }

    /// The key in use, made where there is none.
    /// - Parameters:
    ///   - member: the certificate's name.
    ///   - endpoint: whose host the certificate names.
    /// - Throws: `tls.*`, `home.io`.
    @discardableResult
    package func current(
        of member: MemberID, endpoint: String, days: Int64 = TLSFiles.defaultDays, now: Timestamp
    ) throws(NodeError) -> Entry {
        if let entry = try read(.current) { return entry }
        let entry = try TLSFiles.make(of: member, endpoint: endpoint, days: days, now: now)
        try write(entry, to: .current)
        return entry
    }

    /// A new key with its certificate, in no place yet.
    /// - Throws: `tls.bad_host`.
    package static func make(
        of member: MemberID, endpoint: String, days: Int64, now: Timestamp
    ) throws(NodeError) -> Entry {
        let seconds = now.nanoseconds / 1_000_000_000
        do {
            let identity = try TLSIdentity.generate(
                commonName: member.text, hosts: hosts(endpoint), notBeforeSeconds: max(0, seconds - 3_600),
                notAfterSeconds: seconds + days * 86_400)
            return Entry(identity: identity, sinceSeconds: seconds)
        } catch {
            throw NodeError("tls.bad_host", "no certificate can name the endpoint \(endpoint)", cause: error)
        }
    }

    /// The names that go into a certificate: the endpoint's host, and this machine's own.
    package static func hosts(_ endpoint: String) -> [String] {
        var hosts = ["localhost", "127.0.0.1", "::1"]
        let rest = endpoint.utf8.dropFirst("https://".utf8.count)
        guard endpoint.hasPrefix("https://"), !rest.isEmpty else { return hosts }
        var host = EngineAddress.Server(rest)?.host ?? String(rest) ?? ""
        if host.hasPrefix("[") { host = String(host.dropFirst().dropLast()) }
        if !host.isEmpty, !hosts.contains(host) { hosts.append(host) }
        return hosts
    }
}
