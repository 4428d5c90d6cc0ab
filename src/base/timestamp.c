/* SPDX-License-Identifier: Apache-2.0 */

#include "base/timestamp.h"

#include <stdio.h>
#include <time.h>

char *timestamp_format(char *buf, usec_t realtime) {
        time_t seconds = (time_t)(realtime / USEC_PER_SEC);
        struct tm local;

        if (realtime == 0 || realtime == USEC_INFINITY || !localtime_r(&seconds, &local) ||
                        strftime(buf, TIMESTAMP_TEXT_MAX, "%Y-%m-%d %H:%M:%S %Z", &local) == 0)
                snprintf(buf, TIMESTAMP_TEXT_MAX, "-");
        return buf;
}
