#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Rules of the house that no compiler checks. Prints a line a check, exits with 1 if one failed.

    tests/style/check.py               the checkout that this file is in
    tests/style/check.py --self-test   every check must fail on samples that break it, and pass on a clean one
"""

import datetime
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP), str(TOP / 'bench'), str(TOP / 'tests' / 'experiment')]

import memory_table     # noqa: E402

COLUMNS_MAX = 109
LINES_MAX = 550

# A layer and those whose headers it may include.
LAYERS = {
    'base': {'base'},
    'core': {'base', 'core'},
    'engine': {'base', 'core', 'engine'},
    'node': {'base', 'core', 'node'},
    'daemon': {'base', 'core', 'engine', 'node', 'daemon'},
    'ctl': {'base', 'ctl'},
}

# core is pure: what is not named here reaches for descriptors, clocks or other programs' libraries.
CORE_SYSTEM_HEADERS = {
    'arpa/inet.h', 'assert.h', 'ctype.h', 'errno.h', 'inttypes.h', 'limits.h', 'stdarg.h', 'stdbool.h', 'stddef.h',
    'stdint.h', 'stdio.h', 'stdlib.h', 'string.h', 'strings.h', 'netinet/in.h', 'sys/socket.h', 'sys/un.h',
    'uthash.h', 'utlist.h',
}
CORE_PROJECT_HEADERS_REFUSED = {'base/log.h'}
CORE_CALLS_REFUSED = re.compile(
    r'\b(log_(?:debug|info|notice|warning|error|message|record)|clock|clock_gettime|gettimeofday|time|localtime\w*|'
    r'gmtime\w*|nanosleep|u?sleep|random|s?rand|getrandom|getenv|secure_getenv|f?printf|puts|perror|'
    r'(?:f|fd)?open(?:at)?|read|write|close|closep|socket|connect|fork|exec\w*|exit|_exit|abort|syslog|sd_\w+|'
    r'curl_\w+|cJSON_\w+)\s*\(')

SPDX = re.compile(r'SPDX-License-Identifier: \S')
SOURCE_SUFFIXES = {'.c', '.h', '.py', '.sh', '.mk', '.conf', '.service', '.sysusers', '.catalog', '.example', '.in',
                   '.yml', '.yaml', '.gp', '.ini', '.cfg', '.toml', '.1', '.5', '.7', '.8'}
SOURCE_NAMES = {'Makefile', '.clang-format', '.clang-tidy'}

FORCE = re.compile(r'\bforce\s*=\s*(?:1|true|yes|%)', re.IGNORECASE)
# Put together, so that this file does not name them itself.
ELSEWHERE = re.compile(r'\.\./' + r'shared\b|(?<![\w./%*}\])-])/' + r'work(?:/|\b(?![\w.-]))')
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


class Tree:
    """What is tracked, or neither tracked nor ignored."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        names = subprocess.run(['git', '-c', 'safe.directory=*', '-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                               check=True, stdout=subprocess.PIPE).stdout.decode(errors='surrogateescape')
        self.files = sorted(n for n in set(names.split('\0')) if n and (self.root / n).is_file())

    def text(self, name):
        return (self.root / name).read_bytes().decode(errors='replace')

    def lines(self, name):
        return list(enumerate(self.text(name).splitlines(), 1))

    def c_files(self):
        return [n for n in self.files if n.endswith(('.c', '.h'))]

    def product_files(self):
        return [n for n in self.files if n.startswith(('src/', 'include/'))]


def without_comments(text):
    """C code with comments and the contents of strings blanked, lines kept."""
    def blank(match):
        token = match.group(0)
        if token.startswith(('"', "'")):
            return token[0] + token[-1]
        return ' ' + '\n' * token.count('\n')
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.DOTALL)


def check_layers(tree):
    for name in tree.product_files():
        if not name.endswith(('.c', '.h')):
            continue
        layer = name.split('/')[1]
        if layer not in LAYERS or name.count('/') != 2:
            yield f'{name}: is in no layer'
            continue
        for number, line in tree.lines(name):
            match = INCLUDE.match(line)
            if not match:
                continue
            bracket, header = match.groups()
            if bracket == '"' and header.split('/')[0] not in LAYERS[layer]:
                yield f'{name}:{number}: {layer} may not include {header}'
            elif bracket == '<' and header.split('/')[0] in LAYERS and '/' in header:
                yield f'{name}:{number}: {header} belongs into quotation marks'


