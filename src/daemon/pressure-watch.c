/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "base/event-timer.h"
#include "base/log.h"
#include "core/endpoint.h"
#include "daemon/pressure-watch.h"
#include "node/disk.h"
#include "node/engine-memory.h"
#include "node/meminfo.h"
#include "node/memory-cgroup.h"
#include "node/psi.h"

struct PressureWatch {
        sd_event *event; /* borrowed, as are the next two */
        SteadyClock *clock;
        const Settings *settings;
        const char *root_dir;
        PressureHandler handler;
        void *userdata;

        sd_event_source *timer;
        usec_t wake_at;
        Pressure pressure;
        NodeFigures figures;

        /* What Stall= and PressureFile= were when they were last seen to. */
        Stall stall;
        char *pressure_file;
        sd_event_source *trigger;
        bool by_counter;
        int stall_error; /* what was last said about them; 0: nothing */

        char socket_path[ENDPOINT_PATH_MAX + 1]; /* the engine's; "": it has none */
        bool memory_unknown_said, disk_unknown_said, inodes_unknown_said;
};

static usec_t steady_now(const PressureWatch *w) {
        return steady_clock_now(w->clock).steady;
}

static void arm(PressureWatch *w, usec_t now) {
        usec_t at = pressure_sample_at(&w->pressure, w->settings, &w->figures, now);

        if (w->by_counter)
                at = usec_min(at, usec_add(now, PRESSURE_PERIOD_MAX));
        at = usec_min(at, pressure_changes_at(&w->pressure, now));
        at = usec_min(at, w->wake_at);
        (void)event_timer_arm(w->timer, at == USEC_INFINITY ? at : steady_clock_to_boottime(w->clock, at));
}

static bool threshold_is_on(const PressureWatch *w, PressureCause cause) {
        return pressure_enters(w->settings, cause) != SHARE_OFF;
}

static void read_memory(PressureWatch *w) {
        int r;

        r = meminfo_read(MEMINFO_PATH, &w->figures);
        if (r >= 0 && pressure_share(&w->figures, PRESSURE_MEMORY_AVAILABLE) != SHARE_OFF)
                return;
        if (!w->memory_unknown_said)
                log_warning("Cannot read how much memory is available from %s: %s. Its thresholds are "
                            "without effect",
                                MEMINFO_PATH, r < 0 ? strerror(-r) : "it does not tell");
        w->memory_unknown_said = true;
}

static void say_disk(PressureWatch *w, bool *said, const char *what) {
        if (!*said)
                log_warning("How full the disk under %s is cannot be told: %s", w->root_dir, what);
        *said = true;
}

static void read_disk(PressureWatch *w) {
        int r;

        if (!w->root_dir)
                return;
        r = disk_read(w->root_dir, &w->figures);
        if (r < 0)
                say_disk(w, &w->disk_unknown_said, strerror(-r));
        else if (w->figures.disk_total == FIGURE_UNKNOWN)
                say_disk(w, &w->disk_unknown_said, "its file system has no size. [Disk] is without effect");
        else if (w->figures.inodes_total == FIGURE_UNKNOWN && threshold_is_on(w, PRESSURE_DISK_INODES))
                say_disk(w, &w->inodes_unknown_said,
                                "its file system has no fixed number of inodes. InodesHigh= is without "
                                "effect");
}

/* Where no trigger tells of stalls. The file may be gone, as a cgroup's is with the cgroup. */
static void count_stalls(PressureWatch *w, usec_t now) {
        usec_t total;

        if (w->by_counter && psi_read_total(w->pressure_file, w->stall.full, &total) >= 0)
                pressure_count_stalls(&w->pressure, &w->stall, total, now);
}

void pressure_watch_look(PressureWatch *w) {
        usec_t now = steady_now(w);

        w->figures = node_figures_unknown();
        if (threshold_is_on(w, PRESSURE_MEMORY_AVAILABLE) || threshold_is_on(w, PRESSURE_MEMORY_USED))
                read_memory(w);
        if (threshold_is_on(w, PRESSURE_DISK_USED) || threshold_is_on(w, PRESSURE_DISK_INODES))
                read_disk(w);
        pressure_sample(&w->pressure, w->settings, &w->figures, now);
        count_stalls(w, now);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        PressureWatch *w = userdata;

        (void)source;
        (void)usec;
        w->wake_at = USEC_INFINITY;
        pressure_watch_look(w);
        w->handler(w->userdata);
        arm(w, steady_now(w));
        return 0;
}

static void drop_trigger(PressureWatch *w) {
        w->trigger = sd_event_source_disable_unref(w->trigger);
}

static int on_trigger(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        PressureWatch *w = userdata;
        usec_t now = steady_now(w);

        (void)source;
        (void)fd;
        if (revents & (EPOLLERR | EPOLLHUP)) {
                log_warning("%s is gone: Stall= is without effect until the configuration is read again",
                                w->pressure_file);
                drop_trigger(w);
                return 0;
        }
        pressure_stalled(&w->pressure, now);
        w->handler(w->userdata);
        arm(w, steady_now(w));
        return 0;
}

static int add_trigger(PressureWatch *w) {
        int fd, r;

        fd = psi_open_trigger(w->pressure_file, &w->stall);
        if (fd < 0)
                return fd;
        r = sd_event_add_io(w->event, &w->trigger, fd, EPOLLPRI, on_trigger, w);
        if (r < 0) {
                (void)close(fd);
                return r;
        }
        (void)sd_event_source_set_description(w->trigger, "memory-stall");
        return sd_event_source_set_io_fd_own(w->trigger, true);
}

