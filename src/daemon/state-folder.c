/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/state-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

/* 20 digits, a newline and a NUL. */
#define TIME_TEXT_MAX 24

int state_folder_path(const char *name, char **ret) {
        const char *folder = getenv("STATE_DIRECTORY");
        char *path;

        if (!folder || folder[0] == '\0')
                return 0;
        /* With several folders systemd separates them by colons. */
        if (asprintf(&path, "%.*s/%s", (int)strcspn(folder, ":"), folder, name) < 0)
                return -ENOMEM;
        *ret = path;
        return 1;
}

int state_read_time(const char *path, usec_t *ret) {
        char text[TIME_TEXT_MAX], *end;
        uint64_t time;
        int n;

        n = file_read_text(AT_FDCWD, path, text, sizeof(text));
        if (n == -ENOENT || n == -ENOTDIR) /* nothing was ever written there */
                return 0;
        if (n == -EFBIG)
                return -EBADMSG;
        if (n < 0)
                return n;

        /* strtoull(3) takes signs and white space too. */
        if (text[0] < '0' || text[0] > '9')
                return -EBADMSG;
        errno = 0;
        time = strtoull(text, &end, 10);
        if (errno != 0 || strcmp(end, "\n") != 0)
                return -EBADMSG;
        *ret = time;
        return 1;
}

int state_write_time(const char *path, usec_t time) {
        _cleanup_free_ char *fresh = NULL;
        _cleanup_close_ int fd = -1;
        char text[TIME_TEXT_MAX];
        int r;

        if (asprintf(&fresh, "%s.new", path) < 0) {
                fresh = NULL;
                return -ENOMEM;
        }
        /* What a write that was cut off has left. */
        (void)unlink(fresh);
        fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return -errno;

        snprintf(text, sizeof(text), "%" PRIu64 "\n", time);
        r = file_write_text(fd, text);
        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        if (r >= 0 && rename(fresh, path) < 0)
                r = -errno;
        if (r < 0)
                (void)unlink(fresh);
        return r;
}

int state_remove(const char *path) {
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}
