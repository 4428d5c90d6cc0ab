/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/first-run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

int first_run_find(char **ret_path) {
        const char *folder = getenv("STATE_DIRECTORY");
        _cleanup_free_ char *path = NULL;

        if (!folder || folder[0] == '\0')
                return 0;
        /* With several folders systemd separates them by colons. */
        if (asprintf(&path, "%.*s/" FIRST_RUN_MARK, (int)strcspn(folder, ":"), folder) < 0) {
                path = NULL;
                return -ENOMEM;
        }

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
