#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs what building (`deps.sh build`), building a package (`deps.sh deb`, `deps.sh rpm`), showing (`deps.sh demo`),
# measuring (`deps.sh experiment`), or building and testing (`deps.sh test`) needs and this machine lacks.
#
# On Debian and Ubuntu only; elsewhere it names what is missing. An engine that is there, whoever packaged it, is
# used and never replaced, and nothing that gets installed here is started. What Debian enables along with tools, for the
# next boot or login (the timer of man-db, the sockets of gpg-agent), stays enabled.
set -eu

want=${1:-build}
# An ordinary user's PATH may lack where daemons are.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
top=$(cd "$(dirname "$0")/.." && pwd)
unpacked=$top/build/deps

have() {
        command -v "$1" >/dev/null 2>&1
}

have_library() {
        have pkg-config && pkg-config --exists "$1"
}

# Of a package whose use another one checks for by name.
installed() {
        have dpkg-query && [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=
need() { # package, and a test that fails where it is missing
        package=$1
        shift
        "$@" || missing="$missing $package"
}

need gcc have gcc
need make have make
need libc6-dev test -e /usr/include/stdlib.h
need pkg-config have pkg-config
need libcurl4-openssl-dev have_library libcurl
need libcjson-dev have_library libcjson
need libsystemd-dev have_library libsystemd
need libinih-dev have_library inih
need uthash-dev test -e /usr/include/uthash.h

# Whether any of these is wanted.
wanted() {
        case " $* " in
        *" $want "*) return 0 ;;
        esac
        return 1
}

# What builds packages.
if wanted deb test; then
        need build-essential installed build-essential
        need debhelper have dh
        need libcmocka-dev have_library cmocka
        need systemd-dev have_library systemd
fi
if wanted rpm test; then
        need rpm have rpmbuild
        need xz-utils have xz
fi

# What runs an engine; the demo needs it too.
if wanted demo experiment test; then
        need python3 /usr/bin/python3 -c 'import ctypes, http.client, xml.etree' 2>/dev/null
        need docker.io have dockerd
        need containerd have containerd
        need runc have runc
        need iptables have iptables
        need iproute2 have ip
        need util-linux have nsenter
        need busybox-static have busybox
        need dbus-daemon have dbus-daemon
fi

# What measures as an admin would look, and draws what was found.
if wanted experiment test; then
        need docker-cli have docker
        need gnuplot-nox have gnuplot
fi

if [ "$want" = test ]; then
        need python3-pytest /usr/bin/python3 -c 'import pytest' 2>/dev/null
        need valgrind have valgrind
        need clang have clang
        need clang-format have clang-format
        need clang-tidy have clang-tidy
        need mandoc have mandoc
        need git have git
        # For what checks units, users and catalogs; nothing of it is started.
        need systemd have systemd-analyze
        need systemd-journal-remote test -x /usr/lib/systemd/systemd-journal-remote -o -x /lib/systemd/systemd-journal-remote
        need zsh have zsh
        need bash-completion test -e /usr/share/bash-completion/bash_completion
        # For what looks at packages, makes the trees that they are installed in, and repositories of them.
        need lintian have lintian
        need rpmlint have rpmlint
        need cpio have cpio
        need mmdebstrap have mmdebstrap
        need python3-yaml /usr/bin/python3 -c 'import yaml' 2>/dev/null
        need apt-utils have apt-ftparchive
        need gnupg have gpg
fi

if [ -n "$missing" ]; then
        if ! have apt-get; then
                echo "Missing (by the names of Debian's packages):$missing" >&2
                echo "Only Debian and Ubuntu are known here: please install these by your own means." >&2
                exit 1
        fi
        if [ "$(id -u)" -ne 0 ]; then
                echo "Missing:$missing" >&2
                echo "Run this as root (sudo), or: apt-get install$missing" >&2
                exit 1
        fi

        # Packages start their services when they are installed. This one's engine is private to the tests, and
        # starting another is the admin's business.
        policy=/usr/sbin/policy-rc.d
        if [ ! -e "$policy" ]; then
                trap 'rm -f "$policy"' EXIT
                trap 'exit 130' INT TERM HUP
                printf '#!/bin/sh\nexit 101\n' >"$policy"
                chmod 755 "$policy"
        fi

        # Whose units are not there yet: an engine, or the containerd of something else, that is there is not ours.
        new_units=
        for unit in docker.service docker.socket containerd.service; do
                [ -e "/etc/systemd/system/$unit" ] || [ -e "/usr/lib/systemd/system/$unit" ] ||
                        [ -e "/lib/systemd/system/$unit" ] || new_units="$new_units $unit"
        done

        echo "Installing:$missing"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq
        # Older releases have not split these off.
        apt-cache show dbus-daemon >/dev/null 2>&1 || missing=$(echo "$missing" | sed 's/ dbus-daemon/ dbus/')
        apt-cache show systemd-dev >/dev/null 2>&1 || missing=$(echo "$missing" | sed 's/ systemd-dev/ systemd/')
        apt-cache show docker-cli >/dev/null 2>&1 || missing=$(echo "$missing" | sed 's/ docker-cli/ docker.io/')
        # Never at the price of what is installed: another packager's engine, or another flavour of a library.
        # shellcheck disable=SC2086 # a list of names
        apt-get install -qq -y --no-install-recommends --no-remove $missing >/dev/null

        # Nor is an engine that came along only for tests to run from the next boot on.
        for unit in $new_units; do
                ! have systemctl || systemctl -q disable "$unit" 2>/dev/null || :
        done
fi

# Unpacks programs of a package beside the build instead of installing it; make has them first in PATH.
fetch() { # package, its programs
        package=$1
        shift
        there=1
        for program; do
                [ -x "$unpacked/bin/$program" ] || there=
        done
        [ -z "$there" ] || return 0

        if ! have apt-get; then
                echo "Missing: $*. Please put them in front in PATH." >&2
                exit 1
        fi
        echo "Fetching $* into build/deps"
        rm -rf "${unpacked:?}/$package"
        mkdir -p "$unpacked/bin" "$unpacked/$package"
        # Once is enough for all that is fetched.
        [ "$(id -u)" -ne 0 ] || [ -n "${updated-}" ] || apt-get update -qq
        updated=1
        (cd "$unpacked/$package" && apt-get download -qq -o APT::Sandbox::User=root "$package" && dpkg-deb -x "$package"_*.deb .)
        for program; do
                find "$unpacked/$package" -type f -path "*/bin/$program" -exec cp {} "$unpacked/bin/$program.new" \;
                mv "$unpacked/bin/$program.new" "$unpacked/bin/$program"
        done
        rm -rf "${unpacked:?}/$package"
}

# Images are made from a static busybox. Where the dynamic one is installed, replacing it would be rude.
if wanted demo experiment test && have busybox && head -c 4096 "$(command -v busybox)" | LC_ALL=C grep -q ld-linux; then
        fetch busybox-static busybox
fi

# What reads the metrics. Installed, these would be services of this machine, listening on all of its addresses.
if [ "$want" = test ]; then
        if ! have prometheus || ! have promtool; then
                fetch prometheus prometheus promtool
        fi
        have prometheus-node-exporter || fetch prometheus-node-exporter prometheus-node-exporter
fi
