/* SPDX-License-Identifier: Apache-2.0 */

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/utf8.h"
#include "daemon/config-reader.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* A key in front of a line that cannot be read is shown up to this length. */
#define CONFIG_KEY_SHOWN_MAX 64

typedef struct Reader {
        const char *file;
        const char *rest; /* what has not been read yet */
        size_t n_rest;
        unsigned line;                     /* of the line read last */
        char section[CONFIG_LINE_MAX + 1]; /* the name in the last header */
        bool header_seen;                  /* has there been any header? */
        bool section_known; /* else its keys are passed over: the header's fault stands for them */
        unsigned set_at[_SETTING_MAX]; /* the line of each key's last value in this file */
        Settings *settings;
        bool *refused;
        ConfigReport *report;
        int error;
} Reader;

/* A fault of the current line: 0 or -ENOMEM. */
#define fault(r, ...) config_report_add((r)->report, CONFIG_ERROR, (r)->file, (r)->line, __VA_ARGS__)

/* A list of names for a message: the sections if `section` is NULL, else its keys. NULL if out of memory. */
static char *list_names(const char *section) {
        _cleanup_free_ char *text = NULL;
        const char *last = "";

        for (SettingId id = 0; id < _SETTING_MAX; id++) {
                const SettingInfo *info = setting_info(id);
                int r;

                if (section ? strcmp(info->section, section) != 0 : strcmp(info->section, last) == 0)
                        continue;
                r = text_append(&text, section ? "%s%s" : "%s[%s]", text ? ", " : "",
                                section ? info->key : info->section);
                if (r < 0)
                        return NULL;
                last = info->section;
        }

        return TAKE_PTR(text);
}

static int fault_unknown_section(Reader *r) {
        const char *near = setting_nearest_section(r->section);
        _cleanup_free_ char *names = list_names(NULL);

        if (!names)
                return -ENOMEM;

        return fault(r, "[%s]: unknown section%s%s%s, accepted: %s", r->section, near ? ", nearest: [" : "",
                        near ? near : "", near ? "]" : "", names);
}

static int fault_unknown_key(Reader *r, const char *section, const char *key) {
        const char *near_section = section, *near = setting_nearest_key(section, key, &near_section);
        _cleanup_free_ char *names = list_names(section);
        bool other = strcmp(near_section, section) != 0;

        if (!names)
                return -ENOMEM;

        return fault(r, "[%s] %s: unknown key%s%s%s%s%s, accepted: %s", section, key,
                        near ? ", nearest: " : "", near ? near : "", other ? " in [" : "",
                        other ? near_section : "", other ? "]" : "", names);
}

/* One key, from inih. */
static int take_value(Reader *r, const char *section, const char *key, const char *value) {
        SettingId id = setting_find(section, key);
        const char *what;
        int q;

        if (id == _SETTING_INVALID)
                return fault_unknown_key(r, section, key);

        if (r->set_at[id] > 0) {
                q = config_report_add(r->report, CONFIG_NOTICE, r->file, r->line,
                                "[%s] %s: set twice, the value of line %u is dropped for that of line %u",
                                section, key, r->set_at[id], r->line);
                if (q < 0)
                        return q;
        }
        r->set_at[id] = r->line;

        q = settings_set(r->settings, id, value, r->file, r->line, &what);
        r->refused[id] = q == -EINVAL || q == -ERANGE;
        if (r->refused[id])
                return fault(r, "[%s] %s: '%s' %s, accepted: %s", section, key, value, what,
                                setting_info(id)->accepted);
        return q;
}

/* inih's handler: 0 is its word for failure, which it would report as the line's; ours is in r->error. */
static int on_value(void *userdata, const char *section, const char *key, const char *value) {
        Reader *r = userdata;

        r->error = take_value(r, section, key, value);
        return 1;
}

/* A header; *line becomes what inih is to see of it. */
static int take_header(Reader *r, char *line) {
        char *name = line + 1, *end = strchr(name, ']');
        int q = 0;

        r->header_seen = true;

        if (end) {
                *end = '\0';
                if (end[1] != '\0')
                        q = fault(r, "[%s]: text behind the header, accepted: a line of its own for each",
                                        name);
        } else
                q = fault(r, "[%s: header is not closed, accepted: [%s]", name, name);

        memcpy(r->section, name, strlen(name) + 1);
        r->section_known = setting_section_exists(name);

        /* What an unclosed header means is a guess; that it is unknown too need not be said. */
        if (!r->section_known && end && q == 0)
                q = fault_unknown_section(r);

        if (r->section_known)
                sprintf(line, "[%s]", r->section);
        else
                *line = '\0';
        return q;
}

