/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/console.h"

/* A signal that is lost is no harm: who cares asks. */
static void say_untold(const char *member, int error) {
        log_debug("Cannot send the signal %s: %s", member, strerror(-error));
}

/* Texts among what is told are valid UTF-8. */
static void tell(const Manager *m, const char *member, const char *types, ...) {
        sd_bus *bus = bus_for_signals(m->bus);
        va_list ap;
        int r;

        if (!bus)
                return;
        va_start(ap, types);
        r = sd_bus_emit_signalv(bus, BUS_PATH, BUS_INTERFACE, member, types, ap);
        va_end(ap);
        if (r < 0)
                say_untold(member, r);
}

/* Room for what console_text() writes of one and another. */
typedef char Text[CONSOLE_TEXT_MAX];

void console_tell_stopped(const Manager *m, const Container *c, usec_t now) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *signal = NULL;
        sd_bus *bus = bus_for_signals(m->bus);
        int r;

        if (!bus)
                return;
        r = sd_bus_message_new_signal(bus, &signal, BUS_PATH, BUS_INTERFACE, "ContainerStopped");
        if (r >= 0)
                r = console_append_container(signal, m, c, now);
        if (r >= 0)
                r = sd_bus_send(bus, signal, NULL);
        if (r < 0)
                say_untold("ContainerStopped", r);
}

void console_tell_removed(const Manager *m, const Removal *removal) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *signal = NULL;
        sd_bus *bus = bus_for_signals(m->bus);
        int r;

        if (!bus)
                return;
        r = sd_bus_message_new_signal(bus, &signal, BUS_PATH, BUS_INTERFACE, "ContainerRemoved");
        if (r >= 0)
                r = console_append_removal(signal, removal);
        if (r >= 0)
                r = sd_bus_send(bus, signal, NULL);
        if (r < 0)
                say_untold("ContainerRemoved", r);
}

void console_tell_quarantined(const Manager *m, const Container *c, const char *problem) {
        char id[CONTAINER_ID_HEX_SIZE];
        Text name, service, words;

        tell(m, "ContainerQuarantined", "sssus", container_id_format(&c->id, id),
                        console_text(name, c->name), console_text(service, console_service(c)),
                        (uint32_t)c->attempts, console_text(words, problem));
}

void console_tell_engine_lost(const Manager *m, const char *problem) {
        Text endpoint, words;

        tell(m, "EngineLost", "ss", console_text(endpoint, m->settings->endpoint),
                        console_text(words, problem));
}

void console_tell_engine_back(const Manager *m) {
        Text endpoint, version;
        char api[32];

        (void)snprintf(api, sizeof(api), "%u.%u", m->api.major, m->api.minor);
        tell(m, "EngineBack", "sss", console_text(endpoint, m->settings->endpoint),
                        console_text(version, m->engine), api);
}

void console_tell_held(const Manager *m, const char *why, size_t n, usec_t until) {
        tell(m, "RemovalsHeld", "sut", why, (uint32_t)n, steady_clock_to_realtime(m->clock, until));
}

void console_tell_pressure(const Manager *m, PressureLevel level, PressureCause cause, bool given_up) {
        tell(m, "PressureChanged", "ssb", pressure_level_name(level), pressure_cause_name(cause),
                        (int)given_up);
}

void console_tell_batch(const Manager *m, const ReliefReport *report) {
        tell(m, "BatchJudged", "sutxbb", pressure_cause_name(report->batch.cause),
                        (uint32_t)report->batch.removed, report->batch.held,
                        report->known ? report->improvement : (int64_t)0, (int)report->helped,
                        (int)report->gave_up);
}

void console_tell_paused(const Manager *m, usec_t until) {
        if (until == 0)
                tell(m, "Resumed", NULL);
        else
                tell(m, "Paused", "t", until);
}

void console_tell_reloaded(const Manager *m, bool accepted, size_t n_errors) {
        tell(m, "Reloaded", "bu", (int)accepted, (uint32_t)n_errors);
}
