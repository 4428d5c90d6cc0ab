/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_NODE_PSI_H
#define REAPERD_NODE_PSI_H

/*
 * Pressure stall information: how long tasks could not go on for want of memory (the kernel's
 * Documentation/accounting/psi.rst). The kernel can tell by itself when a share of a time window is
 * exceeded (a trigger); where it refuses that, the counter of stalled time is compared.
 */

#include "core/settings.h"

#define PSI_MEMORY_PATH "/proc/pressure/memory"

/* Room for any trigger. */
#define PSI_TRIGGER_MAX 64

/* Writes what the kernel wants to be written into the file. Returns its size, with the NUL at the end: the
 * kernel overwrites the last byte with one. */
size_t psi_format_trigger(char *buf, const Stall *stall);

/* Sets a trigger up: the descriptor (the caller's to close) is ready with EPOLLPRI, at most once a
 * window, when tasks have stalled for the threshold within it; EPOLLERR: the file is gone, as a
 * cgroup's is with the cgroup. Returns the descriptor; -ENOENT or -EOPNOTSUPP: there is no PSI (psi=0);
 * -EINVAL, -EPERM: the trigger is refused (kernels before 6.4 refuse it to the unprivileged; later ones
 * take windows of whole multiples of 2 s); -EACCES: no right to write the file; -EBADMSG: it is
 * none of PSI's, and is not written to. */
int psi_open_trigger(const char *path, const Stall *stall);

/* Reads the counter of the `some` or `full` line from the file's text. Returns 0 or -EBADMSG. */
int psi_parse_total(const char *text, bool full, usec_t *ret);
int psi_read_total(const char *path, bool full, usec_t *ret);

#endif
