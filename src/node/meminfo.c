/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "node/kernel-text.h"
#include "node/meminfo.h"

/* It has about 1.5 KB. */
#define MEMINFO_BYTES_MAX 8192

int meminfo_parse(const char *text, NodeFigures *ret) {
        uint64_t total, free;

        if (kernel_text_read_kilobytes(text, "MemTotal:", &total) < 0 || total == 0)
                return -EBADMSG;
        if (kernel_text_read_kilobytes(text, "MemFree:", &free) < 0 || free > total)
                return -EBADMSG;

        const struct {
                const char *key;
                uint64_t *figure;
        } others[] = {
                { "MemAvailable:", &ret->memory_available },
                { "Cached:", &ret->cached },
                { "SReclaimable:", &ret->slab_reclaimable },
                { "SUnreclaim:", &ret->slab_unreclaimable },
                { "Dirty:", &ret->dirty },
        };

        ret->memory_total = total;
        ret->memory_free = free;
        for (size_t i = 0; i < ELEMENTS_OF(others); i++)
                if (kernel_text_read_kilobytes(text, others[i].key, others[i].figure) < 0)
                        *others[i].figure = FIGURE_UNKNOWN;

        return 0;
}

int meminfo_read(const char *path, NodeFigures *ret) {
        char text[MEMINFO_BYTES_MAX];
        int r;

        r = file_read_text(AT_FDCWD, path, text, sizeof(text));
        if (r < 0)
                return r;

        return meminfo_parse(text, ret);
}
