/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CTL_ANSWERS_H
#define REAPERD_CTL_ANSWERS_H

/*
 * The rows that several nodes, or several pages of one, make together. Their texts are borrowed from the
 * answers, which are kept as long as the rows.
 */

#include <stddef.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"

/* Nobody has so many containers or services; of a peer that tells more of them nothing is believed. */
#define ANSWERS_ROWS_MAX 1000000

/* With row_size set and all else zeroed it is empty; release with answers_done(). */
typedef struct Answers {
        size_t row_size;
        void *rows; /* n of them, each of row_size bytes */
        size_t n, size;
        sd_bus_message **messages;
        size_t n_messages;
} Answers;

void answers_done(Answers *a);

/* Takes the message over, also if that fails: then it is released. Returns 0 or -ENOMEM. */
int answers_keep(Answers *a, sd_bus_message *message);

/* Adds a copy of the row, and may move the others. Returns 0, -EFBIG if there are ANSWERS_ROWS_MAX, or
 * -ENOMEM. */
int answers_add(Answers *a, const void *row);

#define _cleanup_answers_ _cleanup_(answers_done)

#endif
