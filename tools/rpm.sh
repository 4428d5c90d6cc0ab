#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds packages for Fedora and RHEL of packed sources, and leaves them in DIR, with a folder rpm for the build.
#
#     rpm.sh all VERSION SOURCES DIR       the packages
#     rpm.sh source VERSION SOURCES DIR    the source package alone, for a build elsewhere: mock or rpmbuild --rebuild
#
# Other options for rpmbuild come from $RPMBUILD_OPTIONS, --without=check for one.
set -eu

export LC_ALL=C
stages=$1 version=$2 sources=$3
shift
mkdir -p "$3"
build=$(cd "$3" && pwd -P)
top=$(cd "$(dirname "$0")/.." && pwd -P)
work=$build/rpm
spelled=$(echo "$version" | sed 's/-dev$/~dev/')

SOURCE_DATE_EPOCH=$("$top/tools/release.sh" date)

rm -rf "$work"
mkdir -p "$work/SOURCES" "$work/SPECS" "$work/tmp"
cp "$sources" "$work/SOURCES/reaperd-$version.tar.xz"
cp "$top/systemd/reaperd.sysusers" "$work/SOURCES"
{
        sed -e "s/@RPMVERSION@/$spelled/" -e "s/@VERSION@/$version/" "$top/packaging/reaperd.spec.in"
        "$top/tools/release.sh" rpm-changelog "$spelled-1"
} >"$work/SPECS/reaperd.spec"
# The source package has their times.
chmod 644 "$work/SOURCES"/* "$work/SPECS"/*
touch -d "@$SOURCE_DATE_EPOCH" "$work/SOURCES"/* "$work/SPECS"/*

# Where rpm is a guest, its database knows none of what is installed, and nobody has told it of systemd.
guest=
[ -n "$(rpm --eval '%{?_unitdir}')" ] || guest="--nodeps --load=$top/packaging/macros.elsewhere"

# Nothing of the caller's flags, macros and database, nor of this machine and moment, gets into the packages.
build() { # stage, top folder, options
        stage=$1 folder=$2
        shift 2
        # shellcheck disable=SC2086 # lists of options
        if ! (cd "$work" && env -i PATH="$PATH" HOME="$work" LC_ALL=C SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" \
                rpmbuild $guest ${RPMBUILD_OPTIONS-} --define "_topdir $folder" --define "_tmppath $folder/tmp" \
                --define "_dbpath $folder/db" --define '_buildhost reproducible' \
                --define 'use_source_date_epoch_as_buildtime 1' --define 'clamp_mtime_to_source_date_epoch 1' "$@" \
                "$stage" SPECS/reaperd.spec) >>"$work/log" 2>&1; then
                tail -n 40 "$work/log" | cut -c 1-400 >&2
                echo "rpmbuild failed; all that it said is in $work/log" >&2
                exit 1
        fi
}

# The source package holds the spec once more, with its macros expanded: the folders, and how many processors there are;
# and whose the sources are.
build -bs . --define '_smp_mflags %{nil}' --define '_srcdefattr (-,root,root)'
[ "$stages" = source ] || build -bb "$work"

for package in "$work"/RPMS/*/*.rpm "$work"/SRPMS/*.rpm; do
        [ -f "$package" ] || continue
        mv "$package" "$build"
        echo "$build/${package##*/}"
done
