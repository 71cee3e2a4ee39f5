#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# man_library.sh - liblkl(3) names every public function of the library, but the family lkl_sys_*(), which it points to the
# generated header for
#
# usage: tests/kernel/man_library.sh PAGE HEADER...

set -euo pipefail
export LC_ALL=C
page=$1
shift

promised=$(${CC:-cc} -fpreprocessed -dD -E -P "$@" | grep -oE '\blkl_[a-z0-9_]+ ?\([^*]' | sed 's, *(.*,,' | sort -u)
# lkl_thread_t is a type that looks like one where it stands before a function pointer.
promised=$(grep -vxE 'lkl_sys_.*|lkl_thread_t' <<<"$promised")
count=$(wc -w <<<"$promised")
[ "$count" -gt 80 ] || { echo "FAIL: only $count functions found in the headers"; exit 1; }
failed=0
for name in $promised; do
	grep -qwF "$name" "$page" || { echo "FAIL: $name() is in the headers and not in $page"; failed=1; }
done
grep -qF '<lkl/asm/syscalls.h>' "$page" || { echo "FAIL: $page does not name the header of lkl_sys_*()"; failed=1; }
echo "$count functions"
exit $failed
