/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_ENDPOINT_H
#define REAPERD_CORE_ENDPOINT_H

/*
 * Where the engine listens: unix:///absolute/path or tcp://host:port. Whether it is another machine matters
 * beyond the connection: this machine's memory then says nothing about the engine's.
 */

#include <stdbool.h>
#include <stdint.h>

typedef enum EndpointKind {
        ENDPOINT_UNIX,
        ENDPOINT_TCP,
} EndpointKind;

#define ENDPOINT_PATH_MAX 107 /* sun_path without its NUL, see unix(7) */
#define ENDPOINT_HOST_MAX 253

typedef struct Endpoint {
        EndpointKind kind;
        char path[ENDPOINT_PATH_MAX + 1]; /* unix: absolute, printable UTF-8; empty else */
        char host[ENDPOINT_HOST_MAX + 1]; /* tcp: name, IPv4, or IPv6 without brackets; empty else */
        uint16_t port;                    /* tcp: 1 to 65535; 0 else */
        bool remote;                      /* tcp to a host that is not localhost, 127.0.0.0/8 or ::1 */
} Endpoint;

/* Reads "unix:///path" or "tcp://host:port" ("tcp://[::1]:2375" for IPv6). A host that could be taken for
 * an old spelling of an IPv4 address ("127.1", "0x7f000001") is refused: nobody could tell whether it is
 * remote. Returns 0, or -EINVAL with *ret_what (if wanted) a static text of what is wrong, to stand
 * behind the endpoint: "has no port". */
int endpoint_parse(const char *text, Endpoint *ret, const char **ret_what);

#endif
