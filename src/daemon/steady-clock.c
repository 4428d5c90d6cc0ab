/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

#include "base/clock.h"
#include "daemon/steady-clock.h"

/* Less than this is the time between two readings. */
#define CLOCK_BACK_MIN USEC_PER_MSEC
/* By more than two readings are apart: the clock was set, or slewed for long. */
#define CLOCK_SHOWN_APART (100 * USEC_PER_MSEC)

struct SteadyClock {
        usec_t ahead; /* steady time minus CLOCK_BOOTTIME, for good */
        bool engine_elsewhere;
        usec_t engine_ahead, engine_behind; /* the engine's wall clock against CLOCK_BOOTTIME; one is 0 */
        usec_t wall_ahead;                  /* CLOCK_REALTIME minus CLOCK_BOOTTIME, when last compared */
        int64_t shown_ahead;                /* CLOCK_REALTIME minus steady time, as it is shown */
        ClockJumpHandler on_jump;
        void *userdata;
        sd_event_source *watch;
        int fd;
};

Instant steady_clock_now(const SteadyClock *c) {
        usec_t boottime = clock_read(CLOCK_BOOTTIME);

        return (Instant){
                .steady = boottime + c->ahead,
                .realtime = c->engine_elsewhere
                                            ? usec_sub(usec_add(boottime, c->engine_ahead), c->engine_behind)
                                            : clock_read(CLOCK_REALTIME),
        };
}

void steady_clock_set_elsewhere(SteadyClock *c, bool elsewhere) {
        c->engine_elsewhere = elsewhere;
        c->engine_ahead = 0;
        c->engine_behind = USEC_INFINITY;
}

void steady_clock_set_engine(SteadyClock *c, usec_t realtime) {
        usec_t boottime = clock_read(CLOCK_BOOTTIME);

        if (realtime == 0)
                realtime = clock_read(CLOCK_REALTIME);
        c->engine_elsewhere = true;
        c->engine_ahead = usec_sub(realtime, boottime);
        c->engine_behind = usec_sub(boottime, realtime);
}

usec_t steady_clock_to_boottime(const SteadyClock *c, usec_t steady) {
        return usec_sub(steady, c->ahead);
}

usec_t steady_clock_to_realtime(SteadyClock *c, usec_t steady) {
        int64_t ahead = (int64_t)(clock_read(CLOCK_REALTIME) - clock_read(CLOCK_BOOTTIME) - c->ahead);
        usec_t apart = (usec_t)(ahead > c->shown_ahead ? ahead - c->shown_ahead : c->shown_ahead - ahead);

        if (steady == 0 || steady == USEC_INFINITY)
                return steady;
        if (apart > CLOCK_SHOWN_APART)
                c->shown_ahead = ahead;
        return c->shown_ahead >= 0 ? usec_add(steady, (usec_t)c->shown_ahead)
                                   : usec_sub(steady, (usec_t)-c->shown_ahead);
}

void steady_clock_compare(SteadyClock *c, usec_t realtime, usec_t boottime) {
        usec_t ahead = usec_sub(realtime, boottime);
        usec_t forward = usec_sub(ahead, c->wall_ahead);
        usec_t backward = usec_sub(c->wall_ahead, ahead);

        c->wall_ahead = ahead;
        if (forward >= CLOCK_JUMP_MIN || backward >= CLOCK_BACK_MIN)
                c->on_jump(forward, backward, c->userdata);
}

static int on_clock_set(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        SteadyClock *c = userdata;
        uint64_t expirations;

        (void)source;
        (void)revents;
        /* Fails with ECANCELED when the clock was set; the timer stays armed. */
        if (read(fd, &expirations, sizeof(expirations)) < 0 && errno == EAGAIN)
                return 0;

        steady_clock_compare(c, clock_read(CLOCK_REALTIME), clock_read(CLOCK_BOOTTIME));
        return 0;
}

static int watch(SteadyClock *c, sd_event *event) {
        /* A timer that only ever tells that the clock was set, see timerfd_create(2). */
        const struct itimerspec never = { .it_value = { .tv_sec = (time_t)INT32_MAX * 64 } };
        int r;

        c->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
        if (c->fd < 0)
                return -errno;
        if (timerfd_settime(c->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0)
                return -errno;
        r = sd_event_add_io(event, &c->watch, c->fd, EPOLLIN, on_clock_set, c);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(c->watch, "wall-clock-set");
        /* Before the events that bear the new time. */
        (void)sd_event_source_set_priority(c->watch, SD_EVENT_PRIORITY_IMPORTANT);
        return 0;
}

int steady_clock_new(sd_event *event, ClockJumpHandler on_jump, void *userdata, SteadyClock **ret) {
        _cleanup_(steady_clock_freep) SteadyClock *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->fd = -1;
        c->on_jump = on_jump;
        c->userdata = userdata;
        /* A machine whose clock begins at 1970 may have been up for longer than its wall clock says. */
        c->wall_ahead = usec_sub(clock_read(CLOCK_REALTIME), clock_read(CLOCK_BOOTTIME));
        c->ahead = c->wall_ahead;

        if (event) {
                r = watch(c, event);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(c);
        return 0;
}

SteadyClock *steady_clock_free(SteadyClock *c) {
        if (!c)
                return NULL;
        sd_event_source_disable_unref(c->watch);
        closep(&c->fd);
        free(c);
        return NULL;
}
