// The block functions of sha.h are deprecated in OpenSSL 3 in favour of EVP but maintained; see
// SHA256.swift for why they are used. Their context is a plain value, so nothing is allocated and nothing
// is shared between threads.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stddef.h>

static inline void millwright_sha256(const void *bytes, size_t count, unsigned char *digest) {
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, bytes, count);
    SHA256_Final(digest, &context);
}

// Macros and variable lists, which Swift does not import.
static inline EVP_PKEY *millwright_p256_key(void) { return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"); }

static inline size_t millwright_bio_bytes(BIO *bio, const char **bytes) {
    long count = BIO_get_mem_data(bio, (char **)bytes);
    return count < 0 ? 0 : (size_t)count;
}

// Adds one extension, in OpenSSL's configuration syntax, to a certificate that is its own issuer. Returns 1.
static inline int millwright_add_extension(X509 *certificate, int identifier, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&context);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, identifier, value);
    if (extension == NULL) return 0;
    int added = X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

// Without one, OpenSSL asks the terminal for the passphrase of an encrypted file.
static inline int millwright_no_passphrase(char *buffer, int size, int writing, void *context) {
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

static inline X509 *millwright_read_certificate(BIO *bio) {
    return PEM_read_bio_X509(bio, NULL, millwright_no_passphrase, NULL);
}

static inline EVP_PKEY *millwright_read_key(BIO *bio) {
    return PEM_read_bio_PrivateKey(bio, NULL, millwright_no_passphrase, NULL);
}