def check_core_is_pure(tree):
    for name in tree.product_files():
        if not name.endswith(('.c', '.h')) or name.split('/')[1] != 'core':
            continue
        for number, line in tree.lines(name):
            match = INCLUDE.match(line)
            if match and match.group(1) == '<' and match.group(2) not in CORE_SYSTEM_HEADERS:
                yield f'{name}:{number}: core may not include {match.group(2)}'
            if match and match.group(2) in CORE_PROJECT_HEADERS_REFUSED:
                yield f'{name}:{number}: core may not include {match.group(2)}'
        for number, line in enumerate(without_comments(tree.text(name)).split('\n'), 1):
            for match in CORE_CALLS_REFUSED.finditer(line):
                yield f'{name}:{number}: core may not call {match.group(1)}()'


def check_spdx(tree):
    for name in tree.files:
        path = pathlib.PurePath(name)
        text = tree.text(name)
        source = path.suffix in SOURCE_SUFFIXES or path.name in SOURCE_NAMES or text.startswith('#!')
        if source and text.strip() and not any(SPDX.search(line) for line in text.splitlines()[:3]):
            yield f'{name}: has no SPDX-License-Identifier in its first three lines'


def check_force(tree):
    for name in tree.product_files():
        for number, line in tree.lines(name):
            if FORCE.search(line):
                yield f'{name}:{number}: nothing is ever removed by force'


def check_length(tree):
    for name in tree.product_files():
        n = len(tree.lines(name))
        if n > LINES_MAX:
            yield f'{name}: has {n} lines, {LINES_MAX} are allowed'


def check_columns(tree):
    for name in tree.c_files():
        for number, line in tree.lines(name):
            n = len(line.expandtabs(8))
            if n > COLUMNS_MAX:
                yield f'{name}:{number}: has {n} columns, {COLUMNS_MAX} are allowed'


