/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "node/file-rights.h"
#include "node/page-cache.h"

int page_cache_probe(const char *engine_root, PageCacheMethod *ret) {
        _cleanup_close_ int root = -1, containers = -1;
        PageCacheMethod method = PAGE_CACHE_CACHESTAT;
        FileRights rights = file_rights();
        uint64_t cached, dirty;
        struct stat st;
        int r;

        root = open(engine_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return -errno;
        containers = openat(root, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (containers < 0 && errno != ENOENT)
                return -errno;
        if (fstat(root, &st) < 0)
                return -errno;

        /* Both may have been opened as they are this user's, or everybody's to read. */
        if (!rights.read)
                return -EACCES;
        if (!rights.every_user)
                return -EPERM;

        /* Really tried: a filter shows only then, and the first kernels that have it ask for no right. */
        r = residency_cachestat(root, 0, 0, &cached, &dirty);
        /* Refused in spite of the right: by a filter, made before the call was. */
        if (r < 0 && r != -ENOSYS && !(r == -EPERM && rights.own))
                return r;
        if (r < 0)
                method = PAGE_CACHE_MINCORE;
        /* What is this user's own proves nothing, and mincore(2) would not tell. */
        if ((method == PAGE_CACHE_MINCORE || st.st_uid == geteuid()) && !rights.own)
                return -EPERM;
        if (method == PAGE_CACHE_MINCORE) {
                r = residency_try_mincore();
                if (r < 0)
                        return r;
        }

        *ret = method;
        return 0;
}
