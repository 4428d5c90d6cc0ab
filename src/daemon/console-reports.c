/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/explanation.h"
#include "daemon/console.h"

static const char *key_of(SettingId setting) {
        return setting == _SETTING_INVALID ? "" : setting_info(setting)->key;
}

static int append_steps(sd_bus_message *reply, const Explanation *e, usec_t now) {
        char value[CONSOLE_TEXT_MAX], origin[CONSOLE_TEXT_MAX], text[CONSOLE_TEXT_MAX];
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(ssbsssts)");
        for (size_t i = 0; r >= 0 && i < e->n_steps; i++) {
                const ExplanationStep *s = &e->steps[i];

                r = sd_bus_message_append(reply, "(ssbsssts)", explanation_step_name(s->kind),
                                explanation_effect_name(s->effect), (int)s->decides, key_of(s->setting),
                                console_text(value, s->value), console_text(origin, s->origin),
                                usec_sub(s->until, now), console_text(text, s->text));
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_levels(sd_bus_message *reply, const Manager *m, const Explanation *e, usec_t now) {
        char value[CONSOLE_TEXT_MAX], origin[CONSOLE_TEXT_MAX], text[CONSOLE_TEXT_MAX];
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(sbstssss)");
        for (PressureLevel i = 0; r >= 0 && i < _PRESSURE_LEVEL_MAX; i++) {
                const ExplanationLevel *l = &e->levels[i];

                r = sd_bus_message_append(reply, "(sbstssss)", pressure_level_name(i),
                                (int)(i == m->situation.pressure), verdict_name(l->decision.verdict),
                                usec_sub(l->decision.due, now), key_of(l->decision.setting),
                                console_text(value, l->value), console_text(origin, l->origin),
                                console_text(text, l->text));
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int console_explain(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(explanation_done) Explanation e = { 0 };
        Manager *m = userdata;
        usec_t now = steady_clock_now(m->clock).steady;
        const char *text;
        Container *c;
        int r;

        r = sd_bus_message_read(call, "s", &text);
        if (r >= 0)
                r = console_find_one(m, text, &c, error);
        if (r >= 0)
                r = explanation_make(c, &m->situation, now, &e);
        if (r >= 0)
                r = console_new_answer(call, &reply, error);
        if (r >= 0)
                r = console_append_container(reply, m, c, now);
        if (r >= 0)
                r = append_steps(reply, &e, now);
        if (r >= 0)
                r = append_levels(reply, m, &e, now);
        return r < 0 ? r : sd_bus_message_send(reply);
}

int console_append_removal(sd_bus_message *reply, const Removal *removal) {
        char name[CONSOLE_TEXT_MAX], service[CONSOLE_TEXT_MAX], image[CONSOLE_TEXT_MAX];
        char origin[CONSOLE_TEXT_MAX], rule[CONSOLE_TEXT_MAX], id[CONTAINER_ID_HEX_SIZE];

        return sd_bus_message_append(reply, CONSOLE_REMOVAL, removal->at,
                        container_id_format(&removal->id, id), console_text(name, removal->name),
                        console_text(service, removal->service), console_text(image, removal->image),
                        console_outcome(removal->outcome), verdict_name(removal->verdict),
                        key_of(removal->setting), console_text(origin, removal->origin),
                        console_text(rule, removal->rule), removal->age, removal->exit_code,
                        removal->held.cached, removal->held.dirty, removal->held.disk, removal->held.inodes,
                        removal->observed, (uint32_t)removal->observed_of, (int)removal->dry_run,
                        (uint32_t)removal->attempts);
}

int console_history(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const Manager *m = userdata;
        uint64_t since;
        int r;

        r = sd_bus_message_read(call, "t", &since);
        if (r >= 0)
                r = console_new_answer(call, &reply, error);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', CONSOLE_REMOVAL);
        for (const Removal *i = removal_history_next(m->history, NULL); r >= 0 && i;
                        i = removal_history_next(m->history, i))
                if (i->at >= since)
                        r = console_append_removal(reply, i);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_send(reply);
}

/* What the stopped containers of one service hold, as far as it is known. */
typedef struct Sum {
        const char *service;
        uint32_t stopped, measured;
        uint64_t cached, dirty, disk, inodes;
} Sum;

static void add_figure(uint64_t *sum, uint64_t figure) {
        if (figure != FIGURE_UNKNOWN)
                *sum += figure;
}

static void add_container(Sum *sum, const Holding *h) {
        sum->stopped++;
        if (!h || (h->cached == FIGURE_UNKNOWN && h->disk == FIGURE_UNKNOWN))
                return;
        sum->measured++;
        add_figure(&sum->cached, h->cached);
        add_figure(&sum->dirty, h->dirty);
        add_figure(&sum->disk, h->disk);
        add_figure(&sum->inodes, h->inodes);
}

static int compare_services(const void *a, const void *b) {
        const Container *const *x = a, *const *y = b;
        const char *first = console_service(*x), *second = console_service(*y);

        return strcmp(first ? first : "", second ? second : "");
}

/* The stopped ones, by service. Returns how many, or -ENOMEM. */
static ssize_t sort_stopped(const Manager *m, const Container ***ret) {
        _cleanup_free_ const Container **found = NULL;
        size_t n = 0;

        found = calloc(registry_count(m->registry) + 1, sizeof(*found));
        if (!found)
                return -ENOMEM;
        for (const Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c))
                if (console_is_stopped(c))
                        found[n++] = c;
        qsort(found, n, sizeof(*found), compare_services);
        *ret = TAKE_PTR(found);
        return (ssize_t)n;
}

static int append_sum(sd_bus_message *reply, const Sum *s) {
        char service[CONSOLE_TEXT_MAX];

        return sd_bus_message_append(reply, "(suutttt)", console_text(service, s->service), s->stopped,
                        s->measured, s->cached, s->dirty, s->disk, s->inodes);
}

int console_memory(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_free_ const Container **stopped = NULL;
        const Manager *m = userdata;
        Sum sum = { 0 };
        ssize_t n;
        int r;

        n = sort_stopped(m, &stopped);
        if (n < 0)
                return (int)n;
        r = console_new_answer(call, &reply, error);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(suutttt)");
        for (ssize_t i = 0; r >= 0 && i < n; i++) {
                if (i > 0 && compare_services(&stopped[i - 1], &stopped[i]) != 0) {
                        r = append_sum(reply, &sum);
                        sum = (Sum){ 0 };
                }
                sum.service = console_service(stopped[i]);
                add_container(&sum, registry_holding(m->registry, stopped[i]));
        }
        if (r >= 0 && n > 0)
                r = append_sum(reply, &sum);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_send(reply);
}