def check_clang_format(tree):
    """None instead of problems: could not be checked."""
    program = shutil.which('clang-format') or shutil.which('clang-format-14')
    if not program:
        return None
    names = tree.c_files()
    if not names:
        return []
    run = subprocess.run([program, '--style=file', '--dry-run', '-Werror', *names], cwd=tree.root, check=False,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = run.stdout.decode(errors='replace').splitlines()
    problems = [line for line in output if ': error: ' in line]
    if run.returncode != 0 and not problems:
        problems = output or ['clang-format failed']
    return problems


def check_elsewhere(tree):
    for name in tree.files:
        for number, line in tree.lines(name):
            if ELSEWHERE.search(line):
                yield f'{name}:{number}: names a place that only one machine has'


# The records are made in these, each a header and its source.
RECORD_H, RECORD_C = 'include/daemon/record.h', 'src/daemon/record.c'
PRESSURE_H, PRESSURE_C = 'include/daemon/record-pressure.h', 'src/daemon/record-pressure.c'
CATALOG, MANUAL = 'systemd/reaperd.catalog', 'man/reaperd.8'
FIELD = re.compile(r'"((?:REAPERD|CONTAINER|IMAGE|SWARM)_[A-Z_]+)"')


def record_headers(tree):
    return [n for n in tree.files if re.fullmatch(r'include/daemon/record[\w-]*\.h', n)]


def record_sources(tree):
    return [n for n in tree.files if re.fullmatch(r'src/daemon/record[\w-]*\.c', n)]


def record_ids(tree):
    """The name of each message id, by the id."""
    return {found[2]: found[1] for name in record_headers(tree)
            for found in re.finditer(r'#define (MESSAGE_ID_\w+)\s+"(\w+)"', tree.text(name))}


def record_fields(tree):
    """The fields that the record of each message id can have: those that its function, and what this calls, write."""
    fields = {}
    for source in record_sources(tree):
        functions = dict(re.findall(r'^(?:\w[\w *]*?)\b(\w+)\([^;{]*\{\n(.*?)^\}', tree.text(source), re.M | re.S))
        for body in functions.values():
            reached, todo = '', [body]
            while todo:
                reached += todo[0]
                todo[:1] = [functions[called] for called in re.findall(r'\b(\w+)\(', todo[0])
                            if called in functions and functions[called] not in reached]
            for name in re.findall(r'\bMESSAGE_ID_\w+', body):
                fields.setdefault(name, set()).update(FIELD.findall(reached))
    return fields


def catalog_entries(tree):
    """(line, id, headers, body) of each entry."""
    line = 1
    for text in re.split(r'^(?=-- )', tree.text(CATALOG), flags=re.M):
        found = re.match(r'-- (\S+)\n((?:[\w-]+: [^\n]*\n)*)\n(.*)', text, re.S)
        if found:
            headers = dict(h.split(': ', 1) for h in found[2].splitlines())
            yield line, found[1], headers, found[3].strip()
        elif text.startswith('--'):
            yield line, '', {}, ''
        line += text.count('\n')


def check_catalog(tree):
    if RECORD_H not in tree.files:
        return
    if CATALOG not in tree.files:
        yield f'{CATALOG}: is missing'
        return
    ids, fields, seen = record_ids(tree), record_fields(tree), set()
    for line, entry, headers, body in catalog_entries(tree):
        at = f'{CATALOG}:{line}'
        if entry not in ids:
            yield f'{at}: {entry or "this"} is no message id of {" or ".join(record_headers(tree))}'
            continue
        if entry in seen:
            yield f'{at}: {entry} has been there before'
        seen.add(entry)
        for header in ('Subject', 'Defined-By', 'Support'):
            if not headers.get(header):
                yield f'{at}: {header} is missing'
        if not body:
            yield f'{at}: says nothing'
        for field in re.findall(r'@([A-Z0-9_]+)@', ''.join(headers.values()) + body):
            if field not in fields.get(ids[entry], ()):
                yield f'{at}: the record has no field {field}'
    for entry in ids.keys() - seen:
        yield f'{CATALOG}: has no entry for {ids[entry]}, {entry}'


def check_manual_records(tree):
    if RECORD_H not in tree.files:
        return
    words = set(re.findall(r'[\w-]+', tree.text(MANUAL) if MANUAL in tree.files else ''))
    for entry, name in record_ids(tree).items():
        if entry not in words:
            yield f'{MANUAL}: does not know {name}, {entry}'
    for field in sorted(set(FIELD.findall(''.join(tree.text(name) for name in record_sources(tree)))) - words):
        yield f'{MANUAL}: does not know the field {field}'
    for verdict in re.findall(r'\[VERDICT_\w+\]\s*=\s*"([\w-]+)"', tree.text('src/core/policy.c')):
        if verdict not in words:
            yield f'{MANUAL}: does not know the verdict {verdict}'


MEMORY_BENCH, MEMORY_CSV, MEMORY_PAGE = 'bench/memory.py', 'docs/memory.csv', 'docs/memory.md'


def check_memory_tables(tree):
    if MEMORY_BENCH not in tree.files:
        return
    for name in (MEMORY_CSV, MEMORY_PAGE):
        if name not in tree.files:
            yield f'{name}: is missing'
            return
    page = tree.text(MEMORY_PAGE)
    try:
        made = memory_table.replaced(page, tree.text(MEMORY_CSV))
    except (ValueError, KeyError) as error:
        yield f'{MEMORY_PAGE}: cannot be made from {MEMORY_CSV}: {error}'
        return
    if page != made:
        yield f'{MEMORY_PAGE}: has other tables than those of {MEMORY_CSV}; bench/memory.py --tables makes them anew'


PAPER, RESULTS = 'docs/paper.md', 'docs/experiment'


def check_experiment(tree):
    """Those of this tree's documents, and its pictures."""
    if 'experiment/page.py' not in tree.files:
        return
    try:
        # What is broken there is no other check's problem.
        from experiment import page
        yield from page.check(tree.root)
    except Exception as error:
        yield f'{PAPER}, {RESULTS}: cannot be checked: {type(error).__name__}: {error}'


MAKEFILE, CHANGELOG = 'Makefile', 'CHANGELOG.md'
# All but documents, which show examples, and tests, which make up versions of their own.
VERSIONLESS = ('completions/', 'conf/', 'container/', 'dbus/', 'debian/', 'include/', 'man/', 'packaging/', 'src/',
               'systemd/', 'tools/')


def released(heading):
    """What a section of the changelog is of: numbers and a day, or None."""
    found = re.fullmatch(r'\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)', heading)
    try:
        return found and (tuple(int(found[n]) for n in (1, 2, 3)), datetime.date.fromisoformat(found[4]))
    except ValueError:
        return None


def check_version(tree):
    """Between releases the version is that of the next one with -dev behind it, and the changelog begins with what
    nobody has got yet; with a release both are of it."""
    found = re.findall(r'^VERSION\s*[:?]?=\s*(.*)$', tree.text(MAKEFILE), re.M)
    version = re.fullmatch(r'(\d+)\.(\d+)\.(\d+)(-dev)?', found[0]) if len(found) == 1 else None
    if not version:
        yield f'{MAKEFILE}: VERSION is to be said once, as 1.2.3 or 1.2.3-dev: {found}'
        return
    numbers = tuple(int(version[n]) for n in (1, 2, 3))
    headings = re.findall(r'^## (.*)$', tree.text(CHANGELOG), re.M)

    if version[4]:
        if headings[:1] != ['[Unreleased]']:
            yield f'{CHANGELOG}: begins with {headings[:1]}, and with [Unreleased] as long as VERSION is {version[0]}'
        headings = headings[1:]
    elif not headings or not (first := released(headings[0])) or first[0] != numbers:
        yield f'{CHANGELOG}: begins with {headings[:1]}, and as VERSION is {version[0]}, with [{version[0]}] - YYYY-MM-DD'

    before = (numbers, datetime.date.max) if version[4] else None
    for heading in headings:
        this = released(heading)
        if not this:
            yield f'{CHANGELOG}: {heading} is none of [1.2.3] - YYYY-MM-DD'
        elif before and (this[0] >= before[0] or this[1] > before[1]):
            yield f'{CHANGELOG}: {heading} is not older than what is above it'
        before = this or before

    stated = re.compile(rf'(?<![\d.]){version[1]}\.{version[2]}\.{version[3]}(?![\d.]*\d)')
    for name in tree.files:
        if name.startswith(VERSIONLESS):
            for number, line in tree.lines(name):
                if stated.search(line):
                    yield f'{name}:{number}: states the version, which only {MAKEFILE} does'


SECURITY = 'SECURITY.md'


def check_security(tree):
    """Every claim has a test: one at least below each heading of a party, and those that are named are there and run."""
    if SECURITY not in tree.files:
        yield f'{SECURITY}: is missing'
        return
    text = tree.text(SECURITY)
    parties = re.findall(r'^### (.*)\n((?:(?!##).*\n?)*)', text, re.M)
    if not parties:
        yield f'{SECURITY}: names no party'
    for party, claims in parties:
        if not re.search(r'`tests/[^`]*::', claims):
            yield f'{SECURITY}: no test shows what stands against "{party}"'
    for shown in sorted(set(re.findall(r'\btests/[^\s`,;)]*', text))):
        name, _, test = shown.partition('::')
        code = tree.text(name) if name in tree.files else ''
        if not re.fullmatch(r'tests/[\w/-]+\.(?:py|c)::\w+', shown):
            yield f'{SECURITY}: {shown} is not of the form tests/FILE::TEST'
        # In C a test is a function that is also put into the list of main().
        elif not re.search(rf'^def {test}\(' if name.endswith('.py') else
                           rf'^static void {test}\(void \*\*(?s:.*)\({test}\b', code, re.M):
            yield f'{SECURITY}: there is no test {shown}'


CHECKS = [
    ('layers include to their left only', check_layers),
    ('core is pure', check_core_is_pure),
    ('sources have an SPDX line', check_spdx),
    ('nothing is removed by force', check_force),
    (f'no file of the product has more than {LINES_MAX} lines', check_length),
    (f'no line of C has more than {COLUMNS_MAX} columns', check_columns),
    ('clang-format is content', check_clang_format),
    ('nothing names a place outside of the project', check_elsewhere),
    ('every record has its entry in the catalog', check_catalog),
    ('the manual knows every record, field and verdict', check_manual_records),
    ('the tables about memory are those of the data', check_memory_tables),
    ('the numbers, verdicts and figures about the paper are those of the data', check_experiment),
    (f'the version is said once, and {CHANGELOG} tells of it', check_version),
    ('every threat has a test that is there', check_security),
]


def check_tree(root):
    tree = Tree(root)
    failed = 0
    print(f'1..{len(CHECKS)}')
    for number, (text, check) in enumerate(CHECKS, 1):
        problems = check(tree)
        if problems is None:
            print(f'ok {number} - {text} # SKIP clang-format is not installed')
            continue
        problems = list(problems)
        for problem in problems:
            print(f'# {problem}')
        print(f'{"not ok" if problems else "ok"} {number} - {text}')
        failed += bool(problems)
    return 1 if failed else 0


HEAD = '/* SPDX-License-Identifier: Apache-2.0 */\n'
ONE, TWO, SHORT = '1' * 32, '2' * 32, '4' * 32
CATALOG_HEAD = '# SPDX-License-Identifier: Apache-2.0\n'
CATALOG_ONE = f'-- {ONE}\nSubject: @REAPERD_A@\nDefined-By: reaperd\nSupport: x\n\nWhy @CONTAINER_ID@.\n\n'
CATALOG_TWO = f'-- {TWO}\nSubject: Two\nDefined-By: reaperd\nSupport: x\n\nSo.\nOn @REAPERD_B@.\n\n'
CATALOG_SHORT = f'-- {SHORT}\nSubject: Short\nDefined-By: reaperd\nSupport: x\n\nOf @REAPERD_C@.\n'
MANUAL_HEAD = '.\\" SPDX-License-Identifier: Apache-2.0\n'
MANUAL_WORDS = ('CONTAINER_ID', 'REAPERD_A', 'REAPERD_B', 'REAPERD_C', ONE, TWO, SHORT, 'too-young', 'running')
MEMORY_MARKERS = memory_table.BEGIN + memory_table.END
MEMORY_ROWS = [memory_table.Row('small', 2, repetition, course, stage, {'disk': 8000 * number + repetition, 'inodes': None})
               for repetition in (1, 2, 3)
               for course, stages in (('remove', ('before', 'running', 'stopped', 'removed')),
                                      ('reclaim', ('dropped', 'written', 'removed')))
               for number, stage in enumerate(stages)]
MEMORY_DATA = memory_table.to_csv([('small', 'writes nothing')], ['disk', 'inodes'], MEMORY_ROWS)
SECURITY_ONE = '### One\n\nA `tests/unit/test-a.c::test_x`.\n\n'
SECURITY_TWO = '### Two\n\nB (`tests/protocol/test_b.py::test_y`,\n`tests/unit/test-a.c::test_x`).\n'
SECURITY_TEXT = '# Security\n\n' + SECURITY_ONE + SECURITY_TWO + '\n## More\n\nText.\n'
CLEAN = {
    RECORD_H: HEAD + f'#define MESSAGE_ID_ONE "{ONE}"\n#define MESSAGE_ID_TWO "{TWO}"\n',
    RECORD_C: HEAD + 'static void fields(F *f) {\n        add(f, "CONTAINER_ID", f->id);\n        end(f);\n}\n\n'
                     'void record_one(F *f) {\n        fields(f);\n        log(MESSAGE_ID_ONE, "REAPERD_A");\n}\n\n'
                     'void record_two(int n) {\n'
                     '        const LogField f[] = {{"REAPERD_B", n}};\n\n        log(MESSAGE_ID_TWO, f);\n}\n',
    PRESSURE_H: HEAD + f'#define MESSAGE_ID_SHORT "{SHORT}"\n',
    # A helper of the same name as one above, which it does not call.
    PRESSURE_C: HEAD + 'static void fields(F *f) {\n        add(f, "REAPERD_C", f->c);\n        end(f);\n}\n\n'
                       'void record_short(F *f) {\n        fields(f);\n        log(MESSAGE_ID_SHORT, f);\n}\n',
    CATALOG: CATALOG_HEAD + CATALOG_ONE + CATALOG_TWO + CATALOG_SHORT,
    MANUAL: MANUAL_HEAD + ' ,\n.Ev '.join(MANUAL_WORDS) + '.\n',
    'src/core/policy.c': HEAD + 'static const char *const names[] = {\n    [VERDICT_RUNNING] = "running",\n'
                                '    [VERDICT_TOO_YOUNG] = "too-young",\n};\n',
    'src/base/a.c': HEAD + '#include <unistd.h>\n\n#include "base/a.h"\n',
    'include/base/a.h': HEAD,
    'src/core/b.c': HEAD + '#include <errno.h>\n\n#include "base/a.h"\n#include "core/b.h"\n\n'
                           '/* time() and log_info() belong elsewhere. */\nconst char *word = "write(2), force";\n',
    'include/core/b.h': HEAD,
    'src/daemon/c.c': HEAD + '#include "core/b.h"\n#include "engine/d.h"\n',
    'src/ctl/e.c': HEAD + '#include "base/a.h"\n',
    'README.md': 'No licence line is needed here; a framework/workshop is no place; see src/work/x too.\n',
    MAKEFILE: '# SPDX-License-Identifier: Apache-2.0\nVERSION := 1.3.0\n',
    CHANGELOG: '# Changelog\n\n## [1.3.0] - 2026-11-23\n\n### Added\n\n- A.\n\n## [1.2.9] - 2026-11-23\n\n- B.\n',
    '.clang-format': '# SPDX-License-Identifier: Apache-2.0\nBasedOnStyle: LLVM\nIndentWidth: 8\nColumnLimit: 109\n'
                     'SortIncludes: Never\n',
    MEMORY_BENCH: '# SPDX-License-Identifier: Apache-2.0\n',
    MEMORY_CSV: MEMORY_DATA,
    MEMORY_PAGE: memory_table.replaced('Text.\n' + MEMORY_MARKERS + 'More.\n', MEMORY_DATA),
    SECURITY: SECURITY_TEXT,
    'tests/unit/test-a.c': HEAD + 'static void test_x(void **state) {}\n\nstatic void test_idle(void **state) {}\n\n'
                                  'int main(void) { run(test(test_x)); }\n',
    'tests/protocol/test_b.py': '# SPDX-License-Identifier: Apache-2.0\ndef test_y() -> None:\n    helper(test_z)\n',
    '.gitignore': 'build/\n',
    'build/ignored.c': '#include "nonsense/x.h"\n',
}

DEVELOPED = {MAKEFILE: CLEAN[MAKEFILE].replace('1.3.0', '1.4.0-dev'),
             CHANGELOG: '## [Unreleased]\n\n- C.\n\n' + CLEAN[CHANGELOG]}
LONG = '/* ' + 'x' * (COLUMNS_MAX - 6) + ' */'
# The check that must fail, and the files that make it fail.
BAD = [
    (check_layers, {'src/base/bad.c': HEAD + '#include "core/b.h"\n'}),
    (check_layers, {'src/core/bad.c': HEAD + '#include "engine/d.h"\n'}),
    (check_layers, {'include/core/bad.h': HEAD + '#  include "daemon/x.h"\n'}),
    (check_layers, {'src/engine/bad.c': HEAD + '#include "node/x.h"\n'}),
    (check_layers, {'src/node/bad.c': HEAD + '#include "engine/x.h"\n'}),
    (check_layers, {'src/engine/bad.c': HEAD + '#include "daemon/x.h"\n'}),
    (check_layers, {'src/ctl/bad.c': HEAD + '#include "core/b.h"\n'}),
    (check_layers, {'src/daemon/bad.c': HEAD + '#include "ctl/x.h"\n'}),
    (check_layers, {'src/core/bad.c': HEAD + '#include "b.h"\n'}),
    (check_layers, {'src/base/bad.c': HEAD + '#include <core/b.h>\n'}),
    (check_layers, {'src/util/bad.c': HEAD}),
    (check_layers, {'src/bad.c': HEAD}),
    *((check_core_is_pure, {'src/core/bad.c': HEAD + f'#include <{header}>\n'})
      for header in ('curl/curl.h', 'cjson/cJSON.h', 'systemd/sd-event.h', 'time.h', 'sys/time.h', 'unistd.h',
                     'fcntl.h', 'sys/stat.h', 'syslog.h')),
    (check_core_is_pure, {'include/core/bad.h': HEAD + '#include "base/log.h"\n'}),
    *((check_core_is_pure, {'src/core/bad.c': HEAD + f'void f(void) {{\n        {call};\n}}\n'})
      for call in ('log_info("x")', 'clock_gettime(0, &t)', 't = time(NULL)', 'printf("x")', 'write(1, "x", 1)',
                   'sd_journal_print(1, "x")', 'curl_easy_init()', 'x = /* now */ random()')),
    (check_spdx, {'src/base/bad.c': '/* nothing */\n'}),
    (check_spdx, {'tests/bad.py': 'print(1)\n'}),
    (check_spdx, {'tests/bad': '#!/bin/sh\ntrue\n'}),
    (check_spdx, {'conf/bad.conf': '[Engine]\n'}),
    (check_spdx, {'man/bad.8': '\n\n\n\n.\\" SPDX-License-Identifier: Apache-2.0\n'}),
    (check_spdx, {'Makefile': 'all:\n'}),
    (check_force, {'src/engine/bad.c': HEAD + 'const char *x = "?v=1&force=1";\n'}),
    (check_force, {'include/engine/bad.h': HEAD + '#define X "Force=true"\n'}),
    (check_length, {'src/base/bad.c': HEAD + '\n' * LINES_MAX}),
    (check_columns, {'tests/unit/bad.c': HEAD + LONG + 'x\n'}),
    (check_columns, {'src/base/bad.c': HEAD + '\t' * 13 + '/* x */\n'}),
    (check_clang_format, {'src/base/bad.c': HEAD + 'int  x ;\n'}),
    (check_clang_format, {'tests/unit/bad.h': HEAD + 'static int f(void)\n{\nreturn 1;\n}\n'}),
    *((check_catalog, {CATALOG: CATALOG_HEAD + text})
      for text in ('', CATALOG_ONE + CATALOG_SHORT, CATALOG_ONE + CATALOG_TWO,
                   CATALOG_ONE + CATALOG_TWO + CATALOG_SHORT + '\n' + CATALOG_ONE,
                   CATALOG_ONE + CATALOG_TWO + CATALOG_SHORT + f'\n-- {"3" * 32}\n',
                   CATALOG_ONE.replace('Support', 'Support-By') + CATALOG_TWO + CATALOG_SHORT,
                   CATALOG_ONE.replace('Why @CONTAINER_ID@.', '') + CATALOG_TWO + CATALOG_SHORT,
                   CATALOG_ONE + CATALOG_TWO.replace('REAPERD_B', 'REAPERD_A') + CATALOG_SHORT,
                   CATALOG_ONE + CATALOG_TWO.replace('REAPERD_B', 'CONTAINER_ID') + CATALOG_SHORT,
                   CATALOG_ONE.replace('@REAPERD_A@', '@REAPERD_B@') + CATALOG_TWO + CATALOG_SHORT,
                   CATALOG_ONE.replace('@REAPERD_A@', '@REAPERD_C@') + CATALOG_TWO + CATALOG_SHORT,
                   CATALOG_ONE + CATALOG_TWO + CATALOG_SHORT.replace('REAPERD_C', 'CONTAINER_ID'))),
    *((check_manual_records, {MANUAL: MANUAL_HEAD + ' '.join(w for w in MANUAL_WORDS if w != word)})
      for word in MANUAL_WORDS),
    (check_manual_records, {MANUAL: MANUAL_HEAD + ' '.join(MANUAL_WORDS).replace('REAPERD_A', 'REAPERD_AB')}),
    (check_spdx, {'systemd/bad.catalog': CATALOG_ONE}),
    (check_spdx, {'systemd/bad.sysusers': 'u bad -\n'}),
    *((check_memory_tables, {MEMORY_CSV: text})
      for text in (MEMORY_DATA.replace(',8001,', ',48001,'), MEMORY_DATA.replace('nothing', 'much'),
                   MEMORY_DATA.replace('small,2,2,remove,stopped', 'small,2,2,remove,paused'))),
    *((check_memory_tables, {MEMORY_PAGE: text})
      for text in (MEMORY_MARKERS, 'Nothing.\n',
                   memory_table.replaced(MEMORY_MARKERS, MEMORY_DATA).replace('0.008', '0.009'))),
    *((check_version, {**CLEAN, MAKEFILE: text})
      for text in ('', 'VERSION := 1.3\n', 'VERSION := 1.3.1\n', 'VERSION := 1.3.0-dev\n', 'VERSION := 1.4.0-dev\n',
                   'VERSION := 1.3.0-rc1\n', 'VERSION := 1.3.0\nVERSION := 1.3.0\n')),
    *((check_version, {CHANGELOG: text})
      for text in ('', DEVELOPED[CHANGELOG], CLEAN[CHANGELOG].replace(' - 2026-11-23', '', 1),
                   CLEAN[CHANGELOG].replace('2026-11-23', '2026-11-31', 1),
                   CLEAN[CHANGELOG].replace('2026-11-23', '2026-11-22', 1),
                   CLEAN[CHANGELOG].replace('1.2.9', '1.10.0'), CLEAN[CHANGELOG].replace('1.2.9', '1.3.0'),
                   CLEAN[CHANGELOG].replace('[1.2.9] - ', '[1.2.9] of '))),
    *((check_version, {**DEVELOPED, **files})
      for files in ({CHANGELOG: CLEAN[CHANGELOG]}, {MAKEFILE: 'VERSION := 1.3.0-dev\n'},
                    {MAKEFILE: 'VERSION := 1.4.0\n'}, {CHANGELOG: '## [Unreleased]\n' + DEVELOPED[CHANGELOG]},
                    {'packaging/bad.spec.in': 'Version: 1.4.0~dev\n'})),
    (check_version, {'src/base/bad.c': HEAD + 'const char *x = "reaperd/1.3.0";\n'}),
    (check_version, {'tools/bad.sh': 'tar -c reaperd-1.3.0.tar.xz\n'}),
    *((check_security, {SECURITY: text})
      for text in ('', '# Security\n', SECURITY_TEXT.replace('::test_y', '::test_z'), SECURITY_TEXT.replace('::test_y', ''),
                   SECURITY_TEXT.replace('test_b', 'test_c'), SECURITY_TEXT.replace('a.c::test_x', 'a.c::test_idle'),
                   SECURITY_TEXT.replace('::test_y', '::test_*'), SECURITY_TEXT.replace('A `tests/unit/test-a.c::test_x`.', 'A.'),
                   SECURITY_TEXT.replace('## More', '### More'))),
    (check_elsewhere, {'README.md': 'see ../' + 'shared/design.md\n'}),
    (check_elsewhere, {'tests/bad.py': HEAD + 'open("/' + 'work/main/x")\n'}),
    (check_elsewhere, {'Makefile': 'A = /' + 'work\n'}),
]
# Close to the limit, and allowed.
GOOD = [
    (check_version, DEVELOPED),
    (check_version, {MAKEFILE: 'VERSION := 0.1.0\n', CHANGELOG: '## [0.1.0] - 2026-11-23\n'}),
    (check_version, {'src/base/good.c': HEAD + '/* 11.3.0, 1.3.01, 0.1.3.0, 1.3.0.1 */\n'}),
    (check_version, {'README.md': 'reaperd 1.3.0\n'}),
    (check_columns, {'src/base/good.c': HEAD + LONG + '\n'}),
    (check_length, {'src/base/good.c': HEAD + '\n' * (LINES_MAX - 1)}),
    (check_force, {'src/base/good.c': HEAD + '/* without force: 1 is enough */\n'}),
    (check_elsewhere, {'tests/good.sh': 'upper=$DIR/' + 'work/x; mount -o lowerdir=a/' + 'work\n'}),
]


def experiment_samples():
    """A whole sample, and what breaks it. All other checks need none of it, nor what makes it."""
    import documents
    with tempfile.TemporaryDirectory() as folder:
        pages = documents.small(pathlib.Path(folder))
    pages['experiment/page.py'] = '# SPDX-License-Identifier: Apache-2.0\n'
    return pages, [{f'{RESULTS}/about.txt': None}, {f'{RESULTS}/figure7.csv': None}, {PAPER: None},
                   {f'{RESULTS}/figure4.svg': 'another'}, {f'{RESULTS}/figure8.png': None},
                   {f'{RESULTS}/pictures.txt': ''}, {f'{RESULTS}/figure8.csv': 'load,arm\n'},
                   *({file: pages[file].replace(was, now)} for file, was, now in documents.SPOILT)]


def problems_with(check, files):
    with tempfile.TemporaryDirectory() as root:
        subprocess.run(['git', 'init', '--quiet', root], check=True)
        for name, text in {**CLEAN, **files}.items():
            if text is None:
                continue
            path = pathlib.Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding='utf-8')
        problems = check(Tree(root))
        return None if problems is None else list(problems)


