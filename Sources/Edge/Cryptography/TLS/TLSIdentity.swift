import COpenSSL
import Codec

/// A node's TLS key (P-256) with its certificate, which it has signed itself.
///
/// The members' list of pins stands where an authority would: the certificate is only the form in which TLS
/// carries a key. Whoever keeps `privateKeyPEM` in a file makes it readable by its owner alone.
package struct TLSIdentity: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    package let certificate: TLSCertificate
    package let certificatePEM: String
    package let privateKeyPEM: String

    package var pin: TLSPin { certificate.pin }

    /// The name and the pin: what is printed ends up in logs, which a key must not.
    package var description: String { "\(certificate.commonName) \(pin)" }
    package var customMirror: Mirror { Mirror(self, children: ["pin": pin.description]) }

    /// Reads what was kept.
    ///
    /// - Throws: `crypto.malformed` where either is not PEM (encrypted keys are not read),
    ///   `crypto.invalid_key` where the key is not the certificate's.
    package init(certificatePEM: String, privateKeyPEM: String) throws(CryptographyError) {
        certificate = try TLSCertificate(pem: certificatePEM)
        let key = OpenSSLText.read(privateKeyPEM) { millwright_read_key($0) }
        guard let key else { throw CryptographyError(.malformed) }
        defer { EVP_PKEY_free(key) }
        let isPair = OpenSSLText.read(certificatePEM) { bio in
            millwright_read_certificate(bio).map { parsed in
                defer { X509_free(parsed) }
                return X509_check_private_key(parsed, key) == 1
            }
        }
        guard isPair == true else { throw CryptographyError(.invalidKey) }
        (self.certificatePEM, self.privateKeyPEM) = (certificatePEM, privateKeyPEM)
    }

    /// Makes a key and its certificate.
    ///
    /// - Parameters:
    ///   - commonName: 1 to 64 characters (RFC 5280, ub-common-name).
    ///   - hosts: DNS names and numeric addresses under which the node is reached; they go into the
    ///     subjectAltName, for people and tools that look there.
    ///   - notBeforeSeconds: since 1970-01-01 UTC, as `notAfterSeconds`. Range to the year 9999.
    /// - Throws: `crypto.malformed` where a name, a host or a date does not fit into a certificate.
    package static func generate(
        commonName: String, hosts: [String], notBeforeSeconds: Int64, notAfterSeconds: Int64
    ) throws(CryptographyError) -> TLSIdentity {
        guard let key = millwright_p256_key() else { preconditionFailure("no memory for a key") }
        defer { EVP_PKEY_free(key) }
        return try signed(key, commonName, hosts, notBeforeSeconds, notAfterSeconds)
    }

    /// The same key, and so the same pin, with a new certificate: nobody has to be told.
    ///
    /// - Throws: as `generate`.
    package func renewed(
        hosts: [String], notBeforeSeconds: Int64, notAfterSeconds: Int64
    ) throws(CryptographyError) -> TLSIdentity {
        let key = OpenSSLText.read(privateKeyPEM) { millwright_read_key($0) }
        guard let key else { throw CryptographyError(.malformed) }
        defer { EVP_PKEY_free(key) }
        return try TLSIdentity.signed(
            key, certificate.commonName, hosts, notBeforeSeconds, notAfterSeconds)
    }

    private static func signed(
        _ key: OpaquePointer, _ commonName: String, _ hosts: [String], _ notBefore: Int64, _ notAfter: Int64
    ) throws(CryptographyError) -> TLSIdentity {
        let dates = Int64(0)...253_402_300_799
        guard dates.contains(notBefore), dates.contains(notAfter), notBefore < notAfter,
            (1...64).contains(commonName.unicodeScalars.count), !commonName.utf8.contains(0)
        else { throw CryptographyError(.malformed) }
        guard let certificate = X509_new() else { preconditionFailure("no memory for a certificate") }
        defer {
            X509_free(certificate)
            ERR_clear_error()
        }
        // Twenty bytes at most, positive (RFC 5280 §4.1.2.2).
        var serial = SecureRandom.bytes(16)
        serial[0] = serial[0] & 0x7F | 0x40
        guard let number = BN_bin2bn(serial, Int32(serial.count), nil) else {
            preconditionFailure("no memory for a number")
        }
        defer { BN_free(number) }
        let name = X509_get_subject_name(certificate)
        let utf8 = Array(commonName.utf8)
        let isMade =
            X509_set_version(certificate, 2) == 1
            && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nil
            && ASN1_TIME_set(X509_getm_notBefore(certificate), time_t(notBefore)) != nil
            && ASN1_TIME_set(X509_getm_notAfter(certificate), time_t(notAfter)) != nil
            && X509_NAME_add_entry_by_NID(
                name, NID_commonName, MBSTRING_UTF8, utf8, Int32(utf8.count), -1, 0) == 1
            && X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1
            && millwright_add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") == 1
            && millwright_add_extension(certificate, NID_key_usage, "critical,digitalSignature") == 1
            && millwright_add_extension(certificate, NID_ext_key_usage, "serverAuth,clientAuth") == 1
        guard isMade else { throw CryptographyError(.malformed) }
        if !hosts.isEmpty {
            var names: [String] = []
            for host in hosts { names.append(try alternativeName(host)) }
            guard
                millwright_add_extension(
                    certificate, NID_subject_alt_name, names.joined(separator: ",")) == 1
            else { throw CryptographyError(.malformed) }
        }
        guard X509_sign(certificate, key, EVP_sha256()) > 0,
            let certificatePEM = OpenSSLText.write({ PEM_write_bio_X509($0, certificate) }),
            let privateKeyPEM = OpenSSLText.write({
                PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil)
            })
        else { preconditionFailure("OpenSSL could not sign a certificate") }
        return try TLSIdentity(certificatePEM: certificatePEM, privateKeyPEM: privateKeyPEM)
    }

    /// A host in OpenSSL's configuration syntax, of which it may hold no sign.
    private static func alternativeName(_ host: String) throws(CryptographyError) -> String {
        let isName = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        let isAddress = host.contains(":") || !host.contains { $0 != "." && !$0.isNumber }
        let isIPv6 = host.contains(":") && host.allSatisfy { $0 == ":" || $0 == "." || $0.isHexDigit }
        guard !host.isEmpty, host.utf8.count <= 253, isName || isIPv6 else {
            throw CryptographyError(.malformed)
        }
        return (isAddress ? "IP:" : "DNS:") + host
    }
}