/* A line that is neither blank nor a comment nor a header; *line becomes what inih is to see of it. */
static int take_key(Reader *r, char *line) {
        char *separator = strpbrk(line, "=:");
        const char *what = NULL;
        int q = 0;

        if (!separator)
                what = "no '='";
        else if (separator == line)
                what = "no key in front";
        else if (*separator == ':') {
                /* inih would take it, as a concession to other formats. */
                *separator = '\0';
                what = "':' where '=' belongs";
        }

        if (what && r->header_seen)
                q = fault(r, "[%s] %s: %s, accepted: Key=value", r->section, line, what);
        else if (what)
                q = fault(r, "%s: %s, accepted: Key=value", line, what);
        else if (!r->header_seen)
                q = fault(r, "%s: stands before any section, accepted: below a header such as [%s]", line,
                                setting_info(0)->section);
        else if (r->section_known)
                return 0;

        *line = '\0';
        return q;
}

/* Cuts off what inih takes for a comment (a semicolon behind white space) and white space at the end. */
static void strip(char *line) {
        char *p = line;

        while (*p && !(*p == ';' && p > line && isspace((unsigned char)p[-1])))
                p++;
        while (p > line && isspace((unsigned char)p[-1]))
                p--;
        *p = '\0';
}

/* A fault of a line that is not even looked into: still said with its section and, as far as it shows
 * one, its key. */
static int fault_line(Reader *r, const char *raw, size_t n, const char *what) {
        const char *end = memchr(raw, '=', n);
        size_t n_key;

        while (n > 0 && isspace((unsigned char)*raw)) {
                raw++;
                n--;
        }
        for (n_key = end && end > raw ? (size_t)(end - raw) : 0; n_key > 0; n_key--)
                if (!isspace((unsigned char)raw[n_key - 1]))
                        break;
        if (n_key > CONFIG_KEY_SHOWN_MAX)
                n_key = 0;

        if (!r->header_seen)
                return n_key > 0 ? fault(r, "%.*s: %s", (int)n_key, raw, what) : fault(r, "%s", what);
        return n_key > 0 ? fault(r, "[%s] %.*s: %s", r->section, (int)n_key, raw, what)
                         : fault(r, "[%s]: %s", r->section, what);
}

/* Judges one line of n bytes, which hold no NUL, and writes into `out` (of n_max + 2 bytes, one of them
 * for a newline) what inih is to see of it. */
static int take_line(Reader *r, const char *raw, size_t n, size_t n_max, char *out) {
        char what[128];
        size_t indent = 0;

        *out = '\0';

        if (!utf8_is_valid(raw, n))
                return fault_line(r, "", 0, "line is not UTF-8, accepted: UTF-8 text");

        while (indent < n && isspace((unsigned char)raw[indent]))
                indent++;
        if (indent == n || raw[indent] == '#' || raw[indent] == ';')
                return 0;

        if (n > n_max) {
                snprintf(what, sizeof(what),
                                "line of %zu bytes is too long, accepted: %zu bytes, more in comments", n,
                                n_max);
                return fault_line(r, raw, n, what);
        }
        if (indent > 0)
                return fault_line(r, raw, n,
                                "line is indented, but no value goes on over several lines, "
                                "accepted: lines that begin in the first column");

        memcpy(out, raw, n);
        out[n] = '\0';
        strip(out);

        return *out == '[' ? take_header(r, out) : take_key(r, out);
}

/* inih's reader, in the manner of fgets(3). Every line of the file is one for inih too, blank if there is
 * nothing for it to see. */
static char *next_line(char *buf, int size, void *userdata) {
        Reader *r = userdata;
        size_t n_max = (size_t)size - 2; /* the buffer takes a newline and a NUL as well */
        const char *raw = r->rest, *end;
        size_t n;

        if (r->n_rest == 0 || r->error < 0)
                return NULL;

        end = memchr(raw, '\n', r->n_rest);
        n = end ? (size_t)(end - raw) : r->n_rest;
        r->rest += end ? n + 1 : n;
        r->n_rest -= end ? n + 1 : n;
        r->line++;

        if (n > 0 && raw[n - 1] == '\r')
                n--;

        r->error = take_line(r, raw, n, n_max < CONFIG_LINE_MAX ? n_max : CONFIG_LINE_MAX, buf);
        if (r->error < 0)
                return NULL;

        memcpy(buf + strlen(buf), "\n", 2);
        return buf;
}

int config_reader_run(const char *file, const char *text, size_t size, Settings *s,
                bool refused[static _SETTING_MAX], ConfigReport *report) {
        Reader r = {
                .file = file,
                .rest = text,
                .n_rest = size,
                .settings = s,
                .refused = refused,
                .report = report,
        };
        const char *nul;
        int q;

        /* A file with a NUL is not text at all (UTF-16, a database): its lines are not worth looking at. */
        nul = memchr(text, '\0', size);
        if (nul) {
                r.line = 1;
                for (const char *p = text; p < nul; p++)
                        r.line += *p == '\n';
                return fault(&r, "NUL byte, accepted: UTF-8 text");
        }

        if (size >= 3 && memcmp(text, BYTE_ORDER_MARK, 3) == 0) {
                r.rest += 3;
                r.n_rest -= 3;
        }

        q = ini_parse_stream(next_line, &r, on_value, &r);
        if (r.error < 0)
                return r.error;
        if (q < 0)
                return -ENOMEM;
        if (q > 0) {
                r.line = (unsigned)q;
                return fault(&r, "line is not understood, accepted: Key=value");
        }
        return 0;
}
