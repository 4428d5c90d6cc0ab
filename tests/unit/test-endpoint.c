/* SPDX-License-Identifier: Apache-2.0 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/endpoint.h"

#define TEN      "0123456789"
#define LABEL_63 "a23456789-" TEN TEN TEN TEN TEN "123"
#define PATH_107 "/" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "abcdef"
#define HOST_253 LABEL_63 "." LABEL_63 "." LABEL_63 ".b" TEN TEN TEN TEN TEN TEN

static void reads_endpoints(void **state) {
        static const struct {
                const char *text;
                Endpoint endpoint;
        } cases[] = {
                { "unix:///run/docker.sock", { .kind = ENDPOINT_UNIX, .path = "/run/docker.sock" } },
                { "unix:///a", { .kind = ENDPOINT_UNIX, .path = "/a" } },
                { "unix:///with space/and=sign;",
                                { .kind = ENDPOINT_UNIX, .path = "/with space/and=sign;" } },
                { "unix:///gr\xc3\xbc\xc3\x9f\x65",
                                { .kind = ENDPOINT_UNIX, .path = "/gr\xc3\xbc\xc3\x9f\x65" } },
                { "unix:////x/../y", { .kind = ENDPOINT_UNIX, .path = "//x/../y" } },
                { "unix://" PATH_107, { .kind = ENDPOINT_UNIX, .path = PATH_107 } },
                { "tcp://localhost:2375", { .kind = ENDPOINT_TCP, .host = "localhost", .port = 2375 } },
                { "tcp://LocalHost:1", { .kind = ENDPOINT_TCP, .host = "LocalHost", .port = 1 } },
                { "tcp://127.0.0.1:65535", { .kind = ENDPOINT_TCP, .host = "127.0.0.1", .port = 65535 } },
                { "tcp://127.255.0.7:80", { .kind = ENDPOINT_TCP, .host = "127.255.0.7", .port = 80 } },
                { "tcp://[::1]:2375", { .kind = ENDPOINT_TCP, .host = "::1", .port = 2375 } },
                { "tcp://[0:0:0:0:0:0:0:1]:2375",
                                { .kind = ENDPOINT_TCP, .host = "0:0:0:0:0:0:0:1", .port = 2375 } },
                { "tcp://host:002375",
                                { .kind = ENDPOINT_TCP, .host = "host", .port = 2375, .remote = true } },
                { "tcp://10.0.0.1:2375",
                                { .kind = ENDPOINT_TCP, .host = "10.0.0.1", .port = 2375, .remote = true } },
                { "tcp://128.0.0.1:2375", { .kind = ENDPOINT_TCP,
                                                          .host = "128.0.0.1",
                                                          .port = 2375,
                                                          .remote = true } },
                { "tcp://126.255.255.255:2375", { .kind = ENDPOINT_TCP,
                                                                .host = "126.255.255.255",
                                                                .port = 2375,
                                                                .remote = true } },
                { "tcp://[fe80::1]:2375",
                                { .kind = ENDPOINT_TCP, .host = "fe80::1", .port = 2375, .remote = true } },
                { "tcp://[::]:2375", { .kind = ENDPOINT_TCP, .host = "::", .port = 2375, .remote = true } },
                { "tcp://node-1.example_x.org:2375", { .kind = ENDPOINT_TCP,
                                                                     .host = "node-1.example_x.org",
                                                                     .port = 2375,
                                                                     .remote = true } },
                { "tcp://localhost.example.org:2375", { .kind = ENDPOINT_TCP,
                                                                      .host = "localhost.example.org",
                                                                      .port = 2375,
                                                                      .remote = true } },
                { "tcp://1.2.3.4.example:2375", { .kind = ENDPOINT_TCP,
                                                                .host = "1.2.3.4.example",
                                                                .port = 2375,
                                                                .remote = true } },
                { "tcp://" HOST_253 ":65535",
                                { .kind = ENDPOINT_TCP, .host = HOST_253, .port = 65535, .remote = true } },
        };

        (void)state;
        assert_int_equal(strlen(PATH_107), ENDPOINT_PATH_MAX);
        assert_int_equal(strlen(HOST_253), ENDPOINT_HOST_MAX);

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                const Endpoint *wanted = &cases[i].endpoint;
                const char *what = NULL;
                Endpoint e;

                memset(&e, 0xff, sizeof(e));
                if (endpoint_parse(cases[i].text, &e, &what) != 0)
                        fail_msg("'%s' %s", cases[i].text, what);
                assert_null(what);
                assert_int_equal(e.kind, wanted->kind);
                assert_string_equal(e.path, wanted->path);
                assert_string_equal(e.host, wanted->host);
                assert_int_equal(e.port, wanted->port);
                if (e.remote != wanted->remote)
                        fail_msg("'%s' is taken for %s", cases[i].text, e.remote ? "remote" : "local");
        }
}

static void refuses_others(void **state) {
        static const struct {
                const char *text, *what;
        } cases[] = {
                { "", "begins with neither" },
                { "/run/docker.sock", "begins with neither" },
                { "http://localhost:2375", "begins with neither" },
                { "ssh://host", "begins with neither" },
                { "UNIX:///run/docker.sock", "begins with neither" },
                { " unix:///run/docker.sock", "begins with neither" },
                { "unix:/run/docker.sock", "begins with neither" },
                { "unix://", "not absolute" },
                { "unix://run/docker.sock", "not absolute" },
                { "unix://@abstract", "not absolute" },
                { "unix:///", "directory" },
                { "unix:///run/", "directory" },
                { "unix:///run/docker.sock ", "ends with a space" },
                { "unix:///run/\tdocker.sock", "unprintable" },
                { "unix:///run/docker.sock\n[Retention]", "unprintable" },
                { "unix:///run/\x1b[2J", "unprintable" },
                { "unix:///run/\xff", "unprintable" },
                { "unix:///run/\xc2\x85", "unprintable" },
                { "unix://" PATH_107 "x", "too long" },
                { "tcp://", "no host" },
                { "tcp://:2375", "no host" },
                { "tcp://[]:2375", "no host" },
                { "tcp://host", "no port" },
                { "tcp://[::1]", "no port" },
                { "tcp://host:", "port that is not a number" },
                { "tcp://[::1]:", "port that is not a number" },
                { "tcp://host:x", "port that is not a number" },
                { "tcp://host:+1", "port that is not a number" },
                { "tcp://host:-1", "port that is not a number" },
                { "tcp://host: 1", "port that is not a number" },
                { "tcp://host:1 ", "port that is not a number" },
                { "tcp://host:1/", "port that is not a number" },
                { "tcp://host:0", "between 1 and 65535" },
                { "tcp://host:65536", "between 1 and 65535" },
                { "tcp://host:4294967297", "between 1 and 65535" },
                { "tcp://host:18446744073709551617", "between 1 and 65535" },
                { "tcp://[::1]2375", "other than a port" },
                { "tcp://[::1]x:2375", "other than a port" },
                { "tcp://[::1", "not closed" },
                { "tcp://::1:2375", "no host" },
                { "tcp://fe80::1:2375", "in brackets" },
                { "tcp://host:1:2", "in brackets" },
                { "tcp://[host]:2375", "not an IPv6 address" },
                { "tcp://[127.0.0.1]:2375", "not an IPv6 address" },
                { "tcp://[fe80::1%eth0]:2375", "not an IPv6 address" },
                { "tcp://[:::1]:2375", "not an IPv6 address" },
                { "tcp://user@host:2375", "neither a name nor an address" },
                { "tcp://ho st:2375", "neither a name nor an address" },
                { "tcp://host.:2375", "neither a name nor an address" },
                { "tcp://.host:2375", "neither a name nor an address" },
                { "tcp://a..b:2375", "neither a name nor an address" },
                { "tcp://h\xc3\xb6st:2375", "neither a name nor an address" },
                { "tcp://ho/st:2375", "neither a name nor an address" },
                { "tcp://" LABEL_63 "x:2375", "neither a name nor an address" },
                { "tcp://" HOST_253 "x:2375", "too long" },
                /* what getaddrinfo(3) would take for an address */
                { "tcp://127.1:2375", "not a whole IPv4 address" },
                { "tcp://2130706433:2375", "not a whole IPv4 address" },
                { "tcp://0x7f000001:2375", "not a whole IPv4 address" },
                { "tcp://127.0.0.0x1:2375", "not a whole IPv4 address" },
                { "tcp://127.0.0.01:2375", "not a whole IPv4 address" },
                { "tcp://127.0.0.256:2375", "not a whole IPv4 address" },
                { "tcp://127.0.0.1.1:2375", "not a whole IPv4 address" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                const char *what = "";
                Endpoint e, before;

                memset(&e, 0x5a, sizeof(e));
                before = e;
                if (endpoint_parse(cases[i].text, &e, &what) != -EINVAL || !strstr(what, cases[i].what))
                        fail_msg("'%s' %s", cases[i].text, what);
                assert_memory_equal(&e, &before, sizeof(e));
                assert_int_equal(endpoint_parse(cases[i].text, &e, NULL), -EINVAL);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_endpoints),
                cmocka_unit_test(refuses_others),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
