// The block functions of sha.h are deprecated in OpenSSL 3 in favour of EVP but maintained; see
// SHA256.swift for why they are used. Their context is a plain value, so nothing is allocated and nothing
// is shared between threads.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <stddef.h>

static inline void millwright_sha256(const void *bytes, size_t count, unsigned char *digest) {
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, bytes, count);
    SHA256_Final(digest, &context);
}
