/* SPDX-License-Identifier: Apache-2.0 */

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "core/rule-text.h"
#include "daemon/config-names.h"
#include "daemon/config-reader.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* A key in front of a line that cannot be read is shown up to this length. */
#define CONFIG_KEY_SHOWN_MAX 64

/* What an indented line goes on. */
typedef enum Above {
        ABOVE_NOTHING,
        ABOVE_LIST,
        ABOVE_FAULT, /* a line whose fault stands for it too */
} Above;

/* The line of each key's last value in this file. */
typedef struct KeyLines {
        unsigned settings[_SETTING_MAX];
        unsigned rule_keys[_RULE_KEY_MAX];
} KeyLines;

typedef struct Reader {
        const char *file;
        const char *rest; /* what has not been read yet */
        size_t n_rest;
        unsigned line;                     /* of the line read last */
        char section[CONFIG_LINE_MAX + 1]; /* the name in the last header */
        bool header_seen;                  /* has there been any header? */
        bool section_known; /* else its keys are passed over: the header's fault stands for them */
        Rule *rule;         /* whose section it is; NULL: of none */
        Above above;
        RuleKey list; /* with ABOVE_LIST */
        KeyLines lines;
        KeyLines *rule_lines; /* RULES_MAX of them, owned */
        Settings *settings;
        bool *refused;
        ConfigReport *report;
        int error;
} Reader;

static void reader_done(Reader *r) {
        free(r->rule_lines);
}

/* A fault of the current line: 0 or -ENOMEM. */
#define fault(r, ...) config_report_add((r)->report, CONFIG_ERROR, (r)->file, (r)->line, __VA_ARGS__)

/* Notes that a key has a value on this line, and says so if it had one before. */
static int note_line(Reader *r, const char *key, unsigned *line) {
        unsigned before = *line;

        *line = r->line;
        if (before == 0)
                return 0;

        return config_report_add(r->report, CONFIG_NOTICE, r->file, r->line,
                        "[%s] %s: set twice, the value of line %u is dropped for that of line %u",
                        r->section, key, before, r->line);
}

static int take_setting(Reader *r, const char *key, const char *value) {
        SettingId id = setting_find(r->section, key);
        const char *what;
        int q;

        if (id == _SETTING_INVALID)
                return config_names_unknown_key(r->report, r->file, r->line, r->section, false, key);

        q = note_line(r, key, &r->lines.settings[id]);
        if (q < 0)
                return q;

        q = settings_set(r->settings, id, value, r->file, r->line, &what);
        r->refused[id] = q == -EINVAL || q == -ERANGE;
        if (r->refused[id])
                return fault(r, "[%s] %s: '%s' %s, accepted: %s", r->section, key, value, what,
                                setting_info(id)->accepted);
        return q;
}

static int take_in_rule(Reader *r, const char *key, const char *value) {
        KeyLines *lines = &r->rule_lines[r->rule - r->settings->rules];
        SettingId id = setting_find_per_container(key);
        RuleKey rule_key = rule_key_find(key);
        const char *what, *accepted;
        int q = 0;

        if (id != _SETTING_INVALID) {
                accepted = setting_info(id)->accepted;
                q = note_line(r, key, &lines->settings[id]);
        } else if (rule_key != _RULE_KEY_INVALID) {
                accepted = rule_key_info(rule_key)->accepted;
                if (!rule_key_info(rule_key)->is_list)
                        q = note_line(r, key, &lines->rule_keys[rule_key]);
        } else
                return config_names_unknown_key(r->report, r->file, r->line, r->section, true, key);
        if (q < 0)
                return q;

        if (id != _SETTING_INVALID)
                q = rule_set_value(r->settings, r->rule, id, value, r->file, r->line, &what);
        else
                q = rule_set(r->settings, r->rule, rule_key, value, r->file, r->line, &what);
        if (q == -EINVAL || q == -ERANGE)
                return fault(r, "[%s] %s: '%s' %s, accepted: %s", r->section, key, value, what, accepted);
        return q;
}

/* inih's handler: 0 is its word for failure, which it would report as the line's; ours is in r->error. */
static int on_value(void *userdata, const char *section, const char *key, const char *value) {
        Reader *r = userdata;

        /* It keeps 49 bytes of the name only. */
        (void)section;

        r->error = r->rule ? take_in_rule(r, key, value) : take_setting(r, key, value);
        return 1;
}

/* The name in a rule's header, cut out of it (empty if it has none), or NULL if it is no rule's. */
static char *rule_name(char *header) {
        const size_t n_word = strlen(SETTING_RULE_WORD);
        char *name = header + n_word, *end;

        if (strncmp(header, SETTING_RULE_WORD, n_word) != 0 || (*name && !isspace((unsigned char)*name)))
                return NULL;

        while (isspace((unsigned char)*name))
                name++;
        for (end = name + strlen(name); end > name && isspace((unsigned char)end[-1]); end--)
                end[-1] = '\0';
        return name;
}

/* The rule of this name, as the one whose section this is; none if that is not accepted. */
static int open_rule(Reader *r, const char *name) {
        const char *what;
        int q;

        r->section_known = false;

        if (!r->rule_lines) {
                r->rule_lines = calloc(RULES_MAX, sizeof(KeyLines));
                if (!r->rule_lines)
                        return -ENOMEM;
        }

        q = settings_add_rule(r->settings, name, r->file, r->line, &r->rule, &what);
        if (q == -EINVAL || q == -ERANGE)
                return fault(r, "[%s]: %s, accepted: %s", r->section, what,
                                q == -ERANGE ? RULES_ACCEPTED : RULE_NAME_ACCEPTED);

        r->section_known = q >= 0;
        return q;
}

