/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "node/file-rights.h"

static bool has(const struct __user_cap_data_struct *data, unsigned capability) {
        return data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability);
}

/* So many ids can only be mapped each to itself. */
static bool has_every_user(void) {
        unsigned long long n;
        char line[128];
        size_t size;
        FILE *file;

        file = fopen("/proc/self/uid_map", "re");
        if (!file)
                return errno == ENOENT; /* a kernel without user namespaces */
        size = fread(line, 1, sizeof(line) - 1, file);
        (void)fclose(file);

        line[size] = '\0';
        return sscanf(line, "%*u %*u %llu", &n) == 1 && n == UINT32_MAX;
}

FileRights file_rights(void) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

        memset(data, 0, sizeof(data));
        if (syscall(SYS_capget, &header, data) < 0)
                memset(data, 0, sizeof(data));

        return (FileRights){
                .read = has(data, CAP_DAC_READ_SEARCH) || has(data, CAP_DAC_OVERRIDE),
                .own = has(data, CAP_FOWNER),
                .every_user = has_every_user(),
        };
}

bool file_rights_owns(const FileRights *r, uid_t owner) {
        return r->every_user && (r->own || owner == geteuid());
}
