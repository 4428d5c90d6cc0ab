/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/event-timer.h"
#include "base/file.h"
#include "base/log.h"

#define FILE_MODE 0644

struct Metrics {
        sd_event *event;
        sd_event_source *timer;
        MetricsCollector collect;
        void *userdata;

        char *path;       /* NULL: nothing is written */
        bool soon;        /* the timer is set for what has changed already */
        bool for_change;  /* ... by the rules for changes */
        bool changed;     /* a change has been written, at: */
        usec_t change_at; /* CLOCK_MONOTONIC */
        bool failed;      /* the last time, and that was said */
        dev_t device;     /* of the file that we have written: */
        ino_t inode;      /* 0: none yet */
};

/* A new file of this text, readable by all. */
static int make_file(const char *path, const char *text, struct stat *ret_stat) {
        _cleanup_close_ int fd = -1;
        mode_t mask;
        int r;

        /* The collector is another user, whatever the umask is. Not by fchmod(2): a drop-in for the unit
         * may have taken it away. */
        mask = umask(0777 & ~FILE_MODE);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
        r = fd < 0 ? -errno : 0;
        (void)umask(mask);
        if (r < 0)
                return r;

        r = file_write_text(fd, text);
        if (r < 0)
                return r;
        if (fstat(fd, ret_stat) < 0)
                return -errno;

        /* Some file systems only tell now that there is no room. */
        return close(TAKE_FD(fd)) < 0 ? -errno : 0;
}

/* What the file is called until it is whole: beside it, another name for each process, and one that no
 * collector reads. */
static char *temporary_path(const char *path) {
        const char *name = strrchr(path, '/') + 1;
        char *temporary;

        if (asprintf(&temporary, "%.*s.%s.%ld", (int)(name - path), path, name, (long)getpid()) < 0)
                return NULL;
        return temporary;
}

static int replace_file(const char *path, const char *text, struct stat *ret_stat) {
        _cleanup_free_ char *temporary = temporary_path(path);
        int r;

        if (!temporary)
                return -ENOMEM;

        /* Left by one of the same number that was killed. */
        (void)unlink(temporary);

        r = make_file(temporary, text, ret_stat);
        if (r == -EEXIST)
                return r; /* not ours, nor one that could be removed */
        if (r >= 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0)
                (void)unlink(temporary);
        return r;
}

static int write_file(Metrics *m) {
        _cleanup_free_ char *text = NULL;
        MetricsGauges gauges = {};
        struct stat st;
        int r;

        m->collect(&gauges, m->userdata);
        text = metrics_format(&gauges);
        if (!text)
                return -ENOMEM;

        r = replace_file(m->path, text, &st);
        if (r < 0)
                return r;

        m->device = st.st_dev;
        m->inode = st.st_ino;
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Metrics *m = userdata;
        int r;

        (void)source;
        (void)usec;
        r = write_file(m);
        if (r < 0 && !m->failed)
                log_warning("Cannot write metrics to %s: %s; this is tried again", m->path, strerror(-r));
        else if (r >= 0 && m->failed)
                log_notice("Metrics are written to %s now", m->path);
        m->failed = r < 0;

        if (m->for_change)
                m->changed = sd_event_now(m->event, CLOCK_MONOTONIC, &m->change_at) >= 0;
        m->soon = m->for_change = false;
        (void)event_timer_arm_relative(m->timer, METRICS_PERIOD);
        return 0;
}

/* What is there may be another's by now: a daemon that was started by hand with the same configuration. */
static void remove_file(Metrics *m) {
        struct stat st;

        if (lstat(m->path, &st) >= 0 && st.st_dev == m->device && st.st_ino == m->inode)
                (void)unlink(m->path);
        m->inode = 0;
}

int metrics_new(sd_event *event, MetricsCollector collect, void *userdata, Metrics **ret) {
        _cleanup_(metrics_freep) Metrics *m = NULL;
        int r;

        m = calloc(1, sizeof(Metrics));
        if (!m)
                return -ENOMEM;

        m->event = sd_event_ref(event);
        m->collect = collect;
        m->userdata = userdata;
        r = event_timer_new(event, CLOCK_MONOTONIC, on_timer, m, "metrics", &m->timer);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(m);
        return 0;
}

Metrics *metrics_free(Metrics *m) {
        if (!m)
                return NULL;

        if (m->path)
                remove_file(m);
        free(m->path);
        (void)sd_event_source_disable_unref(m->timer);
        (void)sd_event_unref(m->event);
        free(m);
        return NULL;
}

int metrics_configure(Metrics *m, const char *path) {
        char *copy = NULL;

        if (path && m->path && strcmp(path, m->path) == 0)
                return 0;

        if (path) {
                copy = strdup(path);
                if (!copy)
                        return -ENOMEM;
        }

        if (m->path)
                remove_file(m);
        free(m->path);
        m->path = copy;
        m->failed = m->changed = m->for_change = false;

        /* At once: somebody may have made a link to it, or look for it. */
        m->soon = m->path && event_timer_arm_relative(m->timer, 0) >= 0;
        if (!m->path)
                (void)event_timer_arm(m->timer, USEC_INFINITY);
        return 0;
}

void metrics_changed(Metrics *m) {
        usec_t now, next = METRICS_GATHER;

        if (!m || !m->path || m->soon)
                return;

        /* The first change after a quiet time is told soon, those that follow it together. */
        if (m->changed && sd_event_now(m->event, CLOCK_MONOTONIC, &now) >= 0)
                next = usec_max(next, usec_sub(usec_add(m->change_at, METRICS_SOON), now));
        m->soon = m->for_change = event_timer_arm_relative(m->timer, next) >= 0;
}
