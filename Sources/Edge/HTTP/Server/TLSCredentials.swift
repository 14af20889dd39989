import CMicroHTTPD
import Cryptography

/// A certificate and its key as GnuTLS wants them, shared by the connections that began with them.
///
/// `@unchecked Sendable` holds because nothing changes after `init`, and GnuTLS reads credentials from
/// several threads.
final class TLSCredentials: @unchecked Sendable {
    let handle: gnutls_certificate_credentials_t

    init(_ identity: TLSIdentity) throws(HTTPError) {
        var allocated: gnutls_certificate_credentials_t?
        guard gnutls_certificate_allocate_credentials(&allocated) == 0, let allocated else {
            throw HTTPError(.server, "no memory for TLS credentials")
        }
        handle = allocated
        let status = TLSCredentials.withDatum(identity.certificatePEM) { certificate in
            TLSCredentials.withDatum(identity.privateKeyPEM) { key in
                gnutls_certificate_set_x509_key_mem(handle, certificate, key, GNUTLS_X509_FMT_PEM)
            }
        }
        guard status >= 0 else {
            throw HTTPError(.server, "GnuTLS: " + String(cString: gnutls_strerror(status)))
        }
    }

    deinit { gnutls_certificate_free_credentials(handle) }

    private static func withDatum<Result>(
        _ text: String, _ body: (UnsafePointer<gnutls_datum_t>) -> Result
    ) -> Result {
        var text = text
        return text.withUTF8 { bytes in
            var datum = gnutls_datum_t(
                data: UnsafeMutablePointer(mutating: bytes.baseAddress), size: UInt32(bytes.count))
            return body(&datum)
        }
    }
}
