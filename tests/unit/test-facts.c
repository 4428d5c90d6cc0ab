/* SPDX-License-Identifier: Apache-2.0 */
/* facts: ids, names and versions, as the engine writes them and in no other way. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "core/facts.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdeffedcba9876543210"

static void test_container_id(void **state __attribute__((unused))) {
        char buf[CONTAINER_ID_HEX_SIZE];
        ContainerId id;

        assert_int_equal(container_id_parse(ID, &id), 0);
        assert_int_equal(id.bytes[0], 0x01);
        assert_int_equal(id.bytes[7], 0xef);
        assert_int_equal(id.bytes[31], 0x10);
        assert_ptr_equal(container_id_format(&id, buf), buf);
        assert_string_equal(buf, ID);
}

static void test_container_id_bad(void **state __attribute__((unused))) {
        static const char *const bad[] = {
                "",
                "0",
                "0123456789ab",
                "0123456789abcdef0123456789abcdef0123456789abcdeffedcba987654321",
                ID "0",
                ID " ",
                " 0123456789abcdef0123456789abcdef0123456789abcdeffedcba987654321",
                "0123456789ABCDEF0123456789abcdef0123456789abcdeffedcba9876543210",
                "0123456789abcdef0123456789abcdeg0123456789abcdeffedcba9876543210",
                "0123456789abcdef0123456789abcdef/123456789abcdeffedcba9876543210",
                "0123456789abcdef0123456789abcdef:123456789abcdeffedcba9876543210",
                "0123456789abcdef0123456789abcdef`123456789abcdeffedcba9876543210",
                "0x23456789abcdef0123456789abcdef0123456789abcdeffedcba9876543210",
                "../..",
        };

        for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
                ContainerId id, untouched;

                memset(&untouched, 0x5a, sizeof(untouched));
                id = untouched;
                assert_int_equal(container_id_parse(bad[i], &id), -EINVAL);
                assert_memory_equal(&id, &untouched, sizeof(id));
        }
}

static void test_container_states(void **state __attribute__((unused))) {
        static const struct {
                const char *name;
                ContainerState state;
        } known[] = {
                { "created", CONTAINER_CREATED },
                { "running", CONTAINER_RUNNING },
                { "paused", CONTAINER_PAUSED },
                { "restarting", CONTAINER_RESTARTING },
                { "removing", CONTAINER_REMOVING },
                { "exited", CONTAINER_EXITED },
                { "dead", CONTAINER_DEAD },
                { "unknown", CONTAINER_STATE_UNKNOWN },
        };

        assert_int_equal(ELEMENTS_OF(known), _CONTAINER_STATE_MAX);
        for (size_t i = 0; i < ELEMENTS_OF(known); i++) {
                assert_int_equal(container_state_from_name(known[i].name), known[i].state);
                assert_string_equal(container_state_name(known[i].state), known[i].name);
        }
        assert_int_equal(container_state_from_name(""), CONTAINER_STATE_UNKNOWN);
        assert_int_equal(container_state_from_name("Exited"), CONTAINER_STATE_UNKNOWN);
        assert_int_equal(container_state_from_name("exited "), CONTAINER_STATE_UNKNOWN);
        assert_int_equal(container_state_from_name("stopping"), CONTAINER_STATE_UNKNOWN);
        assert_int_equal(container_state_from_name(NULL), CONTAINER_STATE_UNKNOWN);
        assert_string_equal(container_state_name(_CONTAINER_STATE_MAX), "unknown");
}

static void test_swarm_states(void **state __attribute__((unused))) {
        static const struct {
                const char *name;
                SwarmState state;
        } known[] = {
                { "inactive", SWARM_INACTIVE },
                { "pending", SWARM_PENDING },
                { "active", SWARM_ACTIVE },
                { "error", SWARM_ERROR },
                { "locked", SWARM_LOCKED },
                { "unknown", SWARM_STATE_UNKNOWN },
        };

        assert_int_equal(ELEMENTS_OF(known), _SWARM_STATE_MAX);
        for (size_t i = 0; i < ELEMENTS_OF(known); i++) {
                assert_int_equal(swarm_state_from_name(known[i].name), known[i].state);
                assert_string_equal(swarm_state_name(known[i].state), known[i].name);
        }
        assert_int_equal(swarm_state_from_name(""), SWARM_STATE_UNKNOWN);
        assert_int_equal(swarm_state_from_name("Active"), SWARM_STATE_UNKNOWN);
        assert_int_equal(swarm_state_from_name(NULL), SWARM_STATE_UNKNOWN);
        assert_string_equal(swarm_state_name(_SWARM_STATE_MAX), "unknown");
}

static void test_event_actions(void **state __attribute__((unused))) {
        static const char *const names[_EVENT_ACTION_MAX] = {
                [EVENT_OTHER] = "other",
                [EVENT_CREATE] = "create",
                [EVENT_START] = "start",
                [EVENT_KILL] = "kill",
                [EVENT_STOP] = "stop",
                [EVENT_DIE] = "die",
                [EVENT_DESTROY] = "destroy",
                [EVENT_RENAME] = "rename",
        };

        for (EventAction a = EVENT_OTHER; a < _EVENT_ACTION_MAX; a++)
                assert_string_equal(event_action_name(a), names[a]);
        assert_string_equal(event_action_name(_EVENT_ACTION_MAX), "other");
}

static void test_api_version(void **state __attribute__((unused))) {
        ApiVersion v = { 7, 8 };

        assert_int_equal(api_version_parse("1.41", &v), 0);
        assert_int_equal(v.major, 1);
        assert_int_equal(v.minor, 41);
        assert_int_equal(api_version_parse("123456.654321", &v), 0);
        assert_int_equal(v.major, 123456);
        assert_int_equal(v.minor, 654321);
        assert_int_equal(api_version_parse("0.0", &v), 0);
        assert_int_equal(v.major, 0);
        assert_int_equal(v.minor, 0);
}

static void test_api_version_bad(void **state __attribute__((unused))) {
        static const char *const bad[] = {
                "",
                ".",
                "1",
                "1.",
                ".1",
                "v1.41",
                "1.41 ",
                " 1.41",
                "1.-1",
                "+1.1",
                "1.4.1",
                "1,41",
                "1.41-rc1",
                "1234567.1",
                "1.1234567",
                "1.99999999999999999999",
                "99999999999999999999.1",
                "0x1.1",
                "1.4a",
        };

        for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
                ApiVersion v = { 7, 8 };

                assert_int_equal(api_version_parse(bad[i], &v), -EINVAL);
                assert_int_equal(v.major, 7);
                assert_int_equal(v.minor, 8);
        }
}

static void test_api_version_compare(void **state __attribute__((unused))) {
        /* In ascending order; 1.9 before 1.10. */
        static const ApiVersion v[] = { { 0, 0 }, { 0, 99 }, { 1, 9 }, { 1, 10 }, { 1, 41 }, { 2, 0 } };

        for (size_t i = 0; i < ELEMENTS_OF(v); i++)
                for (size_t k = 0; k < ELEMENTS_OF(v); k++) {
                        int r = api_version_compare(v[i], v[k]);

                        assert_true(i < k ? r < 0 : i > k ? r > 0 : r == 0);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_container_id),
                cmocka_unit_test(test_container_id_bad),
                cmocka_unit_test(test_container_states),
                cmocka_unit_test(test_swarm_states),
                cmocka_unit_test(test_event_actions),
                cmocka_unit_test(test_api_version),
                cmocka_unit_test(test_api_version_bad),
                cmocka_unit_test(test_api_version_compare),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
