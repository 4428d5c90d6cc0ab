/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CTL_CONTAINER_ROW_H
#define REAPERD_CTL_CONTAINER_ROW_H

/*
 * A container as the daemon tells it, "(ssssssssttttttb)" of dbus/org.reaperd.Reaper1.xml.
 */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/usec.h"
#include "ctl/json.h"
#include "ctl/terminal.h"

/* What is shown of an id of 64 digits. */
#define ID_DIGITS 12

/* Texts are borrowed from the message; "" is not known, UINT64_MAX likewise. */
typedef struct ContainerRow {
        const char *id, *name, *service, *slot, *image, *state, *outcome, *verdict;
        usec_t age, due_in;
        uint64_t cached, dirty, disk, inodes;
        bool exact;
} ContainerRow;

/* Reads the next one. Returns 1; 0 at the end of an array; or a negative errno. */
int container_row_read(sd_bus_message *m, ContainerRow *ret);

/* What it is called in a table: its slot ("web.3"), else its service, else "-". */
const char *container_row_place(const ContainerRow *c);
/* The colour of a verdict's name: of one that removes, that keeps, or of one that something has to end
 * first. */
Colour verdict_colour(const char *verdict);
/* All of it, as members of what is open in j. */
void container_row_json(JsonRows *j, const ContainerRow *c);

#endif
