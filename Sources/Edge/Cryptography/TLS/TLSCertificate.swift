import COpenSSL
import Codec

/// An X.509 certificate, as far as a node that trusts keys and not authorities cares for it.
///
/// The dates are told, never enforced: an expired certificate of a pinned key is still that key.
package struct TLSCertificate: Sendable, Hashable {
    package let der: [UInt8]
    package let pin: TLSPin
    /// The subject's common name; empty where there is none.
    package let commonName: String
    /// Seconds since 1970-01-01 UTC.
    package let notBeforeSeconds: Int64
    package let notAfterSeconds: Int64

    /// - Throws: `crypto.malformed` where the bytes are not exactly one certificate.
    package init(der: [UInt8]) throws(CryptographyError) {
        let parsed = der.withUnsafeBufferPointer { buffer -> (OpaquePointer, Int)? in
            var cursor = buffer.baseAddress
            guard let certificate = d2i_X509(nil, &cursor, buffer.count) else { return nil }
            return (certificate, cursor.map { $0 - (buffer.baseAddress ?? $0) } ?? 0)
        }
        ERR_clear_error()
        guard let (certificate, consumed) = parsed else { throw CryptographyError(.malformed) }
        defer { X509_free(certificate) }
        guard consumed == der.count else { throw CryptographyError(.malformed) }
        try self.init(certificate)
    }

    /// Reads the first certificate of a PEM text.
    ///
    /// - Throws: `crypto.malformed`.
    package init(pem: String) throws(CryptographyError) {
        let certificate = OpenSSLText.read(pem) { millwright_read_certificate($0) }
        guard let certificate else { throw CryptographyError(.malformed) }
        defer { X509_free(certificate) }
        try self.init(certificate)
    }

    init(_ certificate: OpaquePointer) throws(CryptographyError) {
        let key = OpenSSLText.bytes { i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), $0) }
        let der = OpenSSLText.bytes { i2d_X509(certificate, $0) }
        guard let key, let der, let notBefore = TLSCertificate.seconds(X509_get0_notBefore(certificate)),
            let notAfter = TLSCertificate.seconds(X509_get0_notAfter(certificate))
        else { throw CryptographyError(.malformed) }
        self.der = der
        pin = TLSPin(SHA256.digest(key))
        commonName = TLSCertificate.commonName(certificate)
        (notBeforeSeconds, notAfterSeconds) = (notBefore, notAfter)
    }

    /// Whether the certificate's time is over. It goes on working; it should be renewed.
    package func isExpired(atSeconds now: Int64) -> Bool { now > notAfterSeconds }

    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
        guard let epoch = ASN1_TIME_set(nil, 0) else { return nil }
        defer { ASN1_STRING_free(epoch) }
        var days: Int32 = 0
        var rest: Int32 = 0
        guard let time, ASN1_TIME_diff(&days, &rest, epoch, time) == 1 else { return nil }
        return Int64(days) * 86_400 + Int64(rest)
    }

    private static func commonName(_ certificate: OpaquePointer) -> String {
        let name = X509_get_subject_name(certificate)
        let index = X509_NAME_get_index_by_NID(name, NID_commonName, -1)
        guard index >= 0, let entry = X509_NAME_get_entry(name, index) else { return "" }
        var text: UnsafeMutablePointer<UInt8>?
        let count = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry))
        guard count >= 0, let text else { return "" }
        defer { CRYPTO_free(text, #file, #line) }
        return String(decoding: UnsafeBufferPointer(start: text, count: Int(count)), as: UTF8.self)
    }
}

/// Bytes in and out of OpenSSL.
enum OpenSSLText {
    /// What an `i2d` function writes; nil where it fails.
    static func bytes(_ write: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32) -> [UInt8]? {
        let count = write(nil)
        guard count > 0 else { return nil }
        return [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, filled in
            var cursor = buffer.baseAddress
            filled = Int(max(0, write(&cursor)))
        }
    }

    /// Lets an OpenSSL reader read a text.
    static func read<Result>(_ text: String, _ body: (OpaquePointer) -> Result?) -> Result? {
        defer { ERR_clear_error() }
        var text = text
        return text.withUTF8 { bytes in
            guard let bio = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else {
                return nil
            }
            defer { BIO_free(bio) }
            return body(bio)
        }
    }

    /// The text that an OpenSSL writer writes; nil where it does not return 1.
    static func write(_ body: (OpaquePointer) -> Int32) -> String? {
        defer { ERR_clear_error() }
        guard let bio = BIO_new(BIO_s_mem()) else { return nil }
        defer { BIO_free(bio) }
        guard body(bio) == 1 else { return nil }
        var start: UnsafePointer<CChar>?
        let count = millwright_bio_bytes(bio, &start)
        return UnsafeRawBufferPointer(start: start, count: count).withMemoryRebound(to: UInt8.self) {
            String(decoding: $0, as: UTF8.self)
        }
    }
}
