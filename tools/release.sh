#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What all kinds of packages of a release are made from, so that each says the same of it, and is the same twice.
#
#     release.sh date                    when this version is of, in seconds: $SOURCE_DATE_EPOCH if it is set; the
#                                        date of CHANGELOG.md's first section; where that has none, the last commit's
#     release.sh tree DIR [VERSION]      copies the sources into DIR, which is new or empty; with this version
#     release.sh debian-changelog VER    CHANGELOG.md as debian/changelog; VER as Debian spells this version
#     release.sh rpm-changelog VER       CHANGELOG.md as the %changelog of a spec; VER with the release: 1.2.3-1
set -eu

export LC_ALL=C
top=$(cd "$(dirname "$0")/.." && pwd -P)
maintainer=$(sed -n 's/^Maintainer: //p' "$top/debian/control")

fail() {
        echo "release.sh: $*" >&2
        exit 1
}

# Root's git in somebody else's checkout refuses to work without being told so.
repository() {
        git -c 'safe.directory=*' -C "$top" "$@"
}

# Sources that were unpacked somewhere below another repository, build/ of this one for example, are not that one's.
is_checkout() {
        command -v git >/dev/null && [ "$(repository rev-parse --show-toplevel 2>/dev/null)" = "$top" ]
}

release_date() {
        if [ -n "${SOURCE_DATE_EPOCH-}" ]; then
                echo "$SOURCE_DATE_EPOCH"
                return
        fi
        day=$(sed -n '/^## \[/{s/^## \[.*\] - \([0-9-]\{10\}\)$/\1/p;q;}' "$top/CHANGELOG.md")
        if [ -n "$day" ]; then
                date -u -d "$day" +%s
        elif is_checkout; then
                repository log -1 --format=%ct
        else
                # Whoever packed these sources by `tree` has given them the date.
                stat -c %Y "$top/CHANGELOG.md"
        fi
}

