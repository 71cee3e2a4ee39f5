#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# install_test - a program builds against an installed liblkl, with nothing but what pkg-config says, and runs
#
# usage: install_test.sh BUILD_DIR SOURCE_DIR        (SOURCE_DIR: where install_program.c is)
#
# Installs into a directory of its own, then compiles one source as C and as C++, in both orders of headers, without a
# warning, and runs it: boot, a TCP exchange over lo, halt. The installed header of libc's kind is tried by the example of
# the manual page.

set -u
export LC_ALL=C
build=$1
source=$2
command -v pkg-config >/dev/null || { echo "skipped: no pkg-config"; exit 77; }
work=$(mktemp -d /tmp/install-test-XXXXXX)
trap 'rm -rf "$work"' EXIT

die() {
	echo "FAILED: $*"
	exit 1
}

DESTDIR=$work/root meson install -C "$build" --no-rebuild >"$work/log" 2>&1 || { cat "$work/log"; die "meson install"; }
pc=$(find "$work/root" -name liblkl.pc)
[ -n "$pc" ] || die "no liblkl.pc"
export PKG_CONFIG_SYSROOT_DIR=$work/root PKG_CONFIG_LIBDIR=${pc%/*} PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 \
	PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
read -ra flags <<<"$(pkg-config --cflags --libs --static liblkl)"
[ ${#flags[@]} -gt 1 ] || die "pkg-config has no flags"
echo "${flags[*]}"
shared=$(find "$work/root" -name 'liblkl.so.0')
[ -n "$shared" ] || die "no liblkl.so.0"
export LD_LIBRARY_PATH=${shared%/*}
man=$(find "$work/root" -name "liblkl.3*")
[ -n "$man" ] || die "no manual page"

compilers=${CC:-cc}
if command -v "${CXX:-c++}" >/dev/null; then
	compilers+=$'\n'${CXX:-c++}
else
	echo "no C++ compiler: C only"
fi
while read -r compiler; do
	language=c
	[ "$compiler" = "${CC:-cc}" ] || language=c++
	for order in "" -DLIBC_FIRST; do
		for library in -llkl -l:liblkl.a; do
			# The library comes after what uses it.
			"$compiler" -x $language -Wall -Wextra -Werror $order "$source/install_program.c" -x none \
				-o "$work/program" "${flags[@]/#-llkl/$library}" || die "$compiler $order $library"
			timeout 60 "$work/program" || die "the $language program, $library, status $?"
			echo "$language $order $library: ok"
		done
	done
done <<<"$compilers"

# The example between the last .nf and .fi of the page.
awk '/^\.nf/ { text = ""; on = 1; next } /^\.fi/ { on = 0 } on && !/^\.R[SE]/ { gsub(/\\e/, "\\"); text = text $0 "\n" }
	END { printf "%s", text }' "$man" >"$work/example.c"
${CC:-cc} -Wall -Wextra -Wno-unused-parameter -Werror "$work/example.c" -o "$work/example" "${flags[@]}" || die "the manual's example"
timeout 60 "$work/example" || die "the manual's example, status $?"
