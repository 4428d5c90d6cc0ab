/* SPDX-License-Identifier: Apache-2.0 */

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
#include "base/size.h"
#include "base/time-span.h"
#include "core/settings.h"

static void the_table_is_sound(void **state) {
        (void)state;

        for (SettingId id = 0; id < _SETTING_MAX; id++) {
                const SettingInfo *info = setting_info(id), *before = id > 0 ? setting_info(id - 1) : NULL;
                char low[TIME_SPAN_TEXT_MAX], high[TIME_SPAN_TEXT_MAX], range[256] = "";

                assert_int_equal(setting_find(info->section, info->key), id);
                assert_true(setting_section_exists(info->section));
                /* the room of the search for the nearest name */
                assert_in_range(strlen(info->section), 1, 31);
                assert_in_range(strlen(info->key), 1, 31);
                assert_true(strlen(info->help) > 10);
                assert_int_equal(info->help[strlen(info->help) - 1], '.');

                /* sections are in one piece */
                if (before && strcmp(before->section, info->section) != 0)
                        for (SettingId other = 0; other < id; other++)
                                assert_string_not_equal(setting_info(other)->section, info->section);

                switch (info->type) {
                case SETTING_TYPE_SPAN:
                        snprintf(range, sizeof(range), "%s to %s",
                                        time_span_format(low, sizeof(low), info->min, 1),
                                        time_span_format(high, sizeof(high), info->max, 1));
                        break;
                case SETTING_TYPE_COUNT:
                        snprintf(range, sizeof(range), "%u to %u%s", (unsigned)info->min,
                                        (unsigned)info->max, info->or_infinity ? ", or infinity" : "");
                        assert_true(info->max < COUNT_INFINITY);
                        break;
                case SETTING_TYPE_CHOICE:
                        for (size_t i = 0; info->choices[i]; i++) {
                                strcat(range, i == 0 ? "" : info->choices[i + 1] ? ", " : " or ");
                                strcat(range, info->choices[i]);
                        }
                        break;
                case SETTING_TYPE_BOOLEAN:
                        strcpy(range, "yes or no");
                        break;
                case SETTING_TYPE_ENDPOINT:
                        strcpy(range, "unix:///absolute/path or tcp://host:port");
                        break;
                case SETTING_TYPE_SHARE:
                        snprintf(range, sizeof(range), "%s to %s%s", share_format(low, (unsigned)info->min),
                                        share_format(high, (unsigned)info->max),
                                        info->or_off ? ", or off" : "");
                        assert_true(info->max <= SHARE_ALL);
                        break;
                case SETTING_TYPE_SIZE:
                        snprintf(range, sizeof(range), "%s to %s", size_format(low, info->min),
                                        size_format(high, info->max));
                        break;
                case SETTING_TYPE_STALL:
                        strcpy(range, "some or full THRESHOLD/WINDOW with a window of 500ms to 10s, or off");
                        break;
                case SETTING_TYPE_PATH:
                        strcpy(range, info->or_off ? "/absolute/path, or off" : "/absolute/path");
                        break;
                }
                assert_string_equal(info->accepted, range);

                if (info->follows != _SETTING_INVALID) {
                        assert_string_equal(info->default_text, "");
                        assert_int_equal(setting_info(info->follows)->follows, _SETTING_INVALID);
                        assert_int_equal(setting_info(info->follows)->type, info->type);
                        /* only of these there is something to follow; a rule's are all spans */
                        assert_true(info->type == SETTING_TYPE_SPAN || info->type == SETTING_TYPE_SHARE);
                        assert_true(info->type == SETTING_TYPE_SPAN || !info->per_container);
                        assert_true(info->min == setting_info(info->follows)->min);
                        assert_true(info->max == setting_info(info->follows)->max);
                        /* it may be off only because the other is */
                        assert_false(info->or_off);
                } else
                        assert_string_not_equal(info->default_text, "");

                assert_true(info->distance == 0 ||
                                (info->follows != _SETTING_INVALID && info->type == SETTING_TYPE_SHARE));
                assert_true(!info->or_off || info->type == SETTING_TYPE_SHARE ||
                                info->type == SETTING_TYPE_PATH);
                assert_true(!info->or_infinity || info->type == SETTING_TYPE_COUNT);

                /* what rules may set lies in the part of which each has its own */
                assert_int_equal(info->per_container,
                                info->offset >= offsetof(Settings, retention) &&
                                                info->offset < offsetof(Settings, retention) +
                                                                                sizeof(Retention));
                if (info->per_container)
                        assert_int_equal(setting_find_per_container(info->key), id);
                else if (id != SETTING_PRESSURE_MINIMUM_AGE) /* its name is that of one of [Retention] */
                        assert_int_equal(setting_find_per_container(info->key), _SETTING_INVALID);

                /* every row has a place of its own */
                for (SettingId other = 0; other < id; other++)
                        assert_int_not_equal(setting_info(other)->offset, info->offset);
        }
}