# What git tracks, as it is in the work tree, and what it does not ignore: a file that is still to be added belongs to
# what is tried. Names of what has been deleted are left out, and so is the folder that is copied into.
checkout_files() {
        repository ls-files -z --cached --others --exclude-standard | sort -zu |
                (cd "$top" && xargs -0 sh -c 'skip=$1; shift
                        for file; do
                                case $file in "$skip"/*) continue ;; esac
                                if [ -e "$file" ] || [ -h "$file" ]; then printf "%s\0" "$file"; fi
                        done' sh "${1:-//}")
}

unpacked_files() {
        (cd "$top" && find . \( -path ./build -o -path "./${1:-build}" -o -path ./.git -o -name __pycache__ \
                -o -name .pytest_cache \) \
                -prune -o ! -type d -print0) | sort -z
}

copy_tree() {
        mkdir -p "$1"
        target=$(cd "$1" && pwd -P)
        [ -z "$(ls -A "$target")" ] || fail "$1 is not empty"
        moment=$(release_date)
        # Below the sources it would be a part of itself.
        inside=
        case $target in "$top"/*) inside=${target#"$top"/} ;; esac

        if is_checkout; then
                others=$(repository ls-files --others --exclude-standard | grep -vF "${inside:-//}/" || :)
                [ -z "$others" ] || printf 'Not tracked by git, and taken along:\n%s\n' "$others" >&2
                checkout_files "$inside"
        else
                unpacked_files "$inside"
        fi | tar -C "$top" --no-recursion --null -T - -cf - | tar -C "$target" --no-same-owner -xf -
        # `make VERSION=` is how tests of an upgrade come by another version; its sources are to say the same.
        if [ -n "${2-}" ]; then
                sed "s/^VERSION := .*/VERSION := $2/" "$top/Makefile" >"$target/Makefile"
        fi
        # As git would make them, whoever copied this and with which umask.
        find "$target" -type d -exec chmod 755 {} +
        find "$target" -type f -perm /111 -exec chmod 755 {} +
        find "$target" -type f ! -perm /111 -exec chmod 644 {} +
        find "$target" -depth -exec touch -h -d "@$moment" {} +
}

# The sections of CHANGELOG.md as entries of another form. The first one is what is being built, with or without a date;
# if that is another version than it tells of, as in tests of an upgrade, then nothing is known of it.
changelog() { # form, version
        [ -n "$maintainer" ] || fail "debian/control names no maintainer"
        moment=$(release_date)
        awk -v form="$1" -v version="$2" -v maintainer="$maintainer" -v moment="$moment" '
                BEGIN { margin = form == "rpm" ? "" : "  " }
                # Days since 1970 by the calendar; January and February count to the year before.
                function days(year, month, day) {
                        if (month <= 2) { year--; month += 12 }
                        return 365 * year + int(year / 4) - int(year / 100) + int(year / 400) \
                               + int((153 * (month - 3) + 2) / 5) + day - 719469
                }
                function two(number) { return sprintf("%02d", number) }
                function stamp(seconds,  day, year, month, n, length_of, clock) {
                        day = int(seconds / 86400); clock = seconds % 86400
                        for (year = 1970; day >= (n = days(year + 1, 1, 1) - days(year, 1, 1)); year++) day -= n
                        for (month = 1; month < 12; month++) {
                                length_of = days(year, month + 1, 1) - days(year, month, 1)
                                if (day < length_of) break
                                day -= length_of
                        }
                        n = substr("ThuFriSatSunMonTueWed", int(seconds / 86400) % 7 * 3 + 1, 3)
                        month = substr("JanFebMarAprMayJunJulAugSepOctNovDec", month * 3 - 2, 3)
                        if (form == "rpm") return n " " month " " two(day + 1) " " year
                        return n ", " two(day + 1) " " month " " year " " two(int(clock / 3600)) ":" \
                               two(int(clock % 3600 / 60)) ":" two(clock % 60) " +0000"
                }
                function flush() {
                        if (form == "rpm") gsub(/%/, "%%", item)
                        if (item == "") return
                        if (heading != "") { print margin (form == "rpm" ? "- " : "* ") heading ":"; heading = "" }
                        wrap(item, margin "  - ", margin "    ")
                        item = ""
                }
                function wrap(text, first, next_one,  words, n, i, line) {
                        n = split(text, words, " "); line = first words[1]
                        for (i = 2; i <= n; i++) {
                                if (length(line " " words[i]) > 79) { print line; line = next_one words[i] }
                                else line = line " " words[i]
                        }
                        print line
                }
                function open_entry(of, seconds) {
                        close_entry()
                        if (entries > 1) print ""
                        if (form == "rpm") print "* " stamp(seconds) " " maintainer " - " of
                        else print "reaperd (" of ") unstable; urgency=medium\n"
                        opened = seconds; is_open = 1; heading = ""
                }
                function close_entry() {
                        if (!is_open) return
                        flush()
                        if (form != "rpm") print "\n -- " maintainer "  " stamp(opened)
                        is_open = 0
                }
                /^## \[/ {
                        entries++
                        of = $2; gsub(/[][]/, "", of)
                        split($4, date, "-")
                        seconds = days(date[1] + 0, date[2] + 0, date[3] + 0) * 86400
                        if (entries > 1) { open_entry(form == "rpm" ? of "-1" : of, seconds); next }
                        open_entry(version, moment)
                        rest = substr(version, length(of) + 1)
                        if (of != "Unreleased" && (index(version, of) != 1 || rest !~ /^([~+-]|$)/)) {
                                heading = "Changed"
                                item = "Only its number: built from the sources of " of "."
                                exit
                        }
                        next
                }
                !is_open || /^\[[^]]*\]: / { next }
                /^### /  { flush(); heading = substr($0, 5); next }
                /^[-*] / { flush(); item = substr($0, 3); next }
                /^$/     { flush(); next }
                         { sub(/^ +/, ""); item = item == "" ? $0 : item " " $0 }
                END      { close_entry(); if (!entries) exit 1 }
        ' "$top/CHANGELOG.md" || fail "CHANGELOG.md has no section"
}

case ${1-}/$# in
date/1) release_date ;;
tree/2 | tree/3) copy_tree "$2" "${3-}" ;;
debian-changelog/2) changelog deb "$2" ;;
rpm-changelog/2) changelog rpm "$2" ;;
*) fail "usage: date | tree DIR [VERSION] | debian-changelog VERSION | rpm-changelog VERSION-RELEASE" ;;
esac
