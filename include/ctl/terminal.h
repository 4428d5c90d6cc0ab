/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CTL_TERMINAL_H
#define REAPERD_CTL_TERMINAL_H

/*
 * What stdout is, and how text gets there: names come from containers, and answers from whoever sits on
 * the bus of another host, so nothing is written that has not been made harmless here (or by ctl/table,
 * ctl/json, which do the same).
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum Colour {
        COLOUR_NONE,
        COLOUR_BOLD,
        COLOUR_GREY,
        COLOUR_RED,
        COLOUR_GREEN,
        COLOUR_YELLOW,
        COLOUR_BLUE,
        COLOUR_UNDERLINE, /* headers of tables */
        _COLOUR_MAX,
} Colour;

/* A value. */
typedef struct Terminal {
        bool is_terminal;
        bool colour;      /* a terminal, TERM is not dumb, and NO_COLOR is not set (or empty) */
        bool utf8;        /* characters beyond ASCII may be written as they are */
        unsigned columns; /* UINT_MAX: whatever; it is no terminal */
} Terminal;

/* By the locale; setlocale(3) is called before. */
bool terminal_is_utf8(void);
/* By $TERM. */
bool terminal_is_dumb(void);

/* Looks at stdout and the environment. setlocale(3) is called before. */
Terminal terminal_detect(void);

/* The sequences that turn a colour on and off; "" where there are no colours, or for COLOUR_NONE. */
const char *terminal_on(const Terminal *t, Colour colour);
const char *terminal_off(const Terminal *t, Colour colour);

/* A copy of the text in which everything that is not printable is written as \xNN: controls (line breaks
 * too), what is not UTF-8, what reorders or hides text, and what is not ASCII if !t->utf8. To be freed; NULL
 * if memory is out. */
char *terminal_escape(const Terminal *t, const char *text);

/* Columns that a text made by terminal_escape() takes. */
size_t terminal_width(const Terminal *t, const char *escaped);
/* Of such a text so many bytes fit into `columns`, without splitting a character. *ret_width (may be NULL):
 * columns that these take. */
size_t terminal_fit(const Terminal *t, const char *escaped, size_t columns, size_t *ret_width);

/* Writes to stdout in the colour, escaped as above; so a line break is written by the caller with putchar().
 * Out of memory: nothing is written (and stdout is marked so that terminal_flush() fails). */
void terminal_put(const Terminal *t, Colour colour, const char *format, ...)
                __attribute__((format(printf, 3, 4)));

/* Likewise, broken at spaces to fit the terminal, each further line indented by `indent` columns;
 * `column` is where the cursor is. Ends with a line break. */
void terminal_put_wrapped(const Terminal *t, Colour colour, size_t column, size_t indent, const char *text);

/* Sends what was written on its way. Returns 0; -ENOMEM; or -EIO if it could not all be written (told on
 * stderr). To be called at the end by main(), and by whoever shows things as they happen. */
int terminal_flush(void);

#endif