/* Says it once, as long as it is the same. */
static void say_stalls(PressureWatch *w, int error) {
        _cleanup_free_ char *stall = settings_format(w->settings, SETTING_STALL);

        if (error == w->stall_error)
                return;
        w->stall_error = error;
        if (w->by_counter)
                log_info("The kernel takes no trigger \"%s\" on %s: %s. Its counter is compared instead, "
                         "every "
                         "10s or sooner. Without privileges it takes windows of 2s, 4s and so on, from "
                         "Linux "
                         "6.4 on",
                                stall ? stall : "", w->pressure_file, strerror(-error));
        else if (error == -ENOENT || error == -EOPNOTSUPP)
                log_notice("There is no %s: Stall= is without effect. Where the kernel has it turned off, "
                           "psi=1 "
                           "on its command line turns it on",
                                w->pressure_file);
        else if (error < 0)
                log_notice("Stalls for want of memory cannot be read from %s: %s. Stall= is without effect",
                                w->pressure_file,
                                error == -EBADMSG ? "it is no such file of the kernel" : strerror(-error));
}

/* By a trigger, else by the counter, if either is to be had. */
static void watch_stalls(PressureWatch *w) {
        usec_t ignored;
        int r;

        r = add_trigger(w);
        if (r < 0)
                drop_trigger(w);
        /* What is no such file is not to be opened in vain either. */
        w->by_counter = r < 0 && r != -EBADMSG &&
                        psi_read_total(w->pressure_file, w->stall.full, &ignored) >= 0;
        say_stalls(w, r < 0 ? r : 0);
}

static bool stall_is_same(const PressureWatch *w, const Stall *stall) {
        return stall->on == w->stall.on && stall->full == w->stall.full &&
               stall->threshold == w->stall.threshold && stall->window == w->stall.window &&
               w->pressure_file && strcmp(w->settings->pressure.pressure_file, w->pressure_file) == 0;
}

static void configure_stalls(PressureWatch *w) {
        Stall stall = w->settings->pressure.stall;

        stall.on = stall.on && w->settings->pressure.enabled;
        if (!stall_is_same(w, &stall)) {
                w->stall_error = 0;
                w->stall = stall;
                free(w->pressure_file);
                w->pressure_file = strdup(w->settings->pressure.pressure_file);
                if (!w->pressure_file)
                        log_error("Stall= is without effect: out of memory");
        } else if (w->trigger)
                return;

        /* Also if it is the same: what was missing may be there by now. */
        drop_trigger(w);
        w->by_counter = false;
        pressure_forget_counter(&w->pressure);
        if (stall.on && w->pressure_file)
                watch_stalls(w);
}

void pressure_watch_configure(PressureWatch *w, const Settings *settings) {
        w->settings = settings;
        w->disk_unknown_said = w->inodes_unknown_said = false;
        configure_stalls(w);
        pressure_watch_look(w);
        arm(w, steady_now(w));
}

void pressure_watch_set_engine(PressureWatch *w, const Endpoint *endpoint) {
        snprintf(w->socket_path, sizeof(w->socket_path), "%s", endpoint->path);
}

void pressure_watch_set_disk(PressureWatch *w, const char *root_dir) {
        w->root_dir = root_dir;
        w->disk_unknown_said = w->inodes_unknown_said = false;
        pressure_watch_wake_at(w, 0);
}

const Pressure *pressure_watch_state(const PressureWatch *w) {
        return &w->pressure;
}

const NodeFigures *pressure_watch_figures(const PressureWatch *w) {
        return &w->figures;
}

void pressure_watch_wake_at(PressureWatch *w, usec_t when) {
        usec_t now = steady_now(w);

        w->wake_at = when == 0 ? now : when;
        arm(w, now);
}

void pressure_watch_measure(PressureWatch *w, NodeFigures *ret) {
        MemoryCgroups cgroups;
        NodeFigures figures;
        bool have_cgroups;

        pressure_watch_look(w);
        figures = w->figures;
        /* A sample has only what the thresholds ask for. */
        if (figures.memory_total == FIGURE_UNKNOWN)
                (void)meminfo_read(MEMINFO_PATH, &figures);
        if (figures.disk_total == FIGURE_UNKNOWN && w->root_dir)
                (void)disk_read(w->root_dir, &figures);
        have_cgroups = memory_cgroups_find("/proc", &cgroups) >= 0;
        if (have_cgroups)
                (void)memory_cgroups_count_dying(&cgroups, "/proc", &figures.dying_cgroups);
        (void)engine_memory_measure(have_cgroups ? &cgroups : NULL, "/proc",
                        w->socket_path[0] ? w->socket_path : NULL, &figures.engine_memory);
        *ret = figures;
}

int pressure_watch_new(sd_event *event, SteadyClock *clock, PressureHandler handler, void *userdata,
                PressureWatch **ret) {
        _cleanup_(pressure_watch_freep) PressureWatch *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        w->event = event;
        w->clock = clock;
        w->handler = handler;
        w->userdata = userdata;
        w->wake_at = USEC_INFINITY;
        w->figures = node_figures_unknown();
        pressure_init(&w->pressure);
        r = event_timer_new(event, CLOCK_BOOTTIME, on_timer, w, "pressure", &w->timer);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(w);
        return 0;
}

PressureWatch *pressure_watch_free(PressureWatch *w) {
        if (!w)
                return NULL;
        drop_trigger(w);
        sd_event_source_disable_unref(w->timer);
        free(w->pressure_file);
        free(w);
        return NULL;
}
