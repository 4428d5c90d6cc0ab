/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "core/slot.h"
#include "daemon/manager-private.h"

/* A `die` event's stamp and FinishedAt lie apart by less than this: one that is looked at by the former
 * is not put off for the latter. */
#define NEARLY_OLD_ENOUGH (2 * USEC_PER_SEC)

static void on_measured(const ContainerId *id, const Holding *h, void *userdata) {
        Manager *m = userdata;
        Container *c = registry_find(m->registry, id);
        int r;

        /* Only what is in hand stays what it was while it was measured. */
        if (c && c->claimed && h && container_state_is_stopped(c->state)) {
                r = registry_set_holding(m->registry, c, h);
                if (r < 0)
                        log_error("Cannot note what a container holds: %s", strerror(-r));
        }
        reaper_measured(m->reaper, id);
}

int manager_measure(const ContainerId *id, const ContainerDetail *detail, void *userdata) {
        Manager *m = userdata;
        int r;

        r = measurer_add(m->measurer, id, detail->upper_dir, detail->log_path, m->page_cache);
        if (r < 0) {
                Container *c = registry_find(m->registry, id);

                log_error("Cannot measure what a container holds: %s", strerror(-r));
                if (c)
                        c->measured = true; /* not tried again and again */
        }
        return r;
}

/* Walking through layers under pressure would add to it. */
static bool may_measure(const Manager *m, const Container *c) {
        return m->page_cache != PAGE_CACHE_NONE && !c->measured && c->slot && c->profile &&
               !c->quarantined && container_state_is_stopped(c->state) && m->calm;
}

usec_t manager_measure_at(const Manager *m, const Container *c) {
        if (!may_measure(m, c))
                return USEC_INFINITY;
        /* A removal that failed is not to be followed by more requests than its own. */
        return usec_max(usec_add(slot_order(c), c->profile->retention.minimum_age), c->retry_at);
}

bool manager_is_to_be_measured(const Manager *m, const Container *c, usec_t now) {
        return manager_measure_at(m, c) <= usec_add(now, NEARLY_OLD_ENOUGH);
}

static const char *why_not(int error) {
        switch (error) {
        case -EACCES:
                return "no right to read the layers (CAP_DAC_READ_SEARCH)";
        case -EPERM:
                return "no right to ask about the pages of files (CAP_FOWNER, cachestat)";
        default:
                return strerror(-error);
        }
}

void manager_set_root_dir(Manager *m, char *root_dir) {
        bool same = root_dir && m->root_dir ? strcmp(root_dir, m->root_dir) == 0 : root_dir == m->root_dir;
        int r;

        if (m->elsewhere || (m->root_dir_told && same)) {
                free(root_dir);
                return;
        }

        free(m->root_dir);
        m->root_dir = root_dir;
        m->root_dir_told = true;
        m->page_cache = PAGE_CACHE_NONE;
        if (m->watch)
                pressure_watch_set_disk(m->watch, root_dir);
        if (m->options.once)
                return;
        if (!root_dir) {
                log_info("The engine names no root directory: what stopped containers hold is not measured, "
                         "and "
                         "[Disk] is without effect");
                return;
        }

        r = page_cache_probe(root_dir, &m->page_cache);
        if (r < 0)
                log_info("What stopped containers hold under %s is not measured: %s. Under pressure the "
                         "oldest "
                         "go first; see page-cache.conf.example in reaperd(8)",
                                root_dir, why_not(r));
        else
                log_info("What stopped containers hold under %s is measured", root_dir);
}

int manager_set_up_measuring(Manager *m) {
        return measurer_new(m->event, on_measured, m, &m->measurer);
}
