/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_NODE_ENGINE_MEMORY_H
#define REAPERD_NODE_ENGINE_MEMORY_H

/*
 * The engine's own anonymous memory: some 30 KB of its heap go to each container that it knows.
 */

#include <stdint.h>

#include "node/memory-cgroup.h"

/* The process that listens at this Unix socket (SO_PEERCRED of a connection that is closed at once).
 * Returns a pid above 0; -ENOENT if it cannot be seen from here, or if it is not the engine itself
 * (under socket activation it is systemd); another negative errno. Does not wait for it (-EAGAIN: it
 * does not accept, and its queue is full). */
int engine_memory_find_process(const char *socket_path);

/* Of docker.service's cgroup (system.slice/docker.service) where it is one of its own and can be read (m may
 * be NULL), else RssAnon of process `pid` by `proc`/PID/status (pid 0: not known). Returns 0, or -ENOENT if
 * neither can be read. */
int engine_memory_read(const MemoryCgroups *m, const char *proc, int pid, uint64_t *ret);

/* Likewise, of the process that listens at this socket (NULL: there is none); it is looked for only
 * where the cgroup does not tell. */
int engine_memory_measure(const MemoryCgroups *m, const char *proc, const char *socket_path, uint64_t *ret);

#endif
