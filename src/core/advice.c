/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the history limit has to be follows from the service that keeps most: of a slot Swarm counts the task
 * that runs and those that have ended, and when a new one is made it removes the oldest above the limit,
 * with their containers. What is due by its span goes by reaperd before or after, so the spans themselves
 * ask for no more than that an ended task is kept at all.
 *
 * `docker service update` starts the tasks of a service anew, and a job from its beginning: that is said,
 * and no job is to be updated by a command from here.
 */

#include "core/advice.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/time-span.h"
#include "core/profile.h"

/* Docker's own names have 63 characters at most. */
#define NAME_MAX_SIZE 128

/* How many tasks of a slot Swarm would have to keep, and for whose sake. */
typedef struct Need {
        bool known;     /* a service has been looked at */
        uint64_t limit; /* UINT64_MAX: all */
        char *text;     /* "KeepLast=3 (label org.reaperd.keep-last) of service web"; owned */
} Need;

struct Advisor {
        const Settings *settings;
        const char *config;
        int64_t history_limit;
        const char *log_driver; /* the engine's default if it is one that matters; static, or NULL */

        Advice *advice;
        size_t n_advice;
        size_t n_left_out;

        size_t n_default_logs; /* services whose logs go with their containers, by the engine's default */
        Need need;
};

const char *advice_kind_name(AdviceKind kind) {
        static const char *const names[_ADVICE_KIND_MAX] = {
                [ADVICE_HISTORY_LIMIT_LOW] = "history-limit-low",
                [ADVICE_HISTORY_LIMIT_HIGH] = "history-limit-high",
                [ADVICE_RESTART_DELAY] = "restart-delay",
                [ADVICE_LOG_DRIVER] = "log-driver",
                [ADVICE_JOB] = "job",
                [ADVICE_LEFT_OUT] = "left-out",
        };

        return names[kind];
}

/* Drivers whose logs are lost with the container; the static name, or NULL for any other. */
static const char *mortal_log_driver(const char *name) {
        static const char *const names[] = { "json-file", "local", "none" };

        for (size_t i = 0; name && i < ELEMENTS_OF(names); i++)
                if (strcmp(name, names[i]) == 0)
                        return names[i];
        return NULL;
}

static void advice_done(Advice *a) {
        free(a->subject);
        free(a->text);
        free(a->command);
}

/* Takes over text and command. */
static int add(Advisor *a, AdviceKind kind, const char *subject, char **text, char **command) {
        _cleanup_free_ char *copy = strdup(subject);
        Advice *grown;

        if (!copy)
                return -ENOMEM;
        grown = reallocarray(a->advice, a->n_advice + 1, sizeof(Advice));
        if (!grown)
                return -ENOMEM;

        a->advice = grown;
        a->advice[a->n_advice++] = (Advice){
                .kind = kind,
                .subject = TAKE_PTR(copy),
                .text = TAKE_PTR(*text),
                .command = TAKE_PTR(*command),
        };
        return 0;
}

/* Appends a word that a shell reads as this text and nothing else. */
static int append_word(char **command, const char *word) {
        size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-");
        int r;

        if (n > 0 && word[n] == '\0')
                return text_append(command, "%s", word);

        r = text_append(command, "'");
        for (const char *p = word; r >= 0 && *p; p++)
                r = *p == '\'' ? text_append(command, "'\\''") : text_append(command, "%c", *p);
        return r < 0 ? r : text_append(command, "'");
}

/* Names come from whoever may create services: what is not printable ASCII, or longer than Docker allows, is
 * not shown and stands in no command. */
static bool is_presentable(const char *name) {
        size_t n = 0;

        while (name[n] >= ' ' && name[n] <= '~')
                n++;
        return n > 0 && n <= NAME_MAX_SIZE && name[n] == '\0';
}

/* What the service is called here: by its name, else by its id, else by nothing (NULL). */
static const char *service_word(const ServiceFacts *s) {
        if (is_presentable(s->name))
                return s->name;
        return is_presentable(s->id) ? s->id : NULL;
}

