/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CTL_TELL_H
#define REAPERD_CTL_TELL_H

/*
 * Messages to the person at the terminal, on stderr: "reaperctl: ...", a line each. What comes from the
 * bus may be among the arguments: what is not printable is escaped.
 */

void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