/* A header; *line becomes what inih is to see of it. */
static int take_header(Reader *r, char *line) {
        char *name = line + 1, *end = strchr(name, ']'), *of_rule;
        int q = 0;

        r->header_seen = true;
        r->rule = NULL;

        if (end) {
                *end = '\0';
                if (end[1] != '\0')
                        q = fault(r, "[%s]: text behind the header, accepted: a line of its own for each",
                                        name);
        } else
                q = fault(r, "[%s: header is not closed, accepted: [%s]", name, name);
        if (q < 0)
                return q;

        of_rule = rule_name(name);
        if (of_rule) {
                snprintf(r->section, sizeof(r->section), SETTING_RULE_WORD "%s%s", *of_rule ? " " : "",
                                of_rule);
                q = open_rule(r, of_rule);
        } else {
                memcpy(r->section, name, strlen(name) + 1);
                r->section_known = setting_section_exists(name);
                /* What an unclosed header means is a guess; that it is unknown too need not be said. */
                if (!r->section_known && end)
                        q = config_names_unknown_section(r->report, r->file, r->line, name);
        }

        if (r->section_known)
                sprintf(line, "[%s]", r->rule ? SETTING_RULE_WORD : r->section);
        else
                *line = '\0';
        return q;
}

/* Notes whether indented lines may follow a key of a rule. */
static void note_list(Reader *r, const char *line, size_t n_key) {
        char key[CONFIG_LINE_MAX + 1];
        RuleKey rule_key;

        while (n_key > 0 && isspace((unsigned char)line[n_key - 1]))
                n_key--;
        memcpy(key, line, n_key);
        key[n_key] = '\0';

        rule_key = rule_key_find(key);
        if (rule_key != _RULE_KEY_INVALID && rule_key_info(rule_key)->is_list) {
                r->above = ABOVE_LIST;
                r->list = rule_key;
        } else if (!config_names_key_exists(key))
                r->above = ABOVE_FAULT;
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
        else if (r->section_known) {
                if (r->rule)
                        note_list(r, line, (size_t)(separator - line));
                return 0;
        }

        if (what && r->rule)
                r->above = ABOVE_FAULT;
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

static int fault_long_line(Reader *r, const char *raw, size_t n, size_t n_max) {
        char what[128];

        snprintf(what, sizeof(what), "line of %zu bytes is too long, accepted: %zu bytes, more in comments",
                        n, n_max);
        return fault_line(r, raw, n, what);
}

/* Was this meant as a line of its own, key or header? As a part of the list above it would go unnoticed,
 * and the rule would be about other containers than it was meant to be. */
static bool seems_misplaced(const char *text, size_t n) {
        const char *end = memchr(text, *text == '[' ? ']' : '=', n);
        char name[CONFIG_LINE_MAX + 1] = "";

        if (!end)
                return false;

        if (*text == '[')
                text++;
        for (n = (size_t)(end - text); n > 0 && isspace((unsigned char)text[n - 1]);)
                n--;
        memcpy(name, text, n);
        name[n] = '\0';

        return *end == '=' ? config_names_key_exists(name) : setting_section_exists(name) || rule_name(name);
}

/* An indented line; `out` (of n_max + 2 bytes) becomes the setting that inih is to see of it. */
static int take_indented(Reader *r, const char *raw, size_t n, size_t indent, size_t n_max, char *out) {
        const char *key = rule_key_info(r->list)->key;
        size_t n_key = strlen(key) + 1;

        if (r->above == ABOVE_FAULT || (r->header_seen && !r->section_known))
                return 0;
        if (r->above == ABOVE_NOTHING)
                return fault_line(r, raw, n,
                                "line is indented, but no list of a rule stands right above it, "
                                "accepted: lines that begin in the first column");
        if (seems_misplaced(raw + indent, n - indent))
                return fault_line(r, raw, n,
                                "line is indented, so it would go on the list above it, "
                                "accepted: keys and headers that begin in the first column");
        if (n - indent + n_key > n_max)
                return fault_long_line(r, raw, n, n_max - n_key + indent);

        sprintf(out, "%s=", key);
        memcpy(out + n_key, raw + indent, n - indent);
        out[n_key + n - indent] = '\0';
        strip(out);
        return 0;
}

/* Judges one line of n bytes, which hold no NUL, and writes into `out` (of n_max + 2 bytes, one of them
 * for a newline) what inih is to see of it. */
static int take_line(Reader *r, const char *raw, size_t n, size_t n_max, char *out) {
        size_t indent = 0;

        *out = '\0';

        if (!utf8_is_valid(raw, n)) {
                r->above = ABOVE_FAULT;
                return fault_line(r, "", 0, "line is not UTF-8, accepted: UTF-8 text");
        }

        while (indent < n && isspace((unsigned char)raw[indent]))
                indent++;
        if (indent == n) {
                r->above = ABOVE_NOTHING;
                return 0;
        }
        if (raw[indent] == '#' || raw[indent] == ';')
                return 0;

        if (n > n_max) {
                if (indent == 0)
                        r->above = ABOVE_FAULT;
                return fault_long_line(r, raw, n, n_max);
        }
        if (indent > 0)
                return take_indented(r, raw, n, indent, n_max, out);

        memcpy(out, raw, n);
        out[n] = '\0';
        strip(out);

        r->above = ABOVE_NOTHING;
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
        _cleanup_(reader_done) Reader r = {
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
