/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/answers.h"

#define ROWS_FIRST 64

void answers_done(Answers *a) {
        for (size_t i = 0; i < a->n_messages; i++)
                (void)sd_bus_message_unref(a->messages[i]);
        free(a->messages);
        free(a->rows);
        *a = (Answers){ .row_size = a->row_size };
}

int answers_keep(Answers *a, sd_bus_message *message) {
        sd_bus_message **messages = reallocarray(a->messages, a->n_messages + 1, sizeof(sd_bus_message *));

        if (!messages) {
                (void)sd_bus_message_unref(message);
                return -ENOMEM;
        }
        a->messages = messages;
        a->messages[a->n_messages++] = message;
        return 0;
}

int answers_add(Answers *a, const void *row) {
        if (a->n == ANSWERS_ROWS_MAX)
                return -EFBIG;
        if (a->n == a->size) {
                size_t size = 2 * a->size + ROWS_FIRST;
                void *rows = reallocarray(a->rows, size, a->row_size);

                if (!rows)
                        return -ENOMEM;
                a->rows = rows;
                a->size = size;
        }
        memcpy((char *)a->rows + a->n++ * a->row_size, row, a->row_size);
        return 0;
}