static void names_are_found(void **state) {
        (void)state;

        assert_int_equal(setting_find("Engine", "Endpoint"), SETTING_ENDPOINT);
        assert_int_equal(setting_find("Reaper", "QuarantineAfter"), SETTING_QUARANTINE_AFTER);
        assert_int_equal(setting_find("Engine", "endpoint"), _SETTING_INVALID);
        assert_int_equal(setting_find("engine", "Endpoint"), _SETTING_INVALID);
        assert_int_equal(setting_find("Retention", "Endpoint"), _SETTING_INVALID);
        assert_int_equal(setting_find("", ""), _SETTING_INVALID);
        assert_int_equal(setting_find("Engine", "EndpointX"), _SETTING_INVALID);
        assert_int_equal(setting_find("Retention", "MinimumAge"), SETTING_MINIMUM_AGE);
        assert_int_equal(setting_find("Pressure", "MinimumAge"), SETTING_PRESSURE_MINIMUM_AGE);
        assert_int_equal(setting_find("Disk", "MinimumAge"), _SETTING_INVALID);
        assert_int_equal(setting_find("Disk", "MemoryUsedHigh"), _SETTING_INVALID);
        assert_int_equal(setting_find("Pressure", "UsedHigh"), _SETTING_INVALID);
        assert_int_equal(setting_find_per_container("MinimumAge"), SETTING_MINIMUM_AGE);
        assert_int_equal(setting_find_per_container("CoolDown"), _SETTING_INVALID);
        assert_true(setting_section_exists("Retention"));
        assert_false(setting_section_exists("retention"));
        assert_false(setting_section_exists(""));
}

static void nearest_names_are_suggested(void **state) {
        static const struct {
                const char *section, *nearest;
        } sections[] = {
                { "engine", "Engine" },
                { " Engine", "Engine" },
                { "Engines", "Engine" },
                { "Retenton", "Retention" },
                { "Raeper", "Reaper" },
                { "Label", "Labels" },
                { "Rule", "Rule NAME" },
                { "rule x", "Rule NAME" },
                { "Rules of some length", "Rule NAME" },
                { "Rtn", NULL },
                { "", NULL },
                { "pressure", "Pressure" },
                { "Memory", NULL },
                { "Disc", "Disk" },
                { "Metric", "Metrics" },
                { "Bogus", NULL },
                { "Something entirely different that is long", NULL },
        };
        static const struct {
                const char *section, *key, *nearest, *in;
        } keys[] = {
                { "Retention", "Sucess", "Success", "Retention" },
                { "Retention", "success", "Success", "Retention" },
                { "Retention", "OomKill", "OOMKilled", "Retention" },
                { "Retention", "Volumes", "RemoveVolumes", "Retention" },
                { "Engine", "Timeout", "RequestTimeout", "Engine" },
                { "Engine", "Success", "Success", "Retention" },
                { "Reaper", "Endpiont", "Endpoint", "Engine" },
                { "Reaper", "RetryMin", "RetryMax", "Reaper" },
                { "Reaper", "RetryInital", "RetryInitial", "Reaper" },
                /* the nearest, wherever it stands; of one name, that of its own section */
                { "Pressure", "UsedHigh", "UsedHigh", "Disk" },
                { "Disk", "InodeHigh", "InodesHigh", "Disk" },
                { "Disk", "MemoryUsedHgh", "MemoryUsedHigh", "Pressure" },
                { "Pressure", "MemoryAvailable", "MemoryAvailableLow", "Pressure" },
                { "Pressure", "MinimalAge", "MinimumAge", "Pressure" },
                { "Retention", "MinimalAge", "MinimumAge", "Retention" },
                { "Pressure", "Cooldown", "CoolDown", "Pressure" },
                { "Reaper", "Batchsize", "BatchSize", "Pressure" },
                { "Metrics", "Textfile", "TextFile", "Metrics" },
                { "Pressure", "TextFiles", "TextFile", "Metrics" },
                /* as near to both: its own section's comes first */
                { "Engine", "Endpcess", "Endpoint", "Engine" },
                { "Retention", "Endpcess", "Success", "Retention" },
                { "Reaper", "xyzzy", NULL, NULL },
                { "Reaper", "", NULL, NULL },
        };
        char longest[1000];

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(sections); i++) {
                const char *nearest = setting_nearest_section(sections[i].section);

                if (sections[i].nearest)
                        assert_string_equal(nearest, sections[i].nearest);
                else
                        assert_null(nearest);
        }

        for (size_t i = 0; i < ELEMENTS_OF(keys); i++) {
                const char *in = NULL, *nearest = setting_nearest_key(keys[i].section, keys[i].key, &in);

                if (keys[i].nearest) {
                        assert_string_equal(nearest, keys[i].nearest);
                        assert_string_equal(in, keys[i].in);
                        assert_string_equal(
                                        setting_nearest_key(keys[i].section, keys[i].key, NULL), nearest);
                } else {
                        assert_null(nearest);
                        assert_null(in);
                }
        }

        memset(longest, 'e', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = '\0';
        assert_null(setting_nearest_section(longest));
        assert_null(setting_nearest_key("Engine", longest, NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_table_is_sound),
                cmocka_unit_test(names_are_found),
                cmocka_unit_test(nearest_names_are_suggested),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
