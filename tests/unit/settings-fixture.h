/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TEST_SETTINGS_FIXTURE_H
#define REAPERD_TEST_SETTINGS_FIXTURE_H

/* Settings as they are set one by one. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/share.h"
#include "core/rule-text.h"
#include "core/settings.h"

#define _cleanup_settings_ _cleanup_(settings_done)

static inline void assert_value(const Settings *s, SettingId id, const char *wanted) {
        _cleanup_free_ char *text = settings_format(s, id);

        assert_non_null(text);
        assert_string_equal(text, wanted);
}

static inline void set(Settings *s, SettingId id, const char *text, const char *file, unsigned line) {
        const char *what = "";

        if (settings_set(s, id, text, file, line, &what) != 0)
                fail_msg("%s=%s: %s", setting_info(id)->key, text, what);
}

static inline void resolve(Settings *s) {
        const char *what = NULL;
        SettingId id = _SETTING_INVALID;

        assert_int_equal(settings_resolve(s, &id, &what), 0);
        assert_int_equal(id, _SETTING_INVALID);
        assert_null(what);
}

/* The text is accepted, and written as `formatted`, which reads back. */
static inline void assert_read(SettingId id, const char *text, const char *formatted) {
        _cleanup_settings_ Settings s = {}, again = {};

        assert_int_equal(settings_init(&s), 0);
        set(&s, id, text, "file", 7);
        assert_value(&s, id, formatted);
        assert_string_equal(s.origins[id].file, "file");
        assert_int_equal(s.origins[id].line, 7);
        assert_false(s.origins[id].is_default);

        /* what is written reads back, and nothing else has changed */
        assert_int_equal(settings_init(&again), 0);
        set(&again, id, formatted, NULL, 0);
        for (SettingId other = 0; other < _SETTING_MAX; other++) {
                _cleanup_free_ char *wanted = settings_format(&s, other);

                assert_value(&again, other, wanted);
                if (other != id)
                        assert_true(s.origins[other].is_default);
        }
}

/* The text is not accepted, and changes nothing. `what`: a part of the message. */
static inline void assert_refused(SettingId id, const char *text, int error, const char *what) {
        _cleanup_free_ char *before = NULL;
        _cleanup_settings_ Settings s = {};
        const char *told = "";
        int r;

        assert_int_equal(settings_init(&s), 0);
        before = settings_format(&s, id);

        r = settings_set(&s, id, text, "file", 1, &told);
        if (r != error || !strstr(told, what))
                fail_msg("%s=%s: %i, %s", setting_info(id)->key, text, r, told);

        assert_value(&s, id, before);
        assert_true(s.origins[id].is_default);
        assert_null(s.origins[id].file);
        assert_null(s.files);
        assert_int_equal(settings_set(&s, id, text, NULL, 0, NULL), error);
}

#endif
