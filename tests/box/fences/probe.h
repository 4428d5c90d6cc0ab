/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

/* What a fence may forbid, as acts that a process can try. Each must do no harm where nothing forbids it: a
 * box shares its kernel with the machine that the tests run on. */

/* 0: done; -errno: refused. `arg` is what follows the name and a colon, else an empty text. It runs in a
 * process of its own. */
typedef int (*ActFunction)(const char *arg);

typedef struct Act {
        const char *name;
        ActFunction function;
} Act;

/* Each ends with a row without a name. */
extern const Act acts_files[];
extern const Act acts_kernel[];
extern const Act acts_network[];
extern const Act acts_process[];
extern const Act acts_system[];

/* For what an act has to have first and no fence is about: ends this process with a status of its own, so
 * that it counts neither as done nor as refused. */
_Noreturn void broken(const char *what);

/* What a call gave: 0, or -errno. With `reached`, an error that only comes from behind every fence counts as
 * done, where doing the thing would do harm. */
int outcome(long result);
int outcome_or(long result, int reached);

/* What others have and the unit is not to find: a socket in the name space of the network, shared memory, a
 * key. Tells systemd when all is there, and waits to be ended. */
int outside(void);
#define OUTSIDE_KEY    "reaperd-fences"
#define OUTSIDE_MEMORY 0x72656170
socklen_t outside_address(struct sockaddr_un *ret);
