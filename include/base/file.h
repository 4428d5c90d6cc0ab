/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_BASE_FILE_H
#define REAPERD_BASE_FILE_H

/*
 * Small text files, as the kernel has many: read whole, into a buffer that bounds them, or written whole.
 */

#include <stddef.h>

/* Reads the file at `path` (relative to `dir_fd`, which may be AT_FDCWD) into buf and puts a NUL behind it.
 * Does not wait, not even for the writer of a FIFO. Returns how many bytes it has; -EFBIG if they and the
 * NUL do not fit into `size`; -EBADMSG if a NUL is among them; another negative errno. What is in buf is
 * then undefined. */
int file_read_text(int dir_fd, const char *path, char *buf, size_t size);

/* Writes all of the text, in as many writes as it takes. Returns 0 or a negative errno. */
int file_write_text(int fd, const char *text);

#endif
