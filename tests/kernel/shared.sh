#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# shared.sh - what a user of liblkl.so relies on and cannot see: no text relocation, no path in it, its name, no more
# functions than the headers promise, and no more static TLS than dlopen() has to give
#
# usage: tests/kernel/shared.sh LIBRARY HEADER...

set -euo pipefail
export LC_ALL=C
library=$1
shift
# glibc reserves 1664 bytes by default (tunable rtld.optional_static_tls is 512 of them), for all libraries together
tls_max_bytes=128
failed=0

fail() {
	echo "FAIL: $*"
	failed=1
}

dynamic=$(readelf -dW "$library")
! grep -q TEXTREL <<<"$dynamic" || fail "text relocations"
! grep -qE 'RPATH|RUNPATH' <<<"$dynamic" || fail "a path for libraries is built in"
grep -q 'SONAME.*\[liblkl\.so\.0\]' <<<"$dynamic" || fail "soname is not liblkl.so.0"
! readelf -lW "$library" | grep -E '^ +(LOAD|GNU_STACK) .* RWE' || fail "a segment is writable and executable"

tls_bytes=$(($(readelf -lW "$library" | awk '$1 == "TLS" { print $6 }')))
[ "$tls_bytes" -le $tls_max_bytes ] || fail "$tls_bytes bytes of static TLS, $tls_max_bytes are allowed"

# Shown, and promised: system calls may be shown that the header has no prototype for.
shown=$(nm -D --defined-only "$library" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort)
promised=$(${CC:-cc} -fpreprocessed -dD -E -P "$@" | grep -oE '\blkl_[a-z0-9_]+ ?\([^*]' | sed 's, *(.*,,' | sort -u)
missing=$(comm -13 <(echo "$shown") <(echo "$promised"))
[ -z "$missing" ] || fail "in the headers but not in the library: ${missing//$'\n'/ }"
extra=$(comm -23 <(echo "$shown") <(echo "$promised") | grep -v '^lkl_sys_' || true)
[ -z "$extra" ] || fail "in the library but not in the headers: ${extra//$'\n'/ }"

echo "$(wc -w <<<"$shown") symbols, $tls_bytes bytes of TLS"
exit $failed
