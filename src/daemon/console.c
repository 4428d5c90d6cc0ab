/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/utf8.h"
#include "daemon/console.h"

/* Who may call is the bus policy's matter: without this flag the library would ask the bus who a caller is,
 * and the loop would wait for the answer. */
#define ANYBODY SD_BUS_VTABLE_UNPRIVILEGED

#define PROPERTY(name, type, flags) SD_BUS_PROPERTY(name, type, console_get_property, 0, flags)
#define TOLD(name, type)            PROPERTY(name, type, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)
#define CONST(name, type)           PROPERTY(name, type, SD_BUS_VTABLE_PROPERTY_CONST)
#define ASKED(name, type)           PROPERTY(name, type, 0)

/* In the order of dbus/org.reaperd.Reaper1.xml. */
const sd_bus_vtable console_vtable[] = {
        SD_BUS_VTABLE_START(0),

        CONST("Version", "s"),
        CONST("HostName", "s"),
        CONST("DryRun", "b"),
        CONST("StartedAt", "t"),
        ASKED("AnonymousMemory", "t"),
        TOLD("Endpoint", "s"),
        TOLD("Connected", "b"),
        TOLD("ConnectedSince", "t"),
        TOLD("EngineVersion", "s"),
        TOLD("EngineApiVersion", "s"),
        TOLD("SettlesAt", "t"),
        TOLD("SwarmState", "s"),
        TOLD("NodeId", "s"),
        ASKED("LastEventAt", "t"),
        ASKED("LastResyncAt", "t"),
        ASKED("Resyncs", "t"),
        TOLD("Known", "u"),
        TOLD("Tracked", "u"),
        TOLD("Stopped", "u"),
        TOLD("Quarantined", "u"),
        ASKED("DueNextHour", "u"),
        ASKED("NextDueAt", "t"),
        TOLD("FirstRunUntil", "t"),
        TOLD("SurgeUntil", "t"),
        TOLD("SurgeHeld", "u"),
        TOLD("PausedUntil", "t"),
        TOLD("PressureLevel", "s"),
        TOLD("PressureCause", "s"),
        TOLD("PressureGivenUp", "b"),
        ASKED("MemoryTotal", "t"),
        ASKED("MemoryAvailable", "t"),
        ASKED("MemoryFree", "t"),
        ASKED("DiskTotal", "t"),
        ASKED("DiskUsed", "t"),
        TOLD("Measuring", "b"),
        TOLD("Removed", "t"),
        ASKED("RemovedToday", "t"),
        TOLD("Failed", "t"),
        TOLD("Reclaimed", "t"),
        ASKED("ReclaimedToday", "t"),
        TOLD("ReclaimedDisk", "t"),
        ASKED("ReclaimedDiskToday", "t"),

        SD_BUS_METHOD_WITH_ARGS("ListContainers", SD_BUS_ARGS("a{sv}", filter, "s", after, "u", limit),
                        SD_BUS_RESULT("a" CONSOLE_CONTAINER, containers, "s", next), console_list, ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("FindContainers", SD_BUS_ARGS("s", container),
                        SD_BUS_RESULT("a(ss)", matches), console_find, ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("Explain", SD_BUS_ARGS("s", container),
                        SD_BUS_RESULT(CONSOLE_CONTAINER, about, "a(ssbsssts)", steps, "a(sbstssss)", levels),
                        console_explain, ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("History", SD_BUS_ARGS("t", since),
                        SD_BUS_RESULT("a" CONSOLE_REMOVAL, removals), console_history, ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("MemoryByService", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(suutttt)", services),
                        console_memory, ANYBODY),
        SD_BUS_METHOD_WITH_ARGS(
                        "Advise", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssss)", advice), console_advise, ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("CheckConfig", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ss)", faults),
                        console_check_config, ANYBODY),

        SD_BUS_METHOD_WITH_ARGS("CheckConfigFile", SD_BUS_ARGS("s", path), SD_BUS_RESULT("a(ss)", faults),
                        console_check_config_file, ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("Reap", SD_BUS_ARGS("as", containers, "b", dry_run),
                        SD_BUS_RESULT("a(ssbss)", results), console_reap, ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("ReapService", SD_BUS_ARGS("s", service, "b", dry_run),
                        SD_BUS_RESULT("a(ssbss)", results), console_reap_service, ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("ReapDue", SD_BUS_ARGS("b", dry_run), SD_BUS_RESULT("a(ssbss)", results),
                        console_reap_due, ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("Pause", SD_BUS_ARGS("t", span), SD_BUS_RESULT("t", until, "b", kept),
                        console_pause, ANYBODY),
        SD_BUS_METHOD_WITH_ARGS(
                        "Resume", SD_BUS_NO_ARGS, SD_BUS_RESULT("b", was_paused), console_resume, ANYBODY),
        SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, console_reload, ANYBODY),

        SD_BUS_SIGNAL_WITH_ARGS("ContainerStopped", SD_BUS_ARGS(CONSOLE_CONTAINER, container), 0),
        SD_BUS_SIGNAL_WITH_ARGS("ContainerRemoved", SD_BUS_ARGS(CONSOLE_REMOVAL, removal), 0),
        SD_BUS_SIGNAL_WITH_ARGS("ContainerQuarantined",
                        SD_BUS_ARGS("s", id, "s", name, "s", service, "u", attempts, "s", problem), 0),
        SD_BUS_SIGNAL_WITH_ARGS("EngineLost", SD_BUS_ARGS("s", endpoint, "s", problem), 0),
        SD_BUS_SIGNAL_WITH_ARGS("EngineBack", SD_BUS_ARGS("s", endpoint, "s", version, "s", api_version), 0),
        SD_BUS_SIGNAL_WITH_ARGS("RemovalsHeld", SD_BUS_ARGS("s", why, "u", containers, "t", until), 0),
        SD_BUS_SIGNAL_WITH_ARGS("PressureChanged", SD_BUS_ARGS("s", level, "s", cause, "b", given_up), 0),
        SD_BUS_SIGNAL_WITH_ARGS("BatchJudged",
                        SD_BUS_ARGS("s", cause, "u", removed, "t", held, "x", improvement, "b", helped, "b",
                                        gave_up),
                        0),
        SD_BUS_SIGNAL_WITH_ARGS("Paused", SD_BUS_ARGS("t", until), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Resumed", SD_BUS_NO_ARGS, 0),
        SD_BUS_SIGNAL_WITH_ARGS("Reloaded", SD_BUS_ARGS("b", accepted, "u", errors), 0),

        SD_BUS_VTABLE_END,
};

const char *console_text(char *buf, const char *text) {
        if (!text)
                return "";
        return utf8_is_valid(text, strlen(text)) ? text : log_escape(buf, CONSOLE_TEXT_MAX, text);
}

int console_new_answer(sd_bus_message *call, sd_bus_message **ret, sd_bus_error *error) {
        uint64_t waiting;
        int r;

        r = sd_bus_get_n_queued_write(sd_bus_message_get_bus(call), &waiting);
        if (r < 0)
                return r;
        if (waiting >= BUS_QUEUE_MAX)
                return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                "%" PRIu64 " messages wait for the bus to take them", waiting);
        return sd_bus_message_new_method_return(call, ret);
}
