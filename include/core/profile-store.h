/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_PROFILE_STORE_H
#define REAPERD_CORE_PROFILE_STORE_H

/*
 * Profiles, each kept once for all containers that have it. One holds the settings that it was made by,
 * so that a decision can still be explained when a reload has replaced them.
 */

#include "core/profile.h"

typedef struct SharedProfile SharedProfile;

/* A zeroed one is empty, and without settings. */
typedef struct ProfileStore {
        SharedProfile *profiles;
        SharedSettings *settings;
} ProfileStore;

/* The store must have no profiles left. */
void profile_store_done(ProfileStore *store);

/* New profiles are made by these settings; a reference is taken. */
void profile_store_set_settings(ProfileStore *store, SharedSettings *settings);

/* Resolves by the settings of the store, which must be there. Returns 0 with a reference in *ret, or
 * -ENOMEM. *ret_label_faults: see label_policy_read(). */
int profile_store_resolve(ProfileStore *store, const Subject *subject, const Profile **ret,
                unsigned *ret_label_faults);

/* NULL is fine. */
void profile_store_unref(ProfileStore *store, const Profile *profile);

#endif
