#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# check_pristine_test - tools/check-pristine accepts a farm that is right and refuses each way of being wrong
#
# On a made-up tarball of five files; no root, no kernel source. Prints a line per case; the last line counts them.

set -u
cd "$(dirname "$0")/../.." || exit
check=$PWD/tools/check-pristine
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0
failed=0

mkdir -p "$tmp/orig/linux-0/net/ipv4" "$tmp/orig/linux-0/include" "$tmp/overlay/arch/lkl/kernel"
echo 'obj-y += net/' >"$tmp/orig/linux-0/Makefile"
echo 'int tcp;' >"$tmp/orig/linux-0/net/ipv4/tcp.c"
echo 'int bbr;' >"$tmp/orig/linux-0/net/ipv4/tcp_bbr.c"
: >"$tmp/orig/linux-0/include/empty.h"
ln -s ../net/ipv4/tcp.c "$tmp/orig/linux-0/include/tcp.c"
echo 'int setup;' >"$tmp/overlay/arch/lkl/kernel/setup.c"
tar -C "$tmp/orig" -cJf "$tmp/linux-0.tar.xz" linux-0

farm() { # a fresh farm, as kernel/Makefile makes one
	rm -rf "$tmp/source" "$tmp/tree" "$tmp/case_overlay"
	mkdir "$tmp/source" "$tmp/tree"
	tar -C "$tmp/source" --strip-components=1 -xf "$tmp/linux-0.tar.xz"
	cp -as "$tmp/source/." "$tmp/tree/"
	cp -a "$tmp/overlay" "$tmp/case_overlay"
	cp -as "$tmp/case_overlay/." "$tmp/tree/"
}

# expect NAME STATUS TEXT: run the check on the farm; exit status and a line holding TEXT are expected
expect() {
	local out status=0
	out=$("$check" -n made-up "$tmp/linux-0.tar.xz" "$tmp/tree" "$tmp/case_overlay" 2>&1) || status=$?
	if [ "$status" = "$2" ] && [[ $out == *"$3"* ]]; then
		echo "ok: $1"
		passed=$((passed + 1))
	else
		echo "FAILED: $1: status $status, expected $2 and \"$3\"; it printed:"
		echo "$out"
		failed=$((failed + 1))
	fi
}

farm
expect "right farm" 0 "5 files of made-up compared, 0 differ, 1 overlay files added, 0 replace a tarball file"

farm
printf 'int tcP;\n' >"$tmp/source/net/ipv4/tcp.c"
expect "one byte changed in the unpacked copy" 1 "differs: net/ipv4/tcp.c"

farm
echo '/* more */' >>"$tmp/source/net/ipv4/tcp_bbr.c"
expect "a file that grew" 1 "the tarball has 9): net/ipv4/tcp_bbr.c"

farm
rm "$tmp/tree/net/ipv4/tcp_bbr.c"
expect "a missing file" 1 "missing: net/ipv4/tcp_bbr.c"

farm
rm "$tmp/source/include/empty.h"
expect "an empty file missing behind its link" 1 "missing: include/empty.h"

farm
rm "$tmp/tree/net/ipv4/tcp.c"
echo 'int tcp;' >"$tmp/tree/net/ipv4/tcp.c"
expect "a copy instead of a link, same bytes" 0 "0 differ"

farm
mkdir -p "$tmp/case_overlay/net/ipv4"
echo 'int tcp;' >"$tmp/case_overlay/net/ipv4/tcp.c"
expect "an overlay file at a path of the tarball" 1 "overlay file replaces a file of the tarball: net/ipv4/tcp.c"

farm
echo 'int patch;' >"$tmp/tree/net/patch.c"
expect "a file of neither tarball nor overlay" 1 "neither in the tarball nor in an overlay: net/patch.c"

farm
rm "$tmp/tree/arch/lkl/kernel/setup.c"
echo 'int other;' >"$tmp/tree/arch/lkl/kernel/setup.c"
expect "an overlay file with other bytes" 1 "differs from the overlay, or is missing: arch/lkl/kernel/setup.c"

farm
ln -sfn ../Makefile "$tmp/tree/include/tcp.c"
expect "a link that leads elsewhere" 1 "leads to ../Makefile, in the tarball to ../net/ipv4/tcp.c: include/tcp.c"

farm
rm "$tmp/tree/net/ipv4/tcp.c"
mkdir "$tmp/tree/net/ipv4/tcp.c"
expect "a directory instead of a file" 1 "not a regular file: net/ipv4/tcp.c"

echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
