/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "core/profile-store.h"

/* What tells one profile from another. Hashed and compared as bytes, so made with memset(). */
typedef struct Key {
        const SharedSettings *settings;
        const Rule *rule;
        LabelPolicy labels;
        bool is_task;
} Key;

struct SharedProfile {
        Profile profile; /* in front: what is handed out points here */
        unsigned references;
        SharedSettings *settings; /* a reference; profile.settings lies within */
        Key key;
        UT_hash_handle hh;
};

static void make_key(const ProfileStore *store, const Profile *p, Key *ret) {
        memset(ret, 0, sizeof(*ret));
        ret->settings = store->settings;
        ret->rule = p->rule;
        memcpy(&ret->labels, &p->labels, sizeof(ret->labels));
        ret->is_task = p->is_task;
}

int profile_store_resolve(ProfileStore *store, const Subject *subject, const Profile **ret,
                unsigned *ret_label_faults) {
        SharedProfile *shared;
        bool oom = false;
        unsigned faults;
        Profile p;
        Key key;

        profile_resolve(&store->settings->settings, subject, &p, &faults);
        make_key(store, &p, &key);

        HASH_FIND(hh, store->profiles, &key, sizeof(key), shared);
        if (shared)
                shared->references++;
        else {
                shared = calloc(1, sizeof(*shared));
                if (!shared)
                        return -ENOMEM;
                shared->profile = p;
                shared->references = 1;
                memcpy(&shared->key, &key, sizeof(key));
                HASH_ADD(hh, store->profiles, key, sizeof(shared->key), shared);
                if (oom) {
                        free(shared);
                        return -ENOMEM;
                }
                shared->settings = shared_settings_ref(store->settings);
        }

        *ret = &shared->profile;
        *ret_label_faults = faults;
        return 0;
}

void profile_store_unref(ProfileStore *store, const Profile *profile) {
        SharedProfile *shared = (SharedProfile *)profile;

        if (!shared || --shared->references > 0)
                return;
        HASH_DELETE(hh, store->profiles, shared);
        shared_settings_unref(shared->settings);
        free(shared);
}

void profile_store_set_settings(ProfileStore *store, SharedSettings *settings) {
        SharedSettings *old = store->settings;

        store->settings = shared_settings_ref(settings);
        shared_settings_unref(old);
}

void profile_store_done(ProfileStore *store) {
        store->settings = shared_settings_unref(store->settings);
}
