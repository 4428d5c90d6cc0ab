/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "base/cleanup.h"
#include "ctl/journal.h"

/* As in daemon/record.h: stable, so that the console of one version reads what another has written. */
#define MATCH_REMOVED "MESSAGE_ID=891fbc50057d4de08f3b69bb4ede2e62"
#define MATCH_UNIT    "_SYSTEMD_UNIT=reaperd.service"

#define FULL_ID_DIGITS 64

/* The digits of a 64-bit number, and its sign. */
#define NUMBER_MAX 21

static bool parse_unsigned(const char *text, size_t n, uint64_t *ret) {
        char buf[NUMBER_MAX + 1], *end;
        unsigned long long value;

        if (n == 0 || n > NUMBER_MAX || text[0] < '0' || text[0] > '9')
                return false;
        memcpy(buf, text, n);
        buf[n] = '\0';
        errno = 0;
        value = strtoull(buf, &end, 10);
        if (errno != 0 || end != buf + n)
                return false;
        *ret = value;
        return true;
}

static bool parse_signed(const char *text, size_t n, int64_t *ret) {
        bool negative = n > 0 && text[0] == '-';
        uint64_t value;

        if (!parse_unsigned(text + negative, n - negative, &value) || value > INT64_MAX)
                return false;
        *ret = negative ? -(int64_t)value : (int64_t)value;
        return true;
}

/* The first value that a record has of a field counts, as in journalctl. */
static int take_text(char **text, const char *value, size_t n) {
        if (*text)
                return 0;
        *text = strndup(value, n);
        return *text ? 0 : -ENOMEM;
}

static void take_number(RemovalRow *row, size_t offset, const char *value, size_t n) {
        (void)parse_unsigned(value, n, (uint64_t *)(void *)((char *)row + offset));
}

static void take_special(RemovalRow *row, const char *name, const char *value, size_t n) {
        int64_t number;

        if (!parse_signed(value, n, &number))
                return;
        if (strcmp(name, "REAPERD_EXIT_CODE") == 0) {
                if (number < INT_MIN || number > INT_MAX)
                        return;
                row->exit_code = (int)number;
                row->has_exit_code = true;
        } else if (strcmp(name, "REAPERD_OBSERVED_BYTES") == 0) {
                /* Only what was removed alone has it. */
                row->observed = number;
                row->observed_of = 1;
        } else if (strcmp(name, "REAPERD_DRY_RUN") == 0)
                row->dry_run = number == 1;
        else if (number > 0 && number <= INT_MAX) /* REAPERD_ATTEMPT */
                row->attempts = (unsigned)number;
}

int journal_take_field(RemovalRow *row, const char *field, size_t n) {
        static const struct {
                const char *name;
                RemovalText text;
        } texts[] = {
                { "CONTAINER_ID_FULL", ROW_ID },
                { "CONTAINER_NAME", ROW_NAME },
                { "SWARM_SERVICE_NAME", ROW_SERVICE },
                { "IMAGE_NAME", ROW_IMAGE },
                { "REAPERD_OUTCOME", ROW_OUTCOME },
                { "REAPERD_VERDICT", ROW_VERDICT },
                { "REAPERD_SETTING", ROW_SETTING },
                { "REAPERD_ORIGIN", ROW_ORIGIN },
                { "REAPERD_RULE", ROW_RULE },
        };
        static const struct {
                const char *name;
                size_t offset;
        } numbers[] = {
                { "REAPERD_AGE_USEC", offsetof(RemovalRow, age) },
                { "REAPERD_HELD_BYTES", offsetof(RemovalRow, cached) },
                { "REAPERD_HELD_DIRTY_BYTES", offsetof(RemovalRow, dirty) },
                { "REAPERD_HELD_DISK_BYTES", offsetof(RemovalRow, disk) },
                { "REAPERD_HELD_INODES", offsetof(RemovalRow, inodes) },
        };
        static const char *const specials[] = {
                "REAPERD_EXIT_CODE",
                "REAPERD_OBSERVED_BYTES",
                "REAPERD_DRY_RUN",
                "REAPERD_ATTEMPT",
        };
        const char *value = memchr(field, '=', n);
        size_t name_size, value_size;

        if (!value)
                return 0;
        name_size = (size_t)(value - field);
        value++;
        value_size = n - name_size - 1;

#define IS(known) (strlen(known) == name_size && memcmp(field, known, name_size) == 0)
        for (size_t i = 0; i < ELEMENTS_OF(texts); i++)
                if (IS(texts[i].name))
                        return take_text(&row->texts[texts[i].text], value, value_size);
        for (size_t i = 0; i < ELEMENTS_OF(numbers); i++)
                if (IS(numbers[i].name))
                        take_number(row, numbers[i].offset, value, value_size);
        for (size_t i = 0; i < ELEMENTS_OF(specials); i++)
                if (IS(specials[i]))
                        take_special(row, specials[i], value, value_size);
#undef IS
        return 0;
}

