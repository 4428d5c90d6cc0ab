/* SPDX-License-Identifier: Apache-2.0 */

#include "core/cap.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "core/slot.h"

/* One stopped container; those of a workload stand together, oldest first. */
typedef struct Member {
        Container *c;
        const void *workload;
        bool may_go;
        bool due; /* goes anyway */
} Member;

/* The members first..end of one workload; `n` of them are still there, and `next` is the oldest that
 * may go. */
typedef struct Workload {
        Member *next, *end;
        size_t n;
} Workload;

static const void *workload_of(const Container *c) {
        return c->scope != SCOPE_OTHER && c->service ? (const void *)c->service : (const void *)c->slot;
}

static int compare_members(const void *a, const void *b) {
        const Member *x = a, *y = b;

        if (x->workload != y->workload)
                return (uintptr_t)x->workload < (uintptr_t)y->workload ? -1 : 1;
        return slot_compare(y->c, x->c);
}

/* Does a go before b: from the larger workload, of equal ones the older container? */
static bool goes_first(const Workload *a, const Workload *b) {
        if (a->n != b->n)
                return a->n > b->n;
        return slot_compare(a->next->c, b->next->c) > 0;
}

static void sift_down(Workload *heap, size_t n, size_t i) {
        for (;;) {
                size_t first = i;

                for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++)
                        if (goes_first(&heap[child], &heap[first]))
                                first = child;
                if (first == i)
                        return;

                Workload w = heap[i];

                heap[i] = heap[first];
                heap[first] = w;
                i = first;
        }
}

static void skip_those_that_stay(Workload *w) {
        while (w->next < w->end && !w->next->may_go)
                w->next++;
}

/* Marks `excess` members: the oldest of the largest workload, again and again. */
static void choose(Workload *heap, size_t n, size_t excess, bool *chosen, const Member *members) {
        for (size_t i = n / 2; i-- > 0;)
                sift_down(heap, n, i);

        while (excess > 0 && n > 0) {
                Workload *w = &heap[0];

                chosen[w->next - members] = true;
                excess--;
                w->n--;
                w->next++;
                skip_those_that_stay(w);
                if (w->next == w->end)
                        heap[0] = heap[--n];
                sift_down(heap, n, 0);
        }
}

static bool is_counted(const Container *c) {
        return c->slot;
}

static Member assess(Container *c, const Situation *open, usec_t now) {
        Member m = { .c = c, .workload = workload_of(c) };
        Decision d = policy_decide_uncapped(c, open, now);

        /* One that is in hand is on its way, although its exact end may be later than another's bound. */
        m.due = (c->claimed && c->over_cap) || (d.due <= now && verdict_may_remove(d.verdict));
        m.may_go = !m.due && !d.keep_failure &&
                   (d.verdict == VERDICT_RETAINED || d.verdict == VERDICT_KEPT_LAST ||
                                   (d.verdict == VERDICT_TOO_YOUNG && !c->profile->keep_by_rule &&
                                                   !c->profile->keep_by_label));
        return m;
}

static size_t make_workloads(Member *members, size_t n, Workload *workloads) {
        size_t n_workloads = 0;

        for (size_t i = 0, end; i < n; i = end) {
                Workload w = { .next = members + i };

                for (end = i; end < n && members[end].workload == members[i].workload; end++)
                        w.n += !members[end].due;
                w.end = members + end;
                skip_those_that_stay(&w);
                if (w.next < w.end)
                        workloads[n_workloads++] = w;
        }
        return n_workloads;
}

int cap_select(Registry *r, unsigned max_stopped, const Situation *s, usec_t now, bool *ret_changed) {
        _cleanup_free_ Workload *workloads = NULL;
        _cleanup_free_ Member *members = NULL;
        _cleanup_free_ bool *chosen = NULL;
        size_t n = 0, n_due = 0, n_counted = 0;
        Situation open = policy_open_gates(s);
        bool changed = false;

        for (Container *c = registry_next(r, NULL); c; c = registry_next(r, c))
                n_counted += is_counted(c);

        if (n_counted > max_stopped) {
                members = malloc(n_counted * sizeof(*members));
                workloads = malloc(n_counted * sizeof(*workloads));
                chosen = calloc(n_counted, sizeof(*chosen));
                if (!members || !workloads || !chosen)
                        return -ENOMEM;

                for (Container *c = registry_next(r, NULL); c; c = registry_next(r, c))
                        if (is_counted(c)) {
                                members[n] = assess(c, &open, now);
                                n_due += members[n++].due;
                        }
                if (n - n_due > max_stopped) {
                        qsort(members, n, sizeof(*members), compare_members);
                        choose(workloads, make_workloads(members, n, workloads), n - n_due - max_stopped,
                                        chosen, members);
                }
        }

        for (Container *c = registry_next(r, NULL); c; c = registry_next(r, c))
                if (n == 0 || !is_counted(c)) {
                        changed = changed || c->over_cap;
                        c->over_cap = false;
                }
        for (size_t i = 0; i < n; i++) {
                Container *c = members[i].c;
                bool over_cap = chosen[i] || (c->claimed && c->over_cap);

                changed = changed || c->over_cap != over_cap;
                c->over_cap = over_cap;
        }

        if (ret_changed)
                *ret_changed = changed;
        return 0;
}