/* Advice about one service, by the command of which `verb` is the beginning. Takes over the text. */
static int add_for_service(
                Advisor *a, AdviceKind kind, const ServiceFacts *s, char **text, const char *verb) {
        const char *word = service_word(s);
        _cleanup_free_ char *command = NULL;
        int r;

        if (!word)
                return 0;
        if (a->n_advice >= ADVICE_MAX) {
                a->n_left_out++;
                return 0;
        }

        /* What begins with a dash would be an option. */
        r = text_append(&command, "%s %s", verb, *word == '-' ? "-- " : "");
        if (r < 0)
                return r;
        r = append_word(&command, word);
        if (r < 0)
                return r;
        return add(a, kind, word, text, &command);
}

/* A task waits out the delay in state `created`. */
static int judge_restart_delay(Advisor *a, const ServiceFacts *s) {
        _cleanup_free_ char *text = NULL;
        char delay[TIME_SPAN_TEXT_MAX];
        int r;

        if (!s->restarts || s->restart_delay <= ADVICE_RESTART_DELAY_MAX)
                return 0;

        time_span_format(delay, sizeof(delay), s->restart_delay, USEC_PER_SEC);
        r = text_append(&text,
                        "A task waits %s to be started again, and its container is in state \"created\" "
                        "meanwhile. docker container prune and docker system prune remove that, and the "
                        "task fails; reaperd does not. (The command replaces the service's tasks.)",
                        delay);
        if (r < 0)
                return r;
        return add_for_service(
                        a, ADVICE_RESTART_DELAY, s, &text, "docker service update --restart-delay 5s");
}

static int judge_log_driver(Advisor *a, const ServiceFacts *s, const Profile *p) {
        const char *driver = mortal_log_driver(s->log_driver);
        _cleanup_free_ char *text = NULL;
        bool none;
        int r;

        /* Where no driver is named one piece of advice will do for all. The end of a log goes into the
         * journal with LogTail=, unless there is no log. */
        none = driver && strcmp(driver, "none") == 0;
        if (p->retention.log_tail > 0 && !none)
                return 0;
        if (!s->log_driver && a->log_driver)
                a->n_default_logs++;
        if (!driver || service_mode_is_job(s->mode))
                return 0;

        if (none)
                r = text_append(&text,
                                "Its log driver is none: why a task of it failed can be read nowhere. (The "
                                "command replaces the service's tasks.)");
        else
                r = text_append(&text,
                                "Its log driver %s keeps a container's log no longer than the container, "
                                "and "
                                "nothing of it is kept elsewhere (LogTail=0). (The command replaces the "
                                "service's tasks.)",
                                driver);
        if (r < 0)
                return r;
        return add_for_service(
                        a, ADVICE_LOG_DRIVER, s, &text, "docker service update --log-driver journald");
}

/* One that has not finished is let alone: to remove it would end it. */
static int judge_job(Advisor *a, const ServiceFacts *s) {
        _cleanup_free_ char *text = NULL;
        int r;

        if (!service_mode_is_job(s->mode) || !s->finished)
                return 0;

        r = text_append(&text,
                        "A job that has finished. Swarm never trims the tasks of a job: reaperd removes "
                        "their containers, but managers keep their records as long as the service is there "
                        "(engine 20.10: and behind that until another manager leads, or the leader is "
                        "started anew). If it is not to run again, remove it.");
        if (r < 0)
                return r;
        return add_for_service(a, ADVICE_JOB, s, &text, "docker service rm");
}

static void span_format(char *buf, size_t size, usec_t span) {
        if (span == USEC_INFINITY)
                snprintf(buf, size, "infinity");
        else
                time_span_format(buf, size, span, USEC_PER_SEC);
}

/* Which of the values that hold for these containers has Swarm keep most? */
static int take_need(Need *need, const Profile *p, const char *service) {
        const Retention *kept = &p->retention;
        SettingId id = SETTING_KEEP_LAST_FAILURE;
        _cleanup_free_ char *text = NULL;
        char value[TIME_SPAN_TEXT_MAX], origin[512];
        unsigned count = kept->keep_last_failure;
        uint64_t limit;
        int r;

        if (kept->keep_last > count) {
                id = SETTING_KEEP_LAST;
                count = kept->keep_last;
        }
        if (kept->keep_last_for <= kept->minimum_age)
                count = 0; /* neither keeps anything */
        if (count == 0 && kept->failure > kept->minimum_age) {
                id = SETTING_FAILURE;
                count = 1;
        }

        limit = count == COUNT_INFINITY ? UINT64_MAX : (uint64_t)count + (count > 0 ? 1 : 0);
        need->known = true;
        if (limit <= need->limit)
                return 0;

        if (id == SETTING_FAILURE)
                span_format(value, sizeof(value), kept->failure);
        else if (count == COUNT_INFINITY)
                snprintf(value, sizeof(value), "infinity");
        else
                snprintf(value, sizeof(value), "%u", count);
        r = text_append(&text, "%s=%s (%s)%s%s", setting_info(id)->key, value,
                        profile_origin(p, id, origin, sizeof(origin)), service ? " of service " : "",
                        service ? service : "");
        if (r < 0)
                return r;

        free(need->text);
        need->text = TAKE_PTR(text);
        need->limit = limit;
        return 0;
}

