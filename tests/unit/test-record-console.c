/* SPDX-License-Identifier: Apache-2.0 */
/* The records about what operators have asked for. */

#include "daemon/record-console.h"
#include "log-capture.h"

static void say_all(void) {
        setenv("TZ", "UTC", 1);
        record_requested(1);
        record_requested(3);
        record_waits_ended();
        record_paused(1795442700 * USEC_PER_SEC, 90 * MINUTE);
        record_resumed();
}

static void test_all(void **state) {
        (void)state;
        run(say_all, THE_JOURNAL);
        assert_string_equal(in_journal,
                        "MESSAGE=Asked to remove 1 container\nPRIORITY=5\nSYSLOG_IDENTIFIER=reaperd\n"
                        "MESSAGE_ID=" MESSAGE_ID_REQUESTED "\nREAPERD_REQUESTED=1\n.\n"
                        "MESSAGE=Asked to remove 3 containers\nPRIORITY=5\nSYSLOG_IDENTIFIER=reaperd\n"
                        "MESSAGE_ID=" MESSAGE_ID_REQUESTED "\nREAPERD_REQUESTED=3\n.\n"
                        "MESSAGE=Asked to remove what is due: the waits of a first start and after a reload "
                        "are "
                        "over\nPRIORITY=5\nSYSLOG_IDENTIFIER=reaperd\nMESSAGE_ID=" MESSAGE_ID_WAITS_ENDED
                        "\n.\n"
                        "MESSAGE=Removals are paused for 1h 30min, until 2026-11-23 14:05:00 "
                        "UTC\nPRIORITY=5\nSYSLOG_IDENTIFIER=reaperd\nMESSAGE_ID=" MESSAGE_ID_PAUSED
                        "\nREAPERD_WAIT_USEC=5400000000\n.\n"
                        "MESSAGE=Removals are no longer "
                        "paused\nPRIORITY=5\nSYSLOG_IDENTIFIER=reaperd\nMESSAGE_ID=" MESSAGE_ID_RESUMED
                        "\n.\n");
        assert_string_equal(on_stderr, "");
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_all) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
