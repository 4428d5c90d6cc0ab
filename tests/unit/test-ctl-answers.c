/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl-fixture.h"
#include "ctl/answers.h"

typedef struct Row {
        uint64_t number;
        char letter;
} Row;

static void rows_stay_in_order_while_there_are_more(void **state) {
        _cleanup_answers_ Answers a = { .row_size = sizeof(Row) };
        const Row *rows;

        (void)state;
        for (uint64_t i = 0; i < 1000; i++)
                assert_int_equal(answers_add(&a, &(Row){ .number = i, .letter = (char)('a' + i % 26) }), 0);
        assert_int_equal(a.n, 1000);
        rows = a.rows;
        for (uint64_t i = 0; i < 1000; i++) {
                assert_int_equal(rows[i].number, i);
                assert_int_equal(rows[i].letter, 'a' + i % 26);
        }

        answers_done(&a);
        assert_int_equal(a.n, 0);
        assert_int_equal(answers_add(&a, &(Row){ .number = 7 }), 0);
        assert_int_equal(((const Row *)a.rows)->number, 7);
}

static void no_more_than_can_be_are_believed(void **state) {
        _cleanup_answers_ Answers a = { .row_size = sizeof(char) };

        (void)state;
        for (size_t i = 0; i < ANSWERS_ROWS_MAX; i++)
                if (answers_add(&a, "x") != 0)
                        fail_msg("row %zu is refused", i);
        assert_int_equal(answers_add(&a, "y"), -EFBIG);
        assert_int_equal(a.n, ANSWERS_ROWS_MAX);
}

static void messages_are_kept_until_the_end(void **state) {
        enum { MESSAGES = 100 };
        Answers a = { .row_size = sizeof(Row) };
        sd_bus_message *messages[MESSAGES];
        sd_bus *bus = NULL;
        int fds[2];

        (void)state;
        /* A bus that has been begun makes messages; nobody needs to be at its other end. */
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(sd_bus_new(&bus), 0);
        assert_int_equal(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
        assert_true(sd_bus_start(bus) >= 0);

        for (size_t i = 0; i < MESSAGES; i++) {
                assert_true(sd_bus_message_new_signal(bus, &messages[i], "/", "a.b", "C") >= 0);
                assert_int_equal(answers_keep(&a, sd_bus_message_ref(messages[i])), 0);
        }
        assert_int_equal(a.n_messages, MESSAGES);
        for (size_t i = 0; i < MESSAGES; i++) {
                assert_ptr_equal(a.messages[i], messages[i]);
                sd_bus_message_unref(messages[i]);
                assert_string_equal(sd_bus_message_get_member(a.messages[i]), "C");
        }
        answers_done(&a);
        assert_int_equal(a.n_messages, 0);

        sd_bus_close(bus);
        sd_bus_unref(bus);
        close(fds[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rows_stay_in_order_while_there_are_more),
                cmocka_unit_test(no_more_than_can_be_are_believed),
                cmocka_unit_test(messages_are_kept_until_the_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
