/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "node/kernel-text.h"
#include "node/psi.h"

/* Two lines of some 60 bytes. */
#define PSI_BYTES_MAX 512
#define TOTAL         "total="

/* Opens the file for a trigger if it is one of the kernel's. Asked before it is opened to write: a device
 * may act on being opened already. */
static int open_kernel_file(const char *path, int *ret) {
        _cleanup_close_ int place = -1, fd = -1;
        char again[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
        struct statfs fs;
        struct stat st;

        place = open(path, O_PATH | O_CLOEXEC);
        if (place < 0)
                return -errno;

        if (fstat(place, &st) < 0 || fstatfs(place, &fs) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || (fs.f_type != PROC_SUPER_MAGIC && fs.f_type != CGROUP2_SUPER_MAGIC))
                return -EBADMSG;

        (void)snprintf(again, sizeof(again), "/proc/self/fd/%i", place);
        fd = open(again, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;

        *ret = TAKE_FD(fd);
        return 0;
}

/* The kernel has many files that take a write for something else; none has lines like these. */
static int check_form(int fd, bool full) {
        char text[PSI_BYTES_MAX];
        usec_t total;
        ssize_t n;

        n = read(fd, text, sizeof(text) - 1);
        if (n < 0)
                return -errno;
        text[n] = '\0';

        return psi_parse_total(text, full, &total);
}

size_t psi_format_trigger(char *buf, const Stall *stall) {
        int n = snprintf(buf, PSI_TRIGGER_MAX, "%s %" PRIu64 " %" PRIu64, stall->full ? "full" : "some",
                        stall->threshold, stall->window);

        return (size_t)n + 1;
}

int psi_open_trigger(const char *path, const Stall *stall) {
        _cleanup_close_ int fd = -1;
        char trigger[PSI_TRIGGER_MAX];
        size_t size;
        int r;

        r = open_kernel_file(path, &fd);
        if (r < 0)
                return r;

        r = check_form(fd, stall->full);
        if (r < 0)
                return r;

        size = psi_format_trigger(trigger, stall);
        if (write(fd, trigger, size) < 0)
                return -errno;

        return TAKE_FD(fd);
}

int psi_parse_total(const char *text, bool full, usec_t *ret) {
        const char *p;
        usec_t total;
        int r;

        p = kernel_text_find(text, full ? "full" : "some");
        if (!p)
                return -EBADMSG;

        while (strncmp(p, TOTAL, strlen(TOTAL)) != 0) {
                p += strcspn(p, " \n");
                if (*p != ' ')
                        return -EBADMSG;
                p++;
        }

        p += strlen(TOTAL);
        r = kernel_text_take_number(&p, &total);
        if (r < 0)
                return r;
        if (*p != '\n' && *p != '\0' && *p != ' ')
                return -EBADMSG;

        *ret = total;
        return 0;
}

int psi_read_total(const char *path, bool full, usec_t *ret) {
        char text[PSI_BYTES_MAX];
        int r;

        r = file_read_text(AT_FDCWD, path, text, sizeof(text));
        if (r < 0)
                return r;

        return psi_parse_total(text, full, ret);
}
