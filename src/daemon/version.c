/* SPDX-License-Identifier: Apache-2.0 */

#include <cjson/cJSON.h>
#include <curl/curl.h>

#include "base/build.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/config-file.h"
#include "daemon/version.h"
#include "engine/client.h"

char *reaperd_version(void) {
        const ApiVersion oldest = ENGINE_API_OLDEST, newest = ENGINE_API_NEWEST;
        _cleanup_free_ char *text = NULL;

        text = build_describe("reaperd",
                        (const BuildLibrary[]){
                                        { "libcurl", LIBCURL_VERSION,
                                                        curl_version_info(CURLVERSION_NOW)->version },
                                        BUILD_CJSON, BUILD_LIBSYSTEMD, BUILD_INIH, { 0 } });
        if (!text || text_append(&text,
                                     "Speaks Docker Engine API %u.%u to %u.%u\nReads " CONFIG_FILE_DEFAULT
                                     "\n",
                                     oldest.major, oldest.minor, newest.major, newest.minor) < 0)
                return NULL;

        return TAKE_PTR(text);
}