int advisor_add_service(Advisor *a, const ServiceFacts *s) {
        Subject subject = {
                .is_task = true,
                .service = s->name,
                .stack = labels_get(&s->container_labels, "com.docker.stack.namespace"),
                .image = s->image,
                .labels = &s->container_labels,
        };
        Profile profile;
        int r;

        profile_resolve(a->settings, &subject, &profile, NULL);

        /* Each task of a job is a slot of its own, which Swarm never trims. With a limit of attempts Swarm
         * keeps all of these, whatever the history limit. */
        if (!service_mode_is_job(s->mode) && s->max_attempts == 0) {
                r = take_need(&a->need, &profile, service_word(s));
                if (r < 0)
                        return r;
        }

        if (!service_mode_is_job(s->mode)) {
                r = judge_restart_delay(a, s);
                if (r < 0)
                        return r;
        }

        /* Their owners have decided. */
        if (profile.keep_by_label || profile.keep_by_rule)
                return 0;

        r = judge_log_driver(a, s, &profile);
        if (r < 0)
                return r;
        return judge_job(a, s);
}

static int advise_history_low(Advisor *a) {
        _cleanup_free_ char *text = NULL, *command = NULL;
        int r;

        if (a->history_limit <= 1)
                r = text_append(&text,
                                "Swarm keeps no ended task of a slot beside the one that runs (the limit is "
                                "%" PRId64 "), and removes its container: %s is without effect.",
                                a->history_limit, a->need.text);
        else
                r = text_append(&text,
                                "Of a slot Swarm keeps %" PRId64 " tasks, the one that runs included, and "
                                "removes the containers of older ones: %s is cut to %" PRId64 ".",
                                a->history_limit, a->need.text, a->history_limit - 1);
        if (r < 0)
                return r;

        if (a->need.limit == UINT64_MAX)
                r = text_append(&command, "docker swarm update --task-history-limit -1");
        else
                r = text_append(&command, "docker swarm update --task-history-limit %" PRIu64,
                                a->need.limit);
        if (r < 0)
                return r;
        return add(a, ADVICE_HISTORY_LIMIT_LOW, "swarm", &text, &command);
}

static int advise_history_high(Advisor *a) {
        uint64_t enough = a->need.limit > ADVICE_HISTORY_ENOUGH ? a->need.limit : ADVICE_HISTORY_ENOUGH;
        _cleanup_free_ char *text = NULL, *command = NULL;
        int r;

        if (a->history_limit < 0)
                r = text_append(&text, "Swarm keeps the record of every task that there ever was");
        else
                r = text_append(&text, "Swarm keeps the records of up to %" PRId64 " tasks of a slot",
                                a->history_limit);
        if (r >= 0)
                r = text_append(&text,
                                ", on every manager, also when reaperd has removed the containers. (With "
                                "%" PRIu64 ", Swarm itself removes all but the last %" PRIu64
                                " ended tasks of a slot, with their containers, even before their spans "
                                "are over.)",
                                enough, enough - 1);
        if (r >= 0)
                r = text_append(&command, "docker swarm update --task-history-limit %" PRIu64, enough);
        if (r < 0)
                return r;
        return add(a, ADVICE_HISTORY_LIMIT_HIGH, "swarm", &text, &command);
}

