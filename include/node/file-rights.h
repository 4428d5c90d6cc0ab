/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_NODE_FILE_RIGHTS_H
#define REAPERD_NODE_FILE_RIGHTS_H

/*
 * What this process may do with the files of anybody. A layer holds files of any owner and mode, so
 * that what can be done with one of them proves nothing of the others.
 */

#include <stdbool.h>
#include <sys/types.h>

typedef struct FileRights {
        bool read; /* CAP_DAC_READ_SEARCH, or CAP_DAC_OVERRIDE */
        bool own;  /* CAP_FOWNER: counts as the owner */
        /* The user namespace has all ids. Where it does not (PrivateUsers=yes), capabilities do not
         * hold for files of the ids that it lacks, and these all look as if one user owned them. */
        bool every_user;
} FileRights;

/* Those in effect now. What cannot be found out is not there. */
FileRights file_rights(void);

/* Does the process own a file of this owner, or count as if it did? */
bool file_rights_owns(const FileRights *r, uid_t owner);

#endif
