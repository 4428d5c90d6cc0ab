/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `explain`: the order of decisions for one container, step by step, as the daemon tells it.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/container-row.h"
#include "ctl/format.h"
#include "ctl/pager.h"
#include "ctl/tell.h"
#include "ctl/verbs.h"

#define ABOUT_TYPE "(ssssssssttttttb)"

typedef struct Step {
        const char *step, *effect, *setting, *value, *origin, *text;
        uint64_t ends_in;
        int decides;
} Step;

typedef struct Level {
        const char *level, *verdict, *setting, *value, *origin, *text;
        uint64_t due_in;
        int now;
} Level;

/* The search over all nodes. */
typedef struct Search {
        const Console *console;
        Nodes nodes;
        JsonRows rows;
        size_t n_found, n_ambiguous;
} Search;

static int read_step(sd_bus_message *m, Step *ret) {
        return sd_bus_message_read(m, "(ssbsssts)", &ret->step, &ret->effect, &ret->decides, &ret->setting,
                        &ret->value, &ret->origin, &ret->ends_in, &ret->text);
}

static int read_level(sd_bus_message *m, Level *ret) {
        return sd_bus_message_read(m, "(sbstssss)", &ret->level, &ret->now, &ret->verdict, &ret->due_in,
                        &ret->setting, &ret->value, &ret->origin, &ret->text);
}

/* --- for people --- */

static void put_label(const Terminal *t, const char *label) {
        terminal_put(t, COLOUR_NONE, "%10s: ", label);
}

static void put_holding(const Terminal *t, const ContainerRow *c) {
        char cached[FORMAT_MAX], dirty[FORMAT_MAX], disk[FORMAT_MAX], inodes[FORMAT_MAX];

        put_label(t, "Holds");
        if (c->cached == UINT64_MAX && c->disk == UINT64_MAX)
                terminal_put(t, COLOUR_NONE, "not measured");
        else
                terminal_put(t, COLOUR_NONE, "%s of page cache (%s dirty), %s on disk, %s inodes",
                                format_size(cached, c->cached), format_size(dirty, c->dirty),
                                format_size(disk, c->disk), format_count(inodes, c->inodes));
        (void)putchar('\n');
}

/* Those that only time with something else behind it ends. */
static bool is_only_looked_at(const char *verdict) {
        static const char *const verdicts[] = { "starting", "removing", "may-restart", "auto-remove" };

        for (size_t i = 0; i < ELEMENTS_OF(verdicts); i++)
                if (strcmp(verdicts[i], verdict) == 0)
                        return true;
        return false;
}

static void put_about(const Terminal *t, const Node *node, const ContainerRow *c) {
        char text[FORMAT_MAX];

        terminal_put(t, COLOUR_BOLD, "%s", c->name[0] ? c->name : "(no name)");
        terminal_put(t, COLOUR_NONE, " (%.*s)", ID_DIGITS, c->id);
        if (node->several)
                terminal_put(t, COLOUR_NONE, " on %s", node->name);
        (void)putchar('\n');

        if (c->service[0]) {
                put_label(t, "Service");
                terminal_put(t, COLOUR_NONE, "%s", container_row_place(c));
                (void)putchar('\n');
        }
        if (c->image[0]) {
                put_label(t, "Image");
                terminal_put(t, COLOUR_NONE, "%s", c->image);
                (void)putchar('\n');
        }
        put_label(t, "State");
        terminal_put(t, COLOUR_NONE, "%s", c->state);
        if (c->age != USEC_INFINITY)
                terminal_put(t, COLOUR_NONE, "%s%s, %s ago", c->outcome[0] ? ", " : "", c->outcome,
                                format_span(text, c->age));
        (void)putchar('\n');
        put_holding(t, c);

        put_label(t, "Verdict");
        terminal_put(t, verdict_colour(c->verdict), "%s", c->verdict);
        if (c->due_in != USEC_INFINITY) {
                terminal_put(t, COLOUR_NONE, ", %s %s%s",
                                is_only_looked_at(c->verdict) ? "looked at again" : "due",
                                c->due_in > 0 ? "in " : "", format_due(text, c->due_in));
                if (!c->exact)
                        terminal_put(t, COLOUR_GREY, " (not inspected yet)");
        }
        (void)printf("\n\n");
}

