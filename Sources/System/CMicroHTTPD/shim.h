#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* MHD_start_daemon takes a variable list, which Swift does not import. */
static inline struct MHD_Daemon *http_start(
    unsigned int flags, MHD_AccessHandlerCallback handler, void *context, struct MHD_OptionItem *options) {
    return MHD_start_daemon(flags, 0, NULL, NULL, handler, context, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

/* A socket that never waits and that no program started meanwhile gets, from its first moment on where the
   system can do that. */
static inline int http_socket(const struct addrinfo *entry) {
#ifdef SOCK_CLOEXEC
    return socket(entry->ai_family, entry->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, entry->ai_protocol);
#else
    int descriptor = socket(entry->ai_family, entry->ai_socktype, entry->ai_protocol);
    if (descriptor >= 0
        && (fcntl(descriptor, F_SETFD, FD_CLOEXEC) < 0 || fcntl(descriptor, F_SETFL, O_NONBLOCK) < 0)) {
        int failure = errno;
        close(descriptor);
        errno = failure;
        return -1;
    }
    return descriptor;
#endif
}

/* A listening socket on a numeric address or a name; -1 and a message where there is none. */
static inline int http_listen(const char *host, const char *port, int backlog, const char **message) {
    struct addrinfo hints = {0}, *found = NULL;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    int status = getaddrinfo(host, port, &hints, &found);
    if (status != 0) {
        *message = gai_strerror(status);
        return -1;
    }
    int descriptor = -1, failure = EADDRNOTAVAIL;
    for (struct addrinfo *entry = found; entry != NULL && descriptor < 0; entry = entry->ai_next) {
        const int on = 1;
        descriptor = http_socket(entry);
        if (descriptor < 0) {
            failure = errno;
            continue;
        }
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(descriptor, entry->ai_addr, entry->ai_addrlen) < 0 || listen(descriptor, backlog) < 0) {
            failure = errno;
            close(descriptor);
            descriptor = -1;
        }
    }
    freeaddrinfo(found);
    if (descriptor < 0) *message = strerror(failure);
    return descriptor;
}

static inline uint16_t http_local_port(int descriptor) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getsockname(descriptor, (struct sockaddr *)&address, &length) != 0) return 0;
    return ntohs(
        address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                      : ((struct sockaddr_in *)&address)->sin_port);
}

/* Ends a connection in both directions; whoever owns the descriptor notices and closes it. */
static inline void http_shut(int descriptor) { shutdown(descriptor, SHUT_RDWR); }

/* The seconds without a byte after which a connection is closed; 0 for none. Setting it begins anew. */
static inline void http_set_stall_limit(struct MHD_Connection *connection, unsigned int seconds) {
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
    if (seconds > 0) MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, seconds);
}

static inline void *http_connection_context(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

static inline int http_connection_socket(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info == NULL ? -1 : info->connect_fd;
}

static inline gnutls_session_t http_connection_session(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info == NULL ? NULL : (gnutls_session_t)info->tls_session;
}

/* The client's numeric address, without its port. Returns 0 where there is one. */
static inline int http_connection_address(struct MHD_Connection *connection, char *text, size_t count) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == NULL || info->client_addr == NULL) return -1;
    socklen_t length = info->client_addr->sa_family == AF_INET6
        ? (socklen_t)sizeof(struct sockaddr_in6) : (socklen_t)sizeof(struct sockaddr_in);
    return getnameinfo(info->client_addr, length, text, (socklen_t)count, NULL, 0, NI_NUMERICHOST);
}

static inline unsigned int http_open_connections(struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info == NULL ? 0 : info->num_connections;
}

/* Gives a session that has not begun its handshake a certificate of its own, and has it ask for the client's. */
static inline int http_session_prepare(gnutls_session_t session, gnutls_certificate_credentials_t credentials) {
    int status = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
    return status;
}

/* The client's own certificate in DER, valid as long as the session; NULL where it showed none. */
static inline const unsigned char *http_session_peer(gnutls_session_t session, size_t *count) {
    unsigned int number = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &number);
    if (chain == NULL || number == 0) return NULL;
    *count = chain[0].size;
    return chain[0].data;
}

/* Whether the other side has closed or lost the connection, as far as the system knows. */
static inline int http_is_gone(int descriptor) {
#ifdef __linux__
    const short closed = 0x2000; /* POLLRDHUP, which needs _GNU_SOURCE */
#else
    const short closed = 0;
#endif
    struct pollfd item = {descriptor, closed, 0};
    return poll(&item, 1, 0) > 0 && (item.revents & (closed | POLLERR | POLLHUP | POLLNVAL)) != 0;
}

static const ssize_t http_end_of_stream = MHD_CONTENT_READER_END_OF_STREAM;
static const ssize_t http_end_with_error = MHD_CONTENT_READER_END_WITH_ERROR;
static const uint64_t http_size_unknown = MHD_SIZE_UNKNOWN;
