#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Packs the tree that the boxes of tests/box are made from: a minimal Debian or Ubuntu with systemd, an engine, and what
# the package of reaperd depends on.
#
#     box-tree.sh [RELEASE [TAR]]
#
# The release is $BOX_RELEASE, or that of this machine; the tar $BOX_TREE, or one in build/deps. Its name is printed.
# Root is needed, and the network: the release's default mirror, or where http_proxy leads. A tar that is there is kept
# until what goes into it changes, so that the tests need no network after their first run.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
system() { # a value of this machine's os-release
        sed -n "s/^$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" /etc/os-release
}
release=${1:-${BOX_RELEASE:-$(system VERSION_CODENAME)}}
tar=${2:-${BOX_TREE:-$top/build/deps/box-$release.tar}}

# The last one has been split off in newer releases.
packages=systemd,systemd-sysv,dbus,docker.io,iptables,iproute2,passwd,procps,libcurl4,libcjson1,libinih1,libsystemd0
maybe='?or(?exact-name(docker.io),?exact-name(docker-cli))'
# Where the engine is in Ubuntu.
components=main
[ "$release" != "$(system UBUNTU_CODENAME)" ] || components=main,universe

# Documents are left out here, and only here: what is installed in a box is to be whole. Nothing in a box is to start
# apt by a timer while a test installs a package, and there is no network for it to use. With an empty machine-id
# every box makes one of its own, which with one that is missing it would take for its first boot, and set all units
# to their presets.
# shellcheck disable=SC2016 # $1 is the tree, for the shell that runs the hook
set -- --mode=root --variant=apt --format=tar --skip=output/mknod \
        --components="$components" --include="$packages" --include="$maybe" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --customize-hook='rm -f "$1/etc/dpkg/dpkg.cfg.d/99mmdebstrap"' \
        --customize-hook='rm -f "$1/etc/apt/sources.list" "$1"/etc/apt/sources.list.d/*' \
        --customize-hook='ln -s /dev/null "$1/etc/systemd/system/apt-daily.timer"' \
        --customize-hook='ln -s /dev/null "$1/etc/systemd/system/apt-daily-upgrade.timer"' \
        --customize-hook=': >"$1/etc/machine-id"' \
        "$release"

recipe="$(dpkg --print-architecture) $*"
mkdir -p "$(dirname "$tar")"
# Two that want it at the same time: the second finds it made.
exec 9>"$tar.lock"
flock 9
if [ ! -e "$tar" ] || [ "$(cat "$tar.recipe" 2>/dev/null)" != "$recipe" ]; then
        if [ "$(id -u)" -ne 0 ]; then
                echo "$0: only root can make a tree whose files belong to their owners" >&2
                exit 1
        fi
        # Told to end, it lets mmdebstrap, which is told as well, clean up first.
        trap 'rm -f "$tar.new"' EXIT
        trap 'exit 143' TERM
        trap 'exit 130' INT HUP
        mmdebstrap --quiet "$@" "$tar.new" >&2
        mv "$tar.new" "$tar"
        echo "$recipe" >"$tar.recipe"
fi
echo "$tar"