static int advise_history(Advisor *a) {
        bool all = a->history_limit < 0;

        /* Without services what [Retention] says is all that is known. */
        if (!a->need.known) {
                const Labels none = {};
                Subject any = { .is_task = true, .labels = &none };
                Profile profile;
                int r;

                profile_resolve(a->settings, &any, &profile, NULL);
                r = take_need(&a->need, &profile, NULL);
                if (r < 0)
                        return r;
        }

        if (!all && (uint64_t)a->history_limit < a->need.limit)
                return advise_history_low(a);
        if (a->need.limit != UINT64_MAX &&
                        (all || ((uint64_t)a->history_limit > a->need.limit &&
                                                a->history_limit > ADVICE_HISTORY_PLENTY)))
                return advise_history_high(a);
        return 0;
}

/* mkdir -p CONFIG.d && printf '[Retention]\nLogTail=20\n' >CONFIG.d/50-log-tail.conf && ... */
static int append_drop_in_command(char **command, const char *config) {
        _cleanup_free_ char *folder = NULL, *file = NULL;
        int r;

        r = text_append(&folder, "%s.d", config);
        if (r < 0)
                return r;
        r = text_append(&file, "%s/50-log-tail.conf", folder);
        if (r < 0)
                return r;

        r = text_append(command, "mkdir -p -- ");
        if (r >= 0)
                r = append_word(command, folder);
        if (r >= 0)
                r = text_append(command, " && printf '[Retention]\\nLogTail=20\\n' >");
        if (r >= 0)
                r = append_word(command, file);
        return r < 0 ? r : text_append(command, " && systemctl reload reaperd");
}

static int advise_default_log_driver(Advisor *a) {
        _cleanup_free_ char *text = NULL, *command = NULL;
        int r;

        if (a->n_default_logs == 0)
                return 0;

        r = text_append(&text,
                        "This engine's log driver %s keeps a container's log no longer than the container, "
                        "and %zu %s. The command has reaperd put the end of a failed one's log into the "
                        "journal: do so on each node. All of it stays with \"log-driver\": \"journald\" in "
                        "/etc/docker/daemon.json, for containers that are made from then on.",
                        a->log_driver, a->n_default_logs,
                        a->n_default_logs == 1 ? "service names no other" : "services name no other");
        if (r < 0)
                return r;
        r = append_drop_in_command(&command, a->config);
        if (r < 0)
                return r;
        return add(a, ADVICE_LOG_DRIVER, "engine", &text, &command);
}

static int advise_left_out(Advisor *a) {
        _cleanup_free_ char *text = NULL, *command = NULL;
        int r;

        if (a->n_left_out == 0)
                return 0;

        r = text_append(&text, "There would be %zu more pieces of advice.", a->n_left_out);
        if (r < 0)
                return r;
        command = strdup("");
        if (!command)
                return -ENOMEM;
        return add(a, ADVICE_LEFT_OUT, "", &text, &command);
}

static int compare(const void *p, const void *q) {
        const Advice *a = p, *b = q;

        if (a->kind != b->kind)
                return a->kind < b->kind ? -1 : 1;
        return strcmp(a->subject, b->subject);
}

int advisor_finish(Advisor *a, const Advice **ret, size_t *ret_n) {
        int r;

        r = advise_history(a);
        if (r < 0)
                return r;
        r = advise_default_log_driver(a);
        if (r < 0)
                return r;
        r = advise_left_out(a);
        if (r < 0)
                return r;

        if (a->n_advice > 0)
                qsort(a->advice, a->n_advice, sizeof(Advice), compare);
        *ret = a->advice;
        *ret_n = a->n_advice;
        return 0;
}

int advisor_new(const Settings *settings, const SwarmFacts *swarm, const char *default_log_driver,
                const char *config, Advisor **ret) {
        Advisor *a = calloc(1, sizeof(*a));

        if (!a)
                return -ENOMEM;
        a->settings = settings;
        a->config = config;
        a->history_limit = swarm->history_limit;
        a->log_driver = mortal_log_driver(default_log_driver);
        /* An engine that is set up to keep no logs is meant so, and LogTail= would not help. */
        if (a->log_driver && strcmp(a->log_driver, "none") == 0)
                a->log_driver = NULL;

        *ret = a;
        return 0;
}

Advisor *advisor_free(Advisor *a) {
        if (!a)
                return NULL;

        for (size_t i = 0; i < a->n_advice; i++)
                advice_done(&a->advice[i]);
        free(a->advice);
        free(a->need.text);
        free(a);
        return NULL;
}
