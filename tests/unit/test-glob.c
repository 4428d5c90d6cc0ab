/* SPDX-License-Identifier: Apache-2.0 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "core/glob.h"

static void globs_match_the_whole_text(void **state) {
        static const struct {
                const char *pattern, *text;
                bool matches;
        } cases[] = {
                { "", "", true },
                { "", "a", false },
                { "a", "", false },
                { "a", "a", true },
                { "a", "A", false },
                { "a", "ab", false },
                { "b", "ab", false },
                { "web", "web", true },

                { "*", "", true },
                { "*", "anything / at.all", true },
                { "***", "", true },
                { "*a", "a", true },
                { "*a", "ba", true },
                { "*a", "aab", false },
                { "a*", "a", true },
                { "a*", "b", false },
                { "a*b*c", "abc", true },
                { "a*b*c", "axxbxxbxc", true },
                { "a*b*c", "axxbxxbx", false },
                { "*ab*ab", "abab", true },
                { "*ab*ab", "abxab", true },
                { "*ab*ab", "ab", false },
                { "*.log", ".log", true },
                { "a*/b", "a/x/y/b", true },

                { "?", "", false },
                { "?", "a", true },
                { "?", "/", true },
                { "?", "\xc3\xa4", false }, /* two bytes */
                { "??", "\xc3\xa4", true },
                { "?*?", "a", false },
                { "?*?", "ab", true },

                { "[abc]", "b", true },
                { "[abc]", "d", false },
                { "[abc]", "", false },
                { "[abc]", "[abc]", false },
                { "[a-c]", "b", true },
                { "[a-c]", "d", false },
                { "[a-c]", "-", false },
                { "[c-a]", "b", false },
                { "[!a-c]", "b", false },
                { "[!a-c]", "d", true },
                { "[!a-c]", "", false },
                { "[!a-c]", "!", true },
                { "[a!]", "!", true },
                { "[^a]", "a", true }, /* only ! negates */
                { "[^a]", "^", true },
                { "[^a]", "b", false },
                { "[-a]", "-", true },
                { "[a-]", "-", true },
                { "[a-]", "b", false },
                { "[]]", "]", true },
                { "[]a]", "a", true },
                { "[!]]", "]", false },
                { "[!]]", "a", true },
                { "[]-a]", "_", true },
                { "[a-c-e]", "d", false },
                { "[a-c-e]", "-", true },
                { "[*?]", "*", true },
                { "[*?]", "x", false },
                { "[;#]x", ";x", true },
                { "[\\]", "\\", true },
                { "[\\]]", "\\]", true },
                { "[\\*]", "*", true },
                { "[\x80-\xff]", "\xc3", true },
                { "[a-z]*[0-9]", "web-7", true },
                { "[a-z]*[0-9]", "web-x", false },
                { "*[0-9]", "1a2", true },

                /* never closed */
                { "[", "[", true },
                { "[", "x", false },
                { "[]", "[]", true },
                { "[!]", "[!]", true },
                { "[!", "[!", true },
                { "[abc", "[abc", true },
                { "[abc", "a", false },
                { "*[abc", "xx[abc", true },
                { "[a]b[", "ab[", true },
                { "a]", "a]", true },

                { "\\*", "*", true },
                { "\\*", "a", false },
                { "\\?", "?", true },
                { "\\[a]", "[a]", true },
                { "\\\\", "\\", true },
                { "\\a", "a", true },
                { "\\", "\\", true },
                { "a\\", "a\\", true },
                { "\\!", "!", true },
                { "!a", "!a", true },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
                if (glob_match(cases[i].pattern, cases[i].text) != cases[i].matches)
                        fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].text);
}

static uint32_t next_random(uint64_t *seed) {
        *seed = *seed * 6364136223846793005U + 1442695040888963407U;
        return (uint32_t)(*seed >> 33);
}

/* What fnmatch(3) understands in the same way: the same answers. */
static void fnmatch_agrees(void **state) {
        static const char *const pieces[] = { "a", "b", "*", "?", "[ab]", "[!a]", "[a-b]", "[!b-c]", "\\*",
                "\\a", "[]a]", "/", "." };
        static const char bytes[] = "aabbc*]/.";
        unsigned n_matches = 0;
        uint64_t seed = 7;

        (void)state;
        for (unsigned i = 0; i < 100 * 1000; i++) {
                size_t n_pieces = next_random(&seed) % 7, n_text = next_random(&seed) % 8;
                char pattern[64] = "", text[16] = "";
                bool wanted;

                for (size_t k = 0; k < n_pieces; k++)
                        strcat(pattern, pieces[next_random(&seed) % ELEMENTS_OF(pieces)]);
                for (size_t k = 0; k < n_text; k++)
                        text[k] = bytes[next_random(&seed) % (sizeof(bytes) - 1)];

                wanted = fnmatch(pattern, text, 0) == 0;
                n_matches += wanted;
                if (glob_match(pattern, text) != wanted)
                        fail_msg("'%s' and '%s'", pattern, text);
        }

        assert_in_range(n_matches, 5000, 95000);
}

/* Patterns for which trying every way to spread the text over the stars would take longer than anybody
 * waits. */
static void hostile_text_takes_no_time(void **state) {
        static const char *const patterns[] = {
                "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
                "*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*b",
                "*aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
                "*[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[b",
                "*[ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab]x",
                "*[]aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        };
        const size_t n = 64 * 1024;
        _cleanup_free_ char *text = malloc(n + 1);
        char many[4000] = "";
        clock_t before = clock();

        (void)state;
        assert_non_null(text);
        text[n] = '\0';
        for (size_t i = 0; i < ELEMENTS_OF(patterns); i++) {
                memset(text, patterns[i][1] == '[' ? '[' : 'a', n);
                assert_false(glob_match(patterns[i], text));
        }

        /* brackets that are never closed, behind one that is: nobody looks for their ends again and again */
        text[8 * 1024] = '\0';
        strcpy(many, "*[[]");
        memset(many + 4, '[', sizeof(many) - 6);
        many[sizeof(many) - 2] = 'x';
        assert_false(glob_match(many, text));

        /* some milliseconds; under a memory checker a second or two */
        assert_in_range(clock() - before, 0, 10 * CLOCKS_PER_SEC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(globs_match_the_whole_text),
                cmocka_unit_test(fnmatch_agrees),
                cmocka_unit_test(hostile_text_takes_no_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
