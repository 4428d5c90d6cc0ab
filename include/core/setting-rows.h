/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_SETTING_ROWS_H
#define REAPERD_CORE_SETTING_ROWS_H

/*
 * The rows of the table, for core/setting-table alone: others ask there.
 */

#include "core/setting-table.h"

extern const SettingInfo setting_rows[];

#endif
