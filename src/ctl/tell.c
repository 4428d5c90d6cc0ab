/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/tell.h"
#include "ctl/terminal.h"

void tell(const char *format, ...) {
        _cleanup_free_ char *text = NULL, *line = NULL;
        Terminal t = { .utf8 = terminal_is_utf8() };
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0)
                text = NULL;
        else
                line = terminal_escape(&t, text);

        /* What was printed before stands above it, should both be the same terminal. */
        (void)fflush(stdout);
        (void)fprintf(stderr, "reaperctl: %s\n", line ? line : strerror(ENOMEM));
}
