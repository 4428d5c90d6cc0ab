/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/utf8.h"

/* A message is cut here. Long enough for a line of a container's log, which is the longest that is shown. */
#define MESSAGE_SIZE_MAX (4096 + 64)
/* Fields of one record, besides MESSAGE, PRIORITY, SYSLOG_IDENTIFIER and MESSAGE_ID. */
#define FIELDS_MAX 24

static int max_level = LOG_INFO;
static bool to_journal = false, lasting = false;

void log_open(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;
        int end = 0;

        if (!stream || sscanf(stream, "%llu:%llu%n", &device, &inode, &end) != 2 || stream[end] != '\0')
                return;
        if (fstat(STDERR_FILENO, &st) < 0)
                return;

        /* The variable is inherited by everything that the service starts; only the comparison tells whether
         * stderr has been redirected since. */
        to_journal = st.st_dev == (dev_t)device && st.st_ino == (ino_t)inode;
}

bool log_is_to_journal(void) {
        return to_journal;
}

void log_set_lasting(bool will_last) {
        lasting = will_last;
}

void log_set_max_level(int level) {
        max_level = level;
}

bool log_enabled(int level) {
        return level <= max_level;
}

int log_level_from_name(const char *name) {
        static const char *const names[] = {
                [LOG_EMERG] = "emerg",
                [LOG_ALERT] = "alert",
                [LOG_CRIT] = "crit",
                [LOG_ERR] = "err",
                [LOG_WARNING] = "warning",
                [LOG_NOTICE] = "notice",
                [LOG_INFO] = "info",
                [LOG_DEBUG] = "debug",
        };

        for (int level = 0; level < (int)ELEMENTS_OF(names); level++)
                if (strcmp(name, names[level]) == 0 || (name[0] == '0' + level && name[1] == '\0'))
                        return level;

        return -EINVAL;
}

char *log_escape(char *buf, size_t size, const char *text) {
        size_t left = strlen(text), used = 0;

        while (left > 0) {
                uint32_t c;
                size_t n = utf8_read(text, left, &c);

                if (n > 0 && !utf8_is_treacherous(c)) {
                        if (used + n >= size)
                                break;
                        memcpy(buf + used, text, n);
                        used += n;
                } else {
                        if (used + 4 >= size)
                                break;
                        n = 1;
                        snprintf(buf + used, 5, "\\x%02x", (unsigned char)*text);
                        used += 4;
                }
                text += n;
                left -= n;
        }

        buf[used] = '\0';
        return buf;
}

static char *field_text(const char *name, const char *value) {
        char *text;

        return asprintf(&text, "%s=%s", name, value) < 0 ? NULL : text;
}

/* A field that does not fit into memory is left out: a shorter record is better than none. */
static void add_field(struct iovec *iov, size_t *n, const char *name, const char *value) {
        char *text;

        if (!value)
                return;
        text = field_text(name, value);
        if (!text)
                return;
        iov[(*n)++] = (struct iovec){ .iov_base = text, .iov_len = strlen(text) };
}

static int send_to_journal(int level, const char *message_id, const LogField *fields, size_t n_fields,
                const char *message) {
        struct iovec iov[FIELDS_MAX + 4];
        const char priority[] = { (char)('0' + level), '\0' };
        size_t n = 0;
        int r;

        add_field(iov, &n, "MESSAGE", message);
        add_field(iov, &n, "PRIORITY", priority);
        add_field(iov, &n, "SYSLOG_IDENTIFIER", "reaperd");
        add_field(iov, &n, "MESSAGE_ID", message_id);
        for (size_t i = 0; i < n_fields && i < FIELDS_MAX; i++)
                add_field(iov, &n, fields[i].name, fields[i].value);

        r = n > 0 ? sd_journal_sendv(iov, (int)n) : -ENOMEM;

        while (n > 0)
                free(iov[--n].iov_base);
        return r;
}

static void send_to_stderr(int level, const char *message) {
        char line[MESSAGE_SIZE_MAX + 16];
        /* The journal takes the priority from the line, see sd-daemon(3), and has the name already. */
        int n = to_journal ? snprintf(line, sizeof(line), "<%d>%s\n", level, message)
                           : snprintf(line, sizeof(line), "reaperd: %s\n", message);
        ssize_t written;

        /* One write(), so that lines of several processes do not mix. There is nobody to tell if it
         * fails. */
        do
                written = write(STDERR_FILENO, line, (size_t)n);
        while (written < 0 && errno == EINTR);
}

__attribute__((format(printf, 5, 0))) static void log_v(int level, const char *message_id,
                const LogField *fields, size_t n_fields, const char *format, va_list ap) {
        char raw[MESSAGE_SIZE_MAX], message[MESSAGE_SIZE_MAX];
        int saved = errno;

        if (!log_enabled(level))
                return;

        vsnprintf(raw, sizeof(raw), format, ap);
        log_escape(message, sizeof(message), raw);

        if (!to_journal || (!lasting && !message_id && n_fields == 0) ||
                        send_to_journal(level, message_id, fields, n_fields, message) < 0)
                send_to_stderr(level, message);
        errno = saved;
}

void log_message(int level, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        log_v(level, NULL, NULL, 0, format, ap);
        va_end(ap);
}

void log_beside_journal(int level, const char *format, ...) {
        va_list ap;

        if (to_journal)
                return;
        va_start(ap, format);
        log_v(level, NULL, NULL, 0, format, ap);
        va_end(ap);
}

void log_record(int level, const char *message_id, const LogField *fields, size_t n_fields,
                const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        log_v(level, message_id, fields, n_fields, format, ap);
        va_end(ap);
}
