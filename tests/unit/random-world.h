/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_RANDOM_WORLD_H
#define REAPERD_TESTS_RANDOM_WORLD_H

/*
 * Random settings with rules, a container with labels among others of its slot, a situation and a moment:
 * what decisions are tried on.
 */

#include "policy-check.h"
#include "profile-oracle.h"

#define PEERS_MAX 4

typedef struct World {
        Settings settings;
        Rule rules[3];
        LabelPair pairs[5];
        Wish wish;
        const Rule *match;
        Profile profile;
        Expected expected;
        Situation situation;
        SharedText *nodes, *here, *elsewhere;
        Slot *slots;
        Container c, peers[PEERS_MAX];
        size_t n_peers;
} World;

static void random_settings(World *w, uint64_t *random) {
        static const unsigned factors[] = { 0, 1, 1000, 1000, 1000, 3333, 9999, SHARE_ALL };
        Settings *s = &w->settings;

        *s = default_settings();
        for (size_t k = 0; k < ELEMENTS_OF(rule_settings); k++)
                if (random_chance(random, 50)) {
                        put_value(&s->retention, rule_settings[k], random_value(random, rule_settings[k]));
                        set_in_file(s, rule_settings[k], "main", (unsigned)k);
                }
        if (s->origins[SETTING_OOM_KILLED].is_default)
                s->retention.oom_killed = s->retention.failure;
        if (s->origins[SETTING_SHUTDOWN].is_default)
                s->retention.shutdown = s->retention.success;
        s->pressure.minimum_age = usec_add(
                        MINIMUM_AGE_FLOOR, random_chance(random, 70) ? 5 * SEC : random_span(random));
        s->pressure.elevated_factor = factors[random_below(random, ELEMENTS_OF(factors))];
        s->labels_honor = random_chance(random, 80);
        s->labels_max_ttl = random_chance(random, 50) ? USEC_INFINITY : random_span(random);
        s->rules = w->rules;
        s->n_rules = random_below(random, 4);
        for (unsigned k = 0; k < s->n_rules; k++) {
                Rule *r = &w->rules[k];

                *r = (Rule){ .name = (char *)"r",
                        .kind = (RuleKind)random_below(random, 3),
                        .action = (RuleAction)random_below(random, 3) };
                if (r->action == RULE_ACTION_KEEP && random_chance(random, 60))
                        r->action = RULE_ACTION_NONE;
                for (size_t i = 0; i < ELEMENTS_OF(rule_settings); i++)
                        if (random_chance(random, 30)) {
                                put_value(&r->values, rule_settings[i],
                                                random_value(random, rule_settings[i]));
                                set_in_rule(r, rule_settings[i], "rules", 100 * k + (unsigned)i);
                        }
        }
}

static void random_labels(World *w, uint64_t *random) {
        static const struct {
                const char *text;
                usec_t span;
        } spans[] = { { "0", 0 }, { "10s", 10 * SEC }, { "1h", HOUR }, { "7d", 7 * DAY },
                { "infinity", USEC_INFINITY } };
        static const char *const counts[] = { "0", "1", "2", "infinity" };
        static const unsigned count_of[] = { 0, 1, 2, COUNT_INFINITY };
        size_t n = 0, k;

        if (random_chance(random, 20)) {
                w->wish.keep = random_chance(random, 70);
                w->pairs[n++] = (LabelPair){ KEEP, w->wish.keep ? "on" : "off" };
        }
        if (random_chance(random, 25)) {
                k = random_below(random, ELEMENTS_OF(spans));
                w->wish.has_ttl = true;
                w->wish.ttl = spans[k].span;
                w->pairs[n++] = (LabelPair){ TTL, spans[k].text };
        }
        if (random_chance(random, 25)) {
                k = random_below(random, ELEMENTS_OF(spans));
                w->wish.has_ttl_failure = true;
                w->wish.ttl_failure = spans[k].span;
                w->pairs[n++] = (LabelPair){ TTL_FAILURE, spans[k].text };
        }
        if (random_chance(random, 25)) {
                k = random_below(random, ELEMENTS_OF(counts));
                w->wish.has_keep_last = true;
                w->wish.keep_last = count_of[k];
                w->pairs[n++] = (LabelPair){ KEEP_LAST, counts[k] };
        }
        w->pairs[n] = (LabelPair){ NULL, NULL };
}

static Container random_container(const World *w, uint64_t *random, uint64_t number) {
        static const int codes[] = { 0, 0, 1, 137, 143 };
        usec_t end = EPOCH + (random_chance(random, 60) ? random_below(random, 5) * SEC
                                                        : random_below(random, 2 * DAY));
        Container c = { .id = id_of_number(number),
                .profile = &w->profile,
                .state = random_chance(random, 20) ? CONTAINER_DEAD : CONTAINER_EXITED,
                .finish = (uint8_t)(random_chance(random, 70) ? FINISH_EXACT : random_below(random, 3)),
                .exit_code = codes[random_below(random, ELEMENTS_OF(codes))],
                .oom_killed = random_chance(random, 15),
                .stop_asked = random_chance(random, 15),
                .exit_hinted = random_chance(random, 50),
                .exit_code_forged = random_chance(random, 10),
                .finished = end,
                .created = random_chance(random, 50) ? EPOCH - HOUR : end - random_below(random, HOUR),
                .looked_at = end + 1 + random_below(random, DAY),
                .labelled = true,
                .node = random_chance(random, 75) ? w->here : w->elsewhere };

        c.state_exact = c.finish == FINISH_EXACT;
        c.alive_until = random_chance(random, 50) ? 0 : end - random_below(random, MINUTE);
        if (random_chance(random, 10)) {
                c.state = CONTAINER_CREATED;
                c.failed_start = c.state_exact = true;
                c.finish = FINISH_BOUNDED;
                c.created = end;
                c.exit_code = 127;
                c.error_seen = end + random_below(random, 2 * HOUR);
        }
        return c;
}

