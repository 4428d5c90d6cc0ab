/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_BASE_LOG_H
#define REAPERD_BASE_LOG_H

/*
 * Messages to the journal, with fields, when stderr is the journal; else readable lines on stderr.
 *
 * Everything that came from a container or the engine (names, labels, error texts) is hostile until shown
 * otherwise: on stderr control characters are written as escapes, so that a container's name cannot
 * drive a terminal.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <syslog.h>

/* One field of a record. The value may hold anything but NUL. */
typedef struct LogField {
        const char *name;  /* as sd_journal_send(3) wants it: upper case, digits, underscore */
        const char *value; /* NULL: the field is left out */
} LogField;

/* Finds out whether stderr is the journal ($JOURNAL_STREAM names its device and inode). Call once. */
void log_open(void);

/* Is it? Without log_open() it is not. */
bool log_is_to_journal(void);

/* Will this process be there for a while? Until that is said, what has no id and no fields goes to the
 * journal by stderr, as its service manager has connected that: journald looks up by its pid whose a
 * message is that comes by the socket, and of one that has ended by then it cannot tell. */
void log_set_lasting(bool will_last);

/* Messages above this level (LOG_EMERG to LOG_DEBUG) are dropped. Default LOG_INFO. */
void log_set_max_level(int level);
bool log_enabled(int level);

/* "debug", "info", ... or "0" to "7". Returns the level or -EINVAL. */
int log_level_from_name(const char *name);

void log_message(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A message with a stable id (32 hexadecimal digits; NULL: none) and fields. */
void log_record(int level, const char *message_id, const LogField *fields, size_t n_fields,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

/* A line that goes to stderr only, and not at all when stderr is the journal: what a field of the record
 * before it holds there. */
void log_beside_journal(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...)                                       \
        do {                                                 \
                if (log_enabled(LOG_DEBUG))                  \
                        log_message(LOG_DEBUG, __VA_ARGS__); \
        } while (0)
#define log_info(...)    log_message(LOG_INFO, __VA_ARGS__)
#define log_notice(...)  log_message(LOG_NOTICE, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, __VA_ARGS__)
#define log_error(...)   log_message(LOG_ERR, __VA_ARGS__)

/* Writes text into buf (of at least one byte) with what is not printable UTF-8 as \xNN, byte by byte:
 * control characters, broken sequences, bidirectional and zero-width marks. Cut to fit; an escape or
 * character is never split. Returns buf. */
char *log_escape(char *buf, size_t size, const char *text);

#endif