/* The mark in front of a step, without UTF-8 and with it, and its colour. */
static const struct {
        const char *effect, *plain, *mark;
        Colour colour;
} effects[] = {
        { "passes", "+", "\xe2\x9c\x93", COLOUR_GREEN },
        { "keeps", "=", "\xe2\x97\x8f", COLOUR_YELLOW },
        { "removes", "x", "\xe2\x9c\x97", COLOUR_RED },
        { "skipped", ".", "\xc2\xb7", COLOUR_GREY },
};

static void put_step(const Terminal *t, const Step *s) {
        const char *mark = "?";
        Colour colour = COLOUR_NONE, text_colour;

        for (size_t i = 0; i < ELEMENTS_OF(effects); i++)
                if (strcmp(effects[i].effect, s->effect) == 0) {
                        mark = t->utf8 ? effects[i].mark : effects[i].plain;
                        colour = effects[i].colour;
                }
        text_colour = s->decides ? COLOUR_BOLD : colour == COLOUR_GREY ? COLOUR_GREY : COLOUR_NONE;

        terminal_put(t, COLOUR_BOLD, "%s", !s->decides ? "  " : t->utf8 ? "\xe2\x86\x92 " : "> ");
        terminal_put(t, colour, "%s", mark);
        terminal_put(t, text_colour, " %-11s ", s->step);
        terminal_put_wrapped(t, text_colour, 16, 16, s->text);
}

static void put_level(const Terminal *t, const Level *l) {
        terminal_put(t, COLOUR_BOLD, "%s", !l->now ? "  " : t->utf8 ? "\xe2\x86\x92 " : "> ");
        terminal_put(t, l->now ? COLOUR_BOLD : COLOUR_NONE, "%-9s ", l->level);
        terminal_put_wrapped(t, COLOUR_NONE, 12, 12, l->text);
}

static int put_answer(const Search *search, const Node *node, sd_bus_message *answer) {
        const Terminal *t = &search->console->terminal;
        ContainerRow about;
        Level level;
        Step step;
        int r;

        r = container_row_read(answer, &about);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;

        pager_open(search->console->options.pager);
        if (search->n_found > 0)
                (void)putchar('\n');
        put_about(t, node, &about);

        r = sd_bus_message_enter_container(answer, 'a', "(ssbsssts)");
        if (r < 0)
                return r;
        while ((r = read_step(answer, &step)) > 0)
                put_step(t, &step);
        if (r >= 0)
                r = sd_bus_message_exit_container(answer);
        if (r >= 0)
                r = sd_bus_message_enter_container(answer, 'a', "(sbstssss)");
        if (r < 0)
                return r;

        (void)putchar('\n');
        terminal_put(t, COLOUR_BOLD, "Under pressure");
        (void)putchar('\n');
        while ((r = read_level(answer, &level)) > 0)
                put_level(t, &level);
        return r;
}

/* --- for programs --- */

static int add_steps(JsonRows *rows, sd_bus_message *answer) {
        Step s;
        int r;

        r = sd_bus_message_enter_container(answer, 'a', "(ssbsssts)");
        if (r < 0)
                return r;
        json_begin_array(rows, "steps");
        while ((r = read_step(answer, &s)) > 0) {
                json_begin_object(rows, NULL);
                json_text(rows, "step", s.step);
                json_text(rows, "effect", s.effect);
                json_bool(rows, "decides", s.decides);
                json_text(rows, "setting", s.setting);
                json_text(rows, "value", s.value);
                json_text(rows, "origin", s.origin);
                json_u64(rows, "ends_in_usec", s.ends_in);
                json_text(rows, "text", s.text);
                json_end(rows);
        }
        json_end(rows);
        return r < 0 ? r : sd_bus_message_exit_container(answer);
}

