/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/first-run.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/state-folder.h"

int first_run_find(char **ret_path) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = state_folder_path(FIRST_RUN_MARK, &path);
        if (r <= 0)
                return r;

        /* What cannot be seen counts as not there: to wait once too often does no harm. */
        if (access(path, F_OK) >= 0)
                return 0;

        *ret_path = TAKE_PTR(path);
        return 1;
}

int first_run_mark(const char *path) {
        _cleanup_close_ int fd = -1;

        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return -errno;
        return fsync(fd) < 0 ? -errno : 0;
}
