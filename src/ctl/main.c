/* SPDX-License-Identifier: Apache-2.0 */

/*
 * reaperctl, the console of reaperd: finds the verb, has it done, and sees to it that what was printed has
 * arrived.
 */

#include <errno.h>
#include <locale.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/pager.h"
#include "ctl/tell.h"
#include "ctl/verbs.h"

static int run(int argc, char *argv[]) {
        Console c = { 0 };
        int r, flushed;

        r = options_parse(argc, argv, &c.options);
        if (r == 0) {
                c.terminal = terminal_detect();
                if (c.options.full)
                        c.terminal.columns = UINT_MAX;
                r = c.options.verb->run(&c);
        } else if (r == -EINVAL)
                r = EXIT_USAGE;
        else if (r > 0)
                r = EXIT_DONE;
        options_done(&c.options);

        flushed = terminal_flush();
        if (r < 0)
                return r;
        return flushed == -EIO ? EXIT_FAILED : flushed < 0 ? flushed : r;
}

int main(int argc, char *argv[]) {
        int r;

        /* Which characters there are; times and numbers look the same everywhere. */
        (void)setlocale(LC_CTYPE, "");

        r = run(argc, argv);
        if (r < 0) {
                tell("%s", r == -ENOMEM ? "Out of memory" : strerror(-r));
                r = EXIT_FAILED;
        }
        pager_close();
        return r;
}
