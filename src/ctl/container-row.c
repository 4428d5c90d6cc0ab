/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "base/cleanup.h"
#include "ctl/container-row.h"

int container_row_read(sd_bus_message *m, ContainerRow *ret) {
        ContainerRow c;
        int exact, r;

        r = sd_bus_message_read(m, "(ssssssssttttttb)", &c.id, &c.name, &c.service, &c.slot, &c.image,
                        &c.state, &c.outcome, &c.verdict, &c.age, &c.due_in, &c.cached, &c.dirty, &c.disk,
                        &c.inodes, &exact);
        if (r <= 0)
                return r;

        c.exact = exact;
        *ret = c;
        return 1;
}

const char *container_row_place(const ContainerRow *c) {
        return c->slot[0] ? c->slot : c->service[0] ? c->service : "-";
}

Colour verdict_colour(const char *verdict) {
        static const struct {
                const char *verdict;
                Colour colour;
        } colours[] = {
                { "ttl-expired", COLOUR_GREEN },
                { "orphan", COLOUR_GREEN },
                { "over-cap", COLOUR_GREEN },
                { "pressure", COLOUR_GREEN },
                { "requested", COLOUR_GREEN },
                { "quarantined", COLOUR_RED },
                { "engine-unreachable", COLOUR_RED },
                { "engine-settling", COLOUR_YELLOW },
                { "swarm-not-ready", COLOUR_YELLOW },
                { "removals-paused", COLOUR_YELLOW },
                { "reloading", COLOUR_YELLOW },
                { "first-run", COLOUR_YELLOW },
                { "surge-held", COLOUR_YELLOW },
                { "kept-label", COLOUR_BLUE },
                { "kept-rule", COLOUR_BLUE },
                { "kept-last", COLOUR_BLUE },
                { "out-of-scope", COLOUR_GREY },
        };

        for (size_t i = 0; i < ELEMENTS_OF(colours); i++)
                if (strcmp(colours[i].verdict, verdict) == 0)
                        return colours[i].colour;
        return COLOUR_NONE;
}

void container_row_json(JsonRows *j, const ContainerRow *c) {
        json_text(j, "id", c->id);
        json_text(j, "name", c->name);
        json_text(j, "service", c->service);
        json_text(j, "slot", c->slot);
        json_text(j, "image", c->image);
        json_text(j, "state", c->state);
        json_text(j, "outcome", c->outcome);
        json_text(j, "verdict", c->verdict);
        json_u64(j, "age_usec", c->age);
        json_u64(j, "due_in_usec", c->due_in);
        json_u64(j, "held_cached", c->cached);
        json_u64(j, "held_dirty", c->dirty);
        json_u64(j, "held_disk", c->disk);
        json_u64(j, "held_inodes", c->inodes);
        json_bool(j, "exact", c->exact);
}
