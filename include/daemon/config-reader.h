/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_CONFIG_READER_H
#define REAPERD_DAEMON_CONFIG_READER_H

/*
 * The text of one configuration file → settings. inih splits lines into keys and values; everything that it
 * is too lenient about is judged here, line by line, before it sees them: it would take the tail of a long
 * line for a new line, an indented line for a second setting of the last key, a colon for a separator, and
 * text behind a header for nothing; and of a section without keys it would not tell at all.
 *
 * What inih does with comments, byte order marks and indented lines depends on how a distribution has built
 * it, so it gets no such thing to see. A line that goes on a rule's list, it sees as one more setting of it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/settings.h"
#include "daemon/config-report.h"

/* The longest line that is not a comment, in bytes without its end: inih's buffer has 200 bytes. */
#define CONFIG_LINE_MAX 198

/* Reads `size` bytes of text into *s. `file` names it in messages and origins. All faults go into
 * *report. For each setting of which the text holds a value, refused[id] tells whether the last one was
 * refused. Returns 0, with faults or without, or -ENOMEM. */
int config_reader_run(const char *file, const char *text, size_t size, Settings *s,
                bool refused[static _SETTING_MAX], ConfigReport *report);

#endif