def self_test():
    pages, broken = experiment_samples()
    good = [*GOOD, (check_experiment, pages)]
    bad = [*BAD, *((check_experiment, {**pages, **files}) for files in broken)]
    cases = [(check, {}, False) for _, check in CHECKS]
    cases += [(check, files, False) for check, files in good]
    cases += [(check, files, True) for check, files in bad]
    failed = 0
    print(f'1..{len(cases)}')
    for number, (check, files, should_fail) in enumerate(cases, 1):
        problems = problems_with(check, files)
        changed = ', '.join(name for name in files if files[name] != pages.get(name))
        text = f'{check.__name__} {"fails on" if should_fail else "passes"} {changed or "the clean sample"}'
        if problems is None:
            print(f'ok {number} - {text} # SKIP clang-format is not installed')
        elif bool(problems) == should_fail:
            print(f'ok {number} - {text}')
        else:
            print(f'# {problems}')
            print(f'not ok {number} - {text}')
            failed += 1
    unshown = {check for _, check in CHECKS} - {check for check, _ in bad}
    if unshown:
        print(f'# no bad sample for {unshown}')
    return 1 if failed or unshown else 0


def main(arguments):
    if arguments == ['--self-test']:
        return self_test()
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    here = pathlib.Path(__file__).resolve().parent
    return check_tree(str(here.parent.parent))


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