static void random_situation(World *w, uint64_t *random, usec_t now) {
#define SOMETIMES(percent) (random_chance(random, percent) ? now - 1 + random_below(random, 3) : 0)
        w->situation = (Situation){ .engine_connected = random_chance(random, 97),
                .settled_at = SOMETIMES(10),
                .swarm_state = random_chance(random, 95)
                                               ? SWARM_ACTIVE
                                               : (SwarmState)random_below(random, _SWARM_STATE_MAX),
                .node_known_at = random_chance(random, 90) ? USEC_INFINITY : EPOCH,
                .node_id = random_chance(random, 90) ? "here" : NULL,
                .out_of_swarm = random_chance(random, 5),
                .paused_until = SOMETIMES(10),
                .reloading = random_chance(random, 3),
                .first_run_until = random_chance(random, 2) ? USEC_INFINITY : SOMETIMES(10),
                .surge_until = random_chance(random, 50) ? now - 1 + random_below(random, 3) : 0,
                .pressure = (PressureLevel)random_below(random, _PRESSURE_LEVEL_MAX),
                .pressure_by = random_chance(random, 50) ? SETTING_MEMORY_AVAILABLE_LOW
                                                         : SETTING_DISK_INODES_HIGH };
#undef SOMETIMES
}

static void build(World *w, uint64_t *random) {
        bool is_task = random_chance(random, 70);
        Labels labels = labels_of(w->pairs);
        Subject subject = { .is_task = is_task, .name = "x", .image = "y", .labels = &labels };

        memset(w, 0, sizeof(*w));
        w->here = shared_text_ref(&w->nodes, "here");
        w->elsewhere = shared_text_ref(&w->nodes, "elsewhere");
        random_settings(w, random);
        random_labels(w, random);
        for (size_t k = 0; k < w->settings.n_rules && !w->match; k++)
                if (w->rules[k].kind == RULE_KIND_ANY || (w->rules[k].kind == RULE_KIND_TASK) == is_task)
                        w->match = &w->rules[k];
        w->expected = expect_profile(&w->settings, w->match, &w->wish, is_task);
        profile_resolve(&w->settings, &subject, &w->profile, NULL);
        check_profile(&w->profile, &w->expected, w->match, is_task);

        w->c = random_container(w, random, 1);
        w->c.scope = is_task ? SCOPE_TASK : SCOPE_OTHER;
        w->c.listed_other = !is_task && random_chance(random, 90);
        w->n_peers = random_below(random, PEERS_MAX + 1);
        if (w->expected.in_scope) {
                assert_int_equal(slot_join(&w->slots, "slot", &w->c), 0);
                for (size_t i = 0; i < w->n_peers; i++) {
                        w->peers[i] = random_container(w, random, i + 2);
                        w->peers[i].scope = w->c.scope;
                        assert_int_equal(slot_join(&w->slots, "slot", &w->peers[i]), 0);
                }
        } else
                w->n_peers = 0;

        w->c.over_cap = random_chance(random, 15);
        w->c.surge_held = random_chance(random, 15);
        w->c.batch_rank = random_chance(random, 60) ? (uint8_t)random_between(random, 1, 100) : 0;
        w->c.quarantined = random_chance(random, 5);
        w->c.auto_remove = random_chance(random, 10);
        w->c.may_restart = random_chance(random, 10);
        w->c.retry_at = random_chance(random, 95) ? 0 : EPOCH + random_below(random, DAY);
}

static void clear(World *w) {
        slot_leave(&w->slots, &w->c);
        for (size_t i = 0; i < w->n_peers; i++)
                slot_leave(&w->slots, &w->peers[i]);
        assert_null(w->slots);
        shared_text_unref(&w->nodes, w->here);
        shared_text_unref(&w->nodes, w->elsewhere);
        assert_null(w->nodes);
}

/* A moment that something hangs on, or one nearby. */
static usec_t random_now(const World *w, uint64_t *random) {
        const Retention *r = &w->expected.r;
        const usec_t spans[] = { r->minimum_age, r->success, r->failure, r->oom_killed, r->shutdown,
                r->failed_start, r->orphan_age, r->keep_last_for, w->expected.keep_label_for,
                MINIMUM_AGE_FLOOR, random_below(random, 10 * DAY), w->settings.pressure.minimum_age,
                shrunk(r->success, w->settings.pressure.elevated_factor),
                shrunk(r->failure, w->settings.pressure.elevated_factor),
                shrunk(r->orphan_age, w->settings.pressure.elevated_factor) };
        usec_t base = random_chance(random, 80) ? slot_order(&w->c) : w->c.error_seen;
        usec_t now = plus(base, spans[random_below(random, ELEMENTS_OF(spans))]);

        if (now > USEC_INFINITY - 2)
                now = EPOCH + 1000 * DAY;
        now = now > 0 ? now - 1 + random_below(random, 3) : now;
        return latest(now, slot_order(&w->c), w->c.error_seen); /* nothing is seen before it happens */
}

#endif
