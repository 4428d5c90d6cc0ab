/* SPDX-License-Identifier: Apache-2.0 */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "core/endpoint.h"

#define DIGITS      "0123456789"
#define LETTERS     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LABEL_BYTES LETTERS DIGITS "-_"
#define LABEL_MAX   63

/* Each of these returns NULL, or what is wrong. */

static const char *unix_read(const char *path, Endpoint *e) {
        size_t n = strlen(path);

        if (path[0] != '/')
                return "has a path that is not absolute (unix:///path has three slashes)";
        if (n > ENDPOINT_PATH_MAX)
                return "has a path that is too long for a socket (107 bytes)";
        if (path[n - 1] == '/')
                return "names a directory, not a socket";
        if (path[n - 1] == ' ')
                return "ends with a space";
        if (!utf8_is_printable(path))
                return "has a path with unprintable characters";

        e->kind = ENDPOINT_UNIX;
        memcpy(e->path, path, n + 1);
        return NULL;
}

static const char *port_read(const char *text, uint16_t *ret) {
        unsigned port = 0;
        size_t n = strlen(text);

        if (n == 0 || strspn(text, DIGITS) != n)
                return "has a port that is not a number";
        for (size_t i = 0; i < n && port <= UINT16_MAX; i++)
                port = port * 10 + (unsigned)(text[i] - '0');
        if (port == 0 || port > UINT16_MAX)
                return "has a port that is not between 1 and 65535";

        *ret = (uint16_t)port;
        return NULL;
}

static const char *ipv6_read(Endpoint *e) {
        struct in6_addr address;

        if (inet_pton(AF_INET6, e->host, &address) != 1)
                return "has brackets around something that is not an IPv6 address";

        e->remote = !IN6_IS_ADDR_LOOPBACK(&address);
        return NULL;
}

/* A host whose last label is a number is an address or a mistake, never a name: getaddrinfo(3) would take
 * "127.1", "2130706433" and "0x7f.1" for addresses of this machine. */
static bool looks_like_ipv4(const char *host) {
        const char *dot = strrchr(host, '.'), *label = dot ? dot + 1 : host;

        return label[strspn(label, DIGITS)] == '\0' || strncasecmp(label, "0x", 2) == 0;
}

static const char *name_read(Endpoint *e) {
        struct in_addr address;

        for (const char *label = e->host;; label++) {
                size_t n = strspn(label, LABEL_BYTES);

                if (n == 0 || n > LABEL_MAX || (label[n] != '\0' && label[n] != '.'))
                        return "has a host that is neither a name nor an address";
                label += n;
                if (*label == '\0')
                        break;
        }

        if (looks_like_ipv4(e->host)) {
                if (inet_pton(AF_INET, e->host, &address) != 1)
                        return "has a host that is not a whole IPv4 address";
                e->remote = ntohl(address.s_addr) >> 24 != IN_LOOPBACKNET;
        } else
                e->remote = strcasecmp(e->host, "localhost") != 0;

        return NULL;
}

static const char *tcp_read(const char *text, Endpoint *e) {
        bool bracket = text[0] == '[';
        const char *host = bracket ? text + 1 : text, *end, *what;
        size_t n;

        end = strchr(host, bracket ? ']' : ':');
        if (bracket && !end)
                return "has a bracket that is not closed";
        n = end ? (size_t)(end - host) : strlen(host);
        if (n == 0)
                return "has no host";
        if (bracket)
                end++;
        if (!end || *end == '\0')
                return "has no port";
        if (*end != ':')
                return "has something other than a port behind the host";
        if (!bracket && strchr(end + 1, ':'))
                return "has more than one colon (an IPv6 address stands in brackets)";
        if (n > ENDPOINT_HOST_MAX)
                return "has a host that is too long (253 bytes)";

        e->kind = ENDPOINT_TCP;
        memcpy(e->host, host, n);

        what = port_read(end + 1, &e->port);
        if (what)
                return what;
        return bracket ? ipv6_read(e) : name_read(e);
}

int endpoint_parse(const char *text, Endpoint *ret, const char **ret_what) {
        Endpoint e = {};
        const char *what;

        if (strncmp(text, "unix://", 7) == 0)
                what = unix_read(text + 7, &e);
        else if (strncmp(text, "tcp://", 6) == 0)
                what = tcp_read(text + 6, &e);
        else
                what = "begins with neither unix:// nor tcp://";

        if (what) {
                if (ret_what)
                        *ret_what = what;
                return -EINVAL;
        }

        *ret = e;
        return 0;
}
