/* SPDX-License-Identifier: Apache-2.0 */

#include "core/explanation-sentence.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/time-span.h"
#include "core/setting-value.h"

char *explanation_value(const Profile *p, SettingId id) {
        const SettingInfo *info = setting_info(id);

        if (info->per_container)
                return setting_value_format(info, (const char *)&p->retention + retention_offset(id));
        return settings_format(p->settings, id);
}

char *explanation_origin(const Profile *p, SettingId id) {
        char buf[PROFILE_ORIGIN_MAX];

        return strdup(profile_origin(p, id, buf, sizeof(buf)));
}

void sentence_add(Sentence *w, const char *format, ...) {
        _cleanup_free_ char *piece = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&piece, format, ap);
        va_end(ap);
        if (r < 0)
                piece = NULL;
        if (r < 0 || text_append(&w->text, "%s", piece) < 0)
                w->out_of_memory = true;
}

void sentence_add_span(Sentence *w, usec_t span, bool round_up) {
        char text[TIME_SPAN_TEXT_MAX];

        sentence_add(w, "%s", time_span_format_short(text, sizeof(text), span, round_up));
}

void sentence_add_left(Sentence *w, const Case *k, usec_t until) {
        sentence_add_span(w, usec_sub(until, k->now), true);
}

void sentence_add_ago(Sentence *w, const Case *k, usec_t at) {
        usec_t age = usec_sub(k->now, at);

        if (age < USEC_PER_SEC) {
                sentence_add(w, "just now");
                return;
        }
        sentence_add_span(w, age, false);
        sentence_add(w, " ago");
}

void sentence_add_setting(Sentence *w, const Case *k, SettingId id) {
        _cleanup_free_ char *value = explanation_value(k->p, id), *origin = explanation_origin(k->p, id);

        if (!value || !origin) {
                w->out_of_memory = true;
                return;
        }
        /* [Retention] has one of this name, too. */
        sentence_add(w, "%s%s=%s", id == SETTING_PRESSURE_MINIMUM_AGE ? "[Pressure] " : "",
                        setting_info(id)->key, value);
        if (strcmp(origin, "default") != 0)
                sentence_add(w, " (%s)", origin);
}

char *sentence_finish(Sentence *w) {
        if (!w->out_of_memory)
                return w->text;
        free(w->text);
        return NULL;
}
