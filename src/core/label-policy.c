/* SPDX-License-Identifier: Apache-2.0 */

#include "core/label-policy.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "base/time-span.h"
#include "core/setting-value.h"

typedef struct LabelInfo {
        const char *name, *accepted;
} LabelInfo;

static const LabelInfo labels[_LABEL_KEY_MAX] = {
        [LABEL_KEEP] = { "org.reaperd.keep", "true or false" },
        [LABEL_TTL] = { "org.reaperd.ttl", "a time span such as 10min, 0 to infinity" },
        [LABEL_TTL_FAILURE] = { "org.reaperd.ttl.failure", "a time span such as 3d, 0 to infinity" },
        [LABEL_KEEP_LAST] = { "org.reaperd.keep-last", "0 to 10000, or infinity" },
};

const char *label_key_name(LabelKey key) {
        return labels[key].name;
}

const char *label_key_accepted(LabelKey key) {
        return labels[key].accepted;
}

static int read_label(LabelKey key, const char *text, LabelPolicy *p) {
        SettingValue count = { 0 };
        const char *ignored;
        int r;

        switch (key) {
        case LABEL_KEEP:
                return text_parse_boolean(text, &p->keep);
        case LABEL_TTL:
                return time_span_parse(text, &p->ttl);
        case LABEL_TTL_FAILURE:
                return time_span_parse(text, &p->ttl_failure);
        default:
                r = setting_value_parse(setting_info(SETTING_KEEP_LAST), text, &count, &ignored);
                p->keep_last = count.number;
                return r;
        }
}

/* Spans may hold white space, but around them it is not the owner's spelling of anything. */
static bool is_bare(const char *text) {
        size_t n = strlen(text);

        return n > 0 && !strchr(" \t\n\r\f\v", text[0]) && !strchr(" \t\n\r\f\v", text[n - 1]);
}

unsigned label_policy_read(const Labels *given, LabelPolicy *ret) {
        unsigned faults = 0;

        memset(ret, 0, sizeof(*ret));
        for (LabelKey key = 0; key < _LABEL_KEY_MAX; key++) {
                const char *text = labels_get(given, label_key_name(key));

                if (!text)
                        continue;
                if (is_bare(text) && read_label(key, text, ret) >= 0)
                        ret->has[key] = true;
                else
                        faults |= 1U << key;
        }
        return faults;
}
