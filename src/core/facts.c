/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words and numbers that the engine's answers are made of. A word that this version does not know
 * becomes UNKNOWN and never an error: engines newer than this program must not stop it, and unknown is the
 * careful value.
 */

#include "core/facts.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

/* Long before `unsigned` overflows; no API version has more digits than this. */
#define VERSION_DIGITS_MAX 6

static const char *const state_names[_CONTAINER_STATE_MAX] = {
        [CONTAINER_STATE_UNKNOWN] = "unknown",
        [CONTAINER_CREATED] = "created",
        [CONTAINER_RUNNING] = "running",
        [CONTAINER_PAUSED] = "paused",
        [CONTAINER_RESTARTING] = "restarting",
        [CONTAINER_REMOVING] = "removing",
        [CONTAINER_EXITED] = "exited",
        [CONTAINER_DEAD] = "dead",
};

static const char *const action_names[_EVENT_ACTION_MAX] = {
        [EVENT_OTHER] = "other",
        [EVENT_CREATE] = "create",
        [EVENT_START] = "start",
        [EVENT_KILL] = "kill",
        [EVENT_STOP] = "stop",
        [EVENT_DIE] = "die",
        [EVENT_DESTROY] = "destroy",
        [EVENT_RENAME] = "rename",
};

static const char *const swarm_names[_SWARM_STATE_MAX] = {
        [SWARM_STATE_UNKNOWN] = "unknown",
        [SWARM_INACTIVE] = "inactive",
        [SWARM_PENDING] = "pending",
        [SWARM_ACTIVE] = "active",
        [SWARM_ERROR] = "error",
        [SWARM_LOCKED] = "locked",
};

/* Entry 0 of each table is its "not known" value. */
static size_t name_lookup(const char *const *names, size_t n, const char *name) {
        if (!name)
                return 0;

        for (size_t i = 1; i < n; i++)
                if (strcmp(names[i], name) == 0)
                        return i;
        return 0;
}

static const char *name_of(const char *const *names, size_t n, size_t value) {
        return names[value < n ? value : 0];
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return -EINVAL;
}

int container_id_parse(const char *hex, ContainerId *ret) {
        ContainerId id;

        /* The NUL of a short text is no digit, so nothing behind it is read. */
        for (size_t i = 0; i < sizeof(id.bytes); i++) {
                int high, low;

                high = hex_digit(hex[2 * i]);
                if (high < 0)
                        return high;
                low = hex_digit(hex[2 * i + 1]);
                if (low < 0)
                        return low;
                id.bytes[i] = (uint8_t)(high << 4 | low);
        }
        if (hex[2 * sizeof(id.bytes)] != '\0')
                return -EINVAL;

        *ret = id;
        return 0;
}

char *container_id_format(const ContainerId *id, char *buf) {
        static const char digits[] = "0123456789abcdef";
        char *p = buf;

        for (size_t i = 0; i < sizeof(id->bytes); i++) {
                *p++ = digits[id->bytes[i] >> 4];
                *p++ = digits[id->bytes[i] & 0xF];
        }
        *p = '\0';
        return buf;
}

ContainerState container_state_from_name(const char *name) {
        return (ContainerState)name_lookup(state_names, ELEMENTS_OF(state_names), name);
}

const char *container_state_name(ContainerState state) {
        return name_of(state_names, ELEMENTS_OF(state_names), (size_t)state);
}

const char *event_action_name(EventAction action) {
        return name_of(action_names, ELEMENTS_OF(action_names), (size_t)action);
}

SwarmState swarm_state_from_name(const char *name) {
        return (SwarmState)name_lookup(swarm_names, ELEMENTS_OF(swarm_names), name);
}

const char *swarm_state_name(SwarmState state) {
        return name_of(swarm_names, ELEMENTS_OF(swarm_names), (size_t)state);
}

/* Reads the digits at *text and moves it behind them. */
static int version_number(const char **text, unsigned *ret) {
        const char *p = *text;
        unsigned value = 0;

        while (*p >= '0' && *p <= '9') {
                if (p - *text >= VERSION_DIGITS_MAX)
                        return -EINVAL;
                value = value * 10 + (unsigned)(*p++ - '0');
        }
        if (p == *text)
                return -EINVAL;

        *text = p;
        *ret = value;
        return 0;
}

int api_version_parse(const char *text, ApiVersion *ret) {
        ApiVersion version;
        int r;

        r = version_number(&text, &version.major);
        if (r < 0)
                return r;
        if (*text++ != '.')
                return -EINVAL;
        r = version_number(&text, &version.minor);
        if (r < 0)
                return r;
        if (*text != '\0')
                return -EINVAL;

        *ret = version;
        return 0;
}

int api_version_compare(ApiVersion a, ApiVersion b) {
        if (a.major != b.major)
                return a.major < b.major ? -1 : 1;
        if (a.minor != b.minor)
                return a.minor < b.minor ? -1 : 1;
        return 0;
}