static bool is_id(const char *text) {
        return strlen(text) == FULL_ID_DIGITS && strspn(text, "0123456789abcdef") == FULL_ID_DIGITS;
}

/* Returns 1 with a row, 0 for a record that names no container, or a negative errno. */
static int read_record(sd_journal *j, RemovalRow *ret) {
        _cleanup_(removal_row_done) RemovalRow row = {
                .age = ROW_UNKNOWN,
                .cached = ROW_UNKNOWN,
                .dirty = ROW_UNKNOWN,
                .disk = ROW_UNKNOWN,
                .inodes = ROW_UNKNOWN,
        };
        const void *field;
        size_t n;
        int r;

        r = sd_journal_get_realtime_usec(j, &row.at);
        if (r < 0)
                return r;

        /* Those that cannot be read (compressed by what this libsystemd does not know) are passed over. */
        sd_journal_restart_data(j);
        while (sd_journal_enumerate_available_data(j, &field, &n) > 0) {
                r = journal_take_field(&row, field, n);
                if (r < 0)
                        return r;
        }

        if (!row.texts[ROW_ID] || !is_id(row.texts[ROW_ID]))
                return 0;
        for (size_t i = 0; i < _ROW_TEXT_MAX; i++) {
                if (!row.texts[i])
                        row.texts[i] = strdup("");
                if (!row.texts[i])
                        return -ENOMEM;
        }

        *ret = row;
        row = (RemovalRow){ 0 };
        return 1;
}

static int open_journal(const char *directory, sd_journal **ret) {
        return directory ? sd_journal_open_directory(ret, directory, 0)
                         : sd_journal_open(ret, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
}

int journal_read_removals(
                const char *directory, usec_t since, size_t max, RemovalRows *ret, bool *ret_more) {
        _cleanup_(sd_journal_closep) sd_journal *j = NULL;
        _cleanup_(removal_rows_done) RemovalRows rows = { 0 };
        bool more = false;
        int r;

        r = open_journal(directory, &j);
        if (r < 0)
                return r;
        r = sd_journal_add_match(j, MATCH_REMOVED, 0);
        if (r >= 0)
                r = sd_journal_add_match(j, MATCH_UNIT, 0);
        if (r >= 0)
                r = sd_journal_seek_tail(j);
        if (r < 0)
                return r;

        /* From the newest on, as there may be years of them. */
        while ((r = sd_journal_previous(j)) > 0) {
                _cleanup_(removal_row_done) RemovalRow row = { 0 };

                r = read_record(j, &row);
                if (r == -ENOMEM)
                        return r;
                if (r <= 0) /* or damaged */
                        continue;
                if (row.at < since)
                        break;
                if (rows.n == max) {
                        more = true;
                        break;
                }
                r = removal_rows_add(&rows, &row);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        *ret_more = more;
        removal_rows_sort(&rows);
        *ret = rows;
        rows = (RemovalRows){ 0 };
        return 0;
}
