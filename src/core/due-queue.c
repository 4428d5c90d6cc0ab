/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/cleanup.h"
#include "core/due-queue.h"

int due_queue_reserve(DueQueue *q, size_t n) {
        Container **heap;
        size_t want;

        if (n <= q->allocated)
                return 0;

        /* By half, not by double: at 100,000 containers the unused part would be a megabyte. */
        want = q->allocated + q->allocated / 2;
        if (want < n)
                want = n;
        if (want < 16)
                want = 16;

        heap = reallocarray(q->heap, want, sizeof(*heap));
        if (!heap)
                return -ENOMEM;

        q->heap = heap;
        q->allocated = want;
        return 0;
}

void due_queue_done(DueQueue *q) {
        free(q->heap);
        *q = (DueQueue){ 0 };
}

static void place(DueQueue *q, size_t i, Container *c) {
        q->heap[i] = c;
        c->queue_index = (uint32_t)i;
}

static void sift_up(DueQueue *q, size_t i) {
        Container *c = q->heap[i];

        while (i > 0) {
                size_t parent = (i - 1) / 2;

                if (q->heap[parent]->look_at <= c->look_at)
                        break;
                place(q, i, q->heap[parent]);
                i = parent;
        }
        place(q, i, c);
}

static void sift_down(DueQueue *q, size_t i) {
        Container *c = q->heap[i];

        for (;;) {
                size_t child = 2 * i + 1;

                if (child >= q->n)
                        break;
                if (child + 1 < q->n && q->heap[child + 1]->look_at < q->heap[child]->look_at)
                        child++;
                if (c->look_at <= q->heap[child]->look_at)
                        break;
                place(q, i, q->heap[child]);
                i = child;
        }
        place(q, i, c);
}

void due_queue_withdraw(DueQueue *q, Container *c) {
        size_t i = c->queue_index;
        Container *last;

        if (i == DUE_QUEUE_NONE)
                return;

        c->queue_index = DUE_QUEUE_NONE;
        last = q->heap[--q->n];
        if (last == c)
                return;

        place(q, i, last);
        sift_up(q, i);
        sift_down(q, last->queue_index);
}

void due_queue_set(DueQueue *q, Container *c, usec_t look_at) {
        c->look_at = look_at;

        if (look_at == USEC_INFINITY) {
                due_queue_withdraw(q, c);
                return;
        }

        if (c->queue_index == DUE_QUEUE_NONE)
                place(q, q->n++, c);
        sift_up(q, c->queue_index);
        sift_down(q, c->queue_index);
}

Container *due_queue_first(const DueQueue *q) {
        return q->n > 0 ? q->heap[0] : NULL;
}
