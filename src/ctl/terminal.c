/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <wchar.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "ctl/pager.h"
#include "ctl/tell.h"
#include "ctl/terminal.h"

/* What a terminal has that does not say. */
#define COLUMNS_DEFAULT 80
/* Wider or narrower ones are a misunderstanding. */
#define COLUMNS_MIN 20
#define COLUMNS_MAX 10000

static const char *const sequences[_COLOUR_MAX] = {
        [COLOUR_BOLD] = "\x1b[1m",
        [COLOUR_GREY] = "\x1b[90m",
        [COLOUR_RED] = "\x1b[31m",
        [COLOUR_GREEN] = "\x1b[32m",
        [COLOUR_YELLOW] = "\x1b[33m",
        [COLOUR_BLUE] = "\x1b[34m",
        [COLOUR_UNDERLINE] = "\x1b[4m",
};

static bool out_of_memory;

bool terminal_is_utf8(void) {
        return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* $COLUMNS has the first word, as with systemctl. */
static unsigned columns_of(int fd) {
        const char *text = getenv("COLUMNS");
        struct winsize size;
        unsigned long n = 0;

        if (text && strspn(text, "0123456789") == strlen(text))
                n = strtoul(text, NULL, 10);
        if (n == 0 && ioctl(fd, TIOCGWINSZ, &size) == 0)
                n = size.ws_col;
        if (n == 0)
                n = COLUMNS_DEFAULT;

        return n < COLUMNS_MIN ? COLUMNS_MIN : n > COLUMNS_MAX ? COLUMNS_MAX : (unsigned)n;
}

bool terminal_is_dumb(void) {
        const char *term = getenv("TERM");

        return !term || strcmp(term, "dumb") == 0;
}

Terminal terminal_detect(void) {
        const char *no_color = getenv("NO_COLOR");
        Terminal t = {
                .is_terminal = isatty(STDOUT_FILENO) == 1,
                .utf8 = terminal_is_utf8(),
                .columns = UINT_MAX,
        };

        if (t.is_terminal) {
                t.columns = columns_of(STDOUT_FILENO);
                t.colour = !terminal_is_dumb() && (!no_color || no_color[0] == '\0');
        }
        return t;
}

const char *terminal_on(const Terminal *t, Colour colour) {
        return t->colour && sequences[colour] ? sequences[colour] : "";
}

const char *terminal_off(const Terminal *t, Colour colour) {
        return t->colour && sequences[colour] ? "\x1b[0m" : "";
}

/* Columns of a character that terminal_escape() lets pass; -1: it does not. */
static int width_of(const Terminal *t, uint32_t c) {
        if (c < 0x80)
                return utf8_is_treacherous(c) ? -1 : 1;
        return t->utf8 && !utf8_is_treacherous(c) ? wcwidth((wchar_t)c) : -1;
}

char *terminal_escape(const Terminal *t, const char *text) {
        size_t left = strlen(text);
        char *escaped, *p;

        escaped = p = calloc(4, left + 1);
        if (!escaped)
                return NULL;

        while (left > 0) {
                uint32_t c;
                size_t n = utf8_read(text, left, &c);

                if (n > 0 && width_of(t, c) >= 0)
                        p = mempcpy(p, text, n);
                else {
                        n = n > 0 ? n : 1;
                        for (size_t i = 0; i < n; i++)
                                p += snprintf(p, 5, "\\x%02x", (unsigned char)text[i]);
                }
                text += n;
                left -= n;
        }

        *p = '\0';
        return escaped;
}

size_t terminal_fit(const Terminal *t, const char *escaped, size_t columns, size_t *ret_width) {
        size_t left = strlen(escaped), used = 0, width = 0;

        while (left > 0) {
                uint32_t c;
                size_t n = utf8_read(escaped + used, left, &c);
                int w = n > 0 ? width_of(t, c) : 1;

                n = n > 0 ? n : 1;
                if (width + (size_t)(w < 0 ? 0 : w) > columns)
                        break;
                width += (size_t)(w < 0 ? 0 : w);
                used += n;
                left -= n;
        }

        if (ret_width)
                *ret_width = width;
        return used;
}

size_t terminal_width(const Terminal *t, const char *escaped) {
        size_t width;

        (void)terminal_fit(t, escaped, SIZE_MAX, &width);
        return width;
}

void terminal_put(const Terminal *t, Colour colour, const char *format, ...) {
        _cleanup_free_ char *text = NULL, *escaped = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0)
                text = NULL;
        else
                escaped = terminal_escape(t, text);
        if (!escaped) {
                out_of_memory = true;
                return;
        }

        (void)fputs(terminal_on(t, colour), stdout);
        (void)fputs(escaped, stdout);
        (void)fputs(terminal_off(t, colour), stdout);
}

/* Bytes of the next line of at most `columns`: up to a space, or in the middle of a word that is longer. */
static size_t next_line(const Terminal *t, const char *text, size_t columns) {
        size_t n = terminal_fit(t, text, columns, NULL), end;

        if (text[n] == '\0' || text[n] == ' ')
                return n;
        for (end = n; end > 0 && text[end - 1] != ' '; end--)
                ;
        return end > 0 ? end : n;
}

void terminal_put_wrapped(const Terminal *t, Colour colour, size_t column, size_t indent, const char *text) {
        _cleanup_free_ char *escaped = terminal_escape(t, text);
        const char *p = escaped;
        size_t columns;

        if (!escaped) {
                out_of_memory = true;
                return;
        }

        /* Too narrow for columns at all: then lines just run on. */
        columns = t->columns >= indent + COLUMNS_MIN && t->columns >= column + COLUMNS_MIN ? t->columns
                                                                                           : UINT_MAX;
        (void)fputs(terminal_on(t, colour), stdout);
        for (;;) {
                size_t n = next_line(t, p, columns - column), shown = n;

                while (shown > 0 && p[shown - 1] == ' ')
                        shown--;
                (void)fwrite(p, 1, shown, stdout);
                p += n + strspn(p + n, " ");
                if (*p == '\0')
                        break;
                (void)printf("\n%*s", (int)indent, "");
                column = indent;
        }
        (void)fputs(terminal_off(t, colour), stdout);
        (void)putchar('\n');
}

int terminal_flush(void) {
        if (out_of_memory)
                return -ENOMEM;

        /* Who has left the pager has seen enough. */
        if ((fflush(stdout) == EOF || ferror(stdout)) && !pager_is_open()) {
                tell("Cannot write to standard output: %s", strerror(errno));
                return -EIO;
        }
        return 0;
}
