/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/console.h"

/* So many matches are told at most. */
#define FOUND_MAX 100

/* Of a text that is told back. */
#define QUOTE_MAX 128

#define ID_DIGITS (CONTAINER_ID_HEX_SIZE - 1)

static bool is_hex(const char *text) {
        size_t n = strspn(text, "0123456789abcdef");

        return n > 0 && n <= ID_DIGITS && text[n] == '\0';
}

static unsigned digit(char c) {
        return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* `hex` satisfies is_hex(). */
static bool begins_with(const ContainerId *id, const char *hex) {
        for (size_t i = 0; hex[i] != '\0'; i++)
                if ((((unsigned)id->bytes[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 0xFU) != digit(hex[i]))
                        return false;
        return true;
}

static bool has_name(const Container *c, const char *name) {
        return c->name && strcmp(c->name, name) == 0;
}

static int refuse_empty(sd_bus_error *error) {
        return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                        "A container is named by its id, the beginning of that, or its name; this is empty");
}

int console_find(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        char id[CONTAINER_ID_HEX_SIZE], name[CONSOLE_TEXT_MAX];
        const Manager *m = userdata;
        const char *text;
        size_t n = 0;
        bool hex;
        int r;

        r = sd_bus_message_read(call, "s", &text);
        if (r < 0)
                return r;
        if (*text == '\0')
                return refuse_empty(error);
        hex = is_hex(text);

        r = console_new_answer(call, &reply, error);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, 'a', "(ss)");
        for (const Container *c = registry_next(m->registry, NULL); c && r >= 0 && n < FOUND_MAX;
                        c = registry_next(m->registry, c)) {
                if (!has_name(c, text) && !(hex && begins_with(&c->id, text)))
                        continue;
                n++;
                r = sd_bus_message_append(
                                reply, "(ss)", container_id_format(&c->id, id), console_text(name, c->name));
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_send(reply);
}

/* What one text names: a container of this name, else one whose id begins with it. */
typedef struct Wanted {
        const char *text;
        Container *named, *begun;
        size_t n_named, n_begun;
} Wanted;

static int compare_wanted(const void *a, const void *b) {
        return strcmp(((const Wanted *)a)->text, ((const Wanted *)b)->text);
}

static Wanted *find_wanted(Wanted *wanted, size_t n, const char *text) {
        return bsearch(&(Wanted){ .text = text }, wanted, n, sizeof(*wanted), compare_wanted);
}

/* Sorted, and each text once. Returns how many remain. */
static size_t sort_wanted(Wanted *wanted, size_t n) {
        size_t kept = 0;

        qsort(wanted, n, sizeof(*wanted), compare_wanted);
        for (size_t i = 0; i < n; i++)
                if (kept == 0 || compare_wanted(&wanted[kept - 1], &wanted[i]) != 0)
                        wanted[kept++] = wanted[i];
        return kept;
}

/* All texts in one pass over the containers: there may be many of either. */
static void look_for_all(Manager *m, Wanted *wanted, size_t n) {
        bool lengths[ID_DIGITS + 1] = { false };

        for (size_t i = 0; i < n; i++)
                if (is_hex(wanted[i].text))
                        lengths[strlen(wanted[i].text)] = true;

        for (Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c)) {
                Wanted *w = c->name ? find_wanted(wanted, n, c->name) : NULL;
                char id[CONTAINER_ID_HEX_SIZE];

                if (w) {
                        w->named = c;
                        w->n_named++;
                }
                container_id_format(&c->id, id);
                for (size_t length = ID_DIGITS; length > 0; length--) {
                        id[length] = '\0';
                        w = lengths[length] ? find_wanted(wanted, n, id) : NULL;
                        if (w) {
                                w->begun = c;
                                w->n_begun++;
                        }
                }
        }
}

/* Nobody else can have a whole id, whatever he is called; else a name counts before the beginning of an
 * id. */
static int judge(const Wanted *w, ContainerId *ret, sd_bus_error *error) {
        bool by_name = w->n_named > 0 && !(w->n_begun > 0 && strlen(w->text) == ID_DIGITS);
        size_t n = by_name ? w->n_named : w->n_begun;
        char quoted[QUOTE_MAX];

        log_escape(quoted, sizeof(quoted), w->text);
        if (n == 0)
                return sd_bus_error_setf(error, BUS_ERROR_NO_SUCH_CONTAINER,
                                "There is no container whose id begins with, or whose name is, \"%s\"",
                                quoted);
        if (n > 1)
                return sd_bus_error_setf(error, BUS_ERROR_AMBIGUOUS_CONTAINER,
                                "\"%s\" may be any of %zu containers", quoted, n);
        *ret = by_name ? w->named->id : w->begun->id;
        return 0;
}

int console_find_all(Manager *m, const char *const *texts, size_t n, ContainerId *ret, sd_bus_error *error) {
        _cleanup_free_ Wanted *wanted = NULL;
        int r;

        wanted = calloc(n, sizeof(*wanted));
        if (!wanted)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                if (texts[i][0] == '\0')
                        return refuse_empty(error);
                wanted[i].text = texts[i];
        }
        n = sort_wanted(wanted, n);
        look_for_all(m, wanted, n);
        for (size_t i = 0; i < n; i++) {
                r = judge(&wanted[i], &ret[i], error);
                if (r < 0)
                        return r;
        }
        return (int)n;
}

int console_find_one(Manager *m, const char *text, Container **ret, sd_bus_error *error) {
        ContainerId id;
        int r;

        /* Without a look at all others. */
        if (container_id_parse(text, &id) < 0 || !registry_find(m->registry, &id)) {
                r = console_find_all(m, &text, 1, &id, error);
                if (r < 0)
                        return r;
        }
        *ret = registry_find(m->registry, &id);
        return 0;
}
