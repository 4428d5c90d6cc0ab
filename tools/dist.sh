#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What a release is given away as.
#
#     dist.sh sources VERSION FILE    packs the sources as FILE, reaperd-VERSION.tar.xz, the same bytes each time
#     dist.sh sums VERSION DIR        writes DIR/SHA256SUMS: of what DIR has of this version, of whatever kind
set -eu

export LC_ALL=C
top=$(cd "$(dirname "$0")/.." && pwd -P)

pack_sources() { # version, file
        scratch=$(mktemp -d "$2.XXXXXX")
        trap 'rm -rf "$scratch"' EXIT
        trap 'exit 130' INT TERM HUP
        tree=$scratch/reaperd-$1
        "$top/tools/release.sh" tree "$tree" "$1"
        moment=$("$top/tools/release.sh" date)

        # One thread: with several, xz cuts by their number.
        tar -C "$scratch" --sort=name --format=ustar --mtime="@$moment" --owner=0 --group=0 --numeric-owner \
                --mode=u=rwX,go=rX -cf "$scratch/tar" "reaperd-$1"
        xz -T1 -6 "$scratch/tar"
        mv "$scratch/tar.xz" "$2"
        chmod 644 "$2"
}

write_sums() { # version, folder
        # As Debian and RPM spell it. What has more behind it is another distribution's build of the same version, but
        # not another version: 1.2.0~dev is none of 1.2.0.
        spelled=$(echo "$1" | sed 's/-dev$/~dev/')
        cd "$2"
        rm -f SHA256SUMS
        for file in "reaperd-$1.tar.xz" "reaperd_$spelled"[_~]*.deb "reaperd-dbgsym_$spelled"[_~]*.*deb \
                "reaperd-$spelled-1."*.rpm "reaperd-debuginfo-$spelled-1."*.rpm \
                "reaperd-debugsource-$spelled-1."*.rpm "reaperd-image_$1"_*.tar; do
                case $file in "reaperd_$1~dev"* | "reaperd-dbgsym_$1~dev"*) continue ;; esac
                [ ! -f "$file" ] || sha256sum "$file"
        done >SHA256SUMS.new
        mv SHA256SUMS.new SHA256SUMS
}

case ${1-}/$# in
sources/3) pack_sources "$2" "$3" ;;
sums/3) write_sums "$2" "$3" ;;
*)
        echo "usage: dist.sh sources VERSION FILE | sums VERSION DIR" >&2
        exit 1
        ;;
esac
