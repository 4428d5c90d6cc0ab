/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "node/disk.h"

int disk_figures(const struct statvfs *s, NodeFigures *ret) {
        uint64_t blocks_used, used, available, total;

        if (s->f_bfree > s->f_blocks || s->f_ffree > s->f_files)
                return -EBADMSG;

        blocks_used = s->f_blocks - s->f_bfree;
        if (__builtin_mul_overflow(blocks_used, (uint64_t)s->f_frsize, &used) ||
                        __builtin_mul_overflow((uint64_t)s->f_bavail, (uint64_t)s->f_frsize, &available) ||
                        __builtin_add_overflow(used, available, &total))
                return -EBADMSG;

        ret->disk_total = total > 0 ? total : FIGURE_UNKNOWN;
        ret->disk_used = total > 0 ? used : FIGURE_UNKNOWN;
        ret->inodes_total = s->f_files > 0 ? s->f_files : FIGURE_UNKNOWN;
        ret->inodes_used = s->f_files > 0 ? s->f_files - s->f_ffree : FIGURE_UNKNOWN;
        return 0;
}

int disk_read(const char *path, NodeFigures *ret) {
        struct statvfs s;

        if (statvfs(path, &s) < 0)
                return -errno;

        return disk_figures(&s, ret);
}