static int add_levels(JsonRows *rows, sd_bus_message *answer) {
        Level l;
        int r;

        r = sd_bus_message_enter_container(answer, 'a', "(sbstssss)");
        if (r < 0)
                return r;
        json_begin_array(rows, "levels");
        while ((r = read_level(answer, &l)) > 0) {
                json_begin_object(rows, NULL);
                json_text(rows, "level", l.level);
                json_bool(rows, "now", l.now);
                json_text(rows, "verdict", l.verdict);
                json_u64(rows, "due_in_usec", l.due_in);
                json_text(rows, "setting", l.setting);
                json_text(rows, "value", l.value);
                json_text(rows, "origin", l.origin);
                json_text(rows, "text", l.text);
                json_end(rows);
        }
        json_end(rows);
        return r < 0 ? r : sd_bus_message_exit_container(answer);
}

static int add_answer(Search *search, const Node *node, sd_bus_message *answer) {
        ContainerRow about;
        int r;

        r = container_row_read(answer, &about);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;

        json_row(&search->rows, node);
        container_row_json(&search->rows, &about);
        r = add_steps(&search->rows, answer);
        return r < 0 ? r : add_levels(&search->rows, answer);
}

/* --- the search --- */

static int tell_matches(Search *search, const Node *node, const char *text) {
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *answer = NULL;
        const char *id, *name, *on = node->several ? " on " : "", *where = node->several ? node->name : "";
        int r;

        search->n_ambiguous++;
        r = node_call(node, NODE_TIMEOUT, "FindContainers", &error, &answer, "s", text);
        if (r < 0)
                return node_problem(&search->nodes, node, &error);

        r = sd_bus_message_enter_container(answer, 'a', "(ss)");
        if (r < 0)
                return node_bad_answer(&search->nodes, node, r);
        tell("%s: more than one container is meant by this%s%s:", text, on, where);
        while ((r = sd_bus_message_read(answer, "(ss)", &id, &name)) > 0)
                tell("  %.*s %s", ID_DIGITS, id, name);
        return r < 0 ? node_bad_answer(&search->nodes, node, r) : EXIT_FAILED;
}

static int explain_on(Search *search, const Node *node, const char *text) {
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *answer = NULL;
        int r;

        r = node_call(node, NODE_TIMEOUT, "Explain", &error, &answer, "s", text);
        if (r < 0 && sd_bus_error_has_name(&error, NODE_ERROR_NO_SUCH_CONTAINER))
                return EXIT_DONE; /* another may have it */
        if (r < 0 && sd_bus_error_has_name(&error, NODE_ERROR_AMBIGUOUS_CONTAINER))
                return tell_matches(search, node, text);
        if (r < 0)
                return node_problem(&search->nodes, node, &error);

        if (search->console->options.json != JSON_OFF)
                r = add_answer(search, node, answer);
        else
                r = put_answer(search, node, answer);
        if (r < 0)
                return node_bad_answer(&search->nodes, node, r);
        search->n_found++;
        return EXIT_DONE;
}

static int explain(Search *search) {
        const Console *c = search->console;
        const char *text = c->options.arguments[0];
        int r, status = EXIT_DONE;

        r = nodes_open(&c->options, &search->nodes);
        if (r < 0)
                return r;
        for (const Node *n = nodes_next(&search->nodes, NULL); n; n = nodes_next(&search->nodes, n)) {
                r = explain_on(search, n, text);
                if (r < 0)
                        return r;
                if (r > status)
                        status = r;
        }

        if (c->options.json != JSON_OFF) {
                r = json_print(&search->rows, c->options.json);
                if (r < 0)
                        return r;
        }
        /* What could not be asked has been told, and may have had it. */
        if (search->n_found == 0 && search->n_ambiguous == 0 && !search->nodes.failed) {
                tell("%s: no such container", text);
                return EXIT_FAILED;
        }
        return status == EXIT_DONE && search->nodes.failed ? EXIT_FAILED : status;
}

int verb_explain(const Console *c) {
        Search search = { .console = c };
        int r;

        r = explain(&search);
        json_done(&search.rows);
        nodes_close(&search.nodes);
        return r;
}
