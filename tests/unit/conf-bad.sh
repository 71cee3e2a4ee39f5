#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# conf-bad.sh ACCD DIR - broken configurations are refused with file, line and key
#
# Each DIR/*.conf says in its first lines what is expected of it: "# expect: LINE: TEXT" (or without LINE). The test runs
# accd -t on it, wants exit status 2, and each "accd: FILE:LINE: TEXT" at the start of a line on stderr.
set -u
ACCD=${1:?usage: conf-bad.sh ACCD DIR}
DIR=${2:?usage: conf-bad.sh ACCD DIR}
passed=0 failed=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT

for file in "$DIR"/*.conf; do
	good=1
	"$ACCD" -t -f "$file" >"$out" 2>&1
	status=$?
	[ $status = 2 ] || { good=0; echo "  exit status $status, expected 2"; }
	grep -q '^# expect: ' "$file" || { good=0; echo "  expects nothing"; }
	while IFS= read -r line; do
		case "$line" in
		"# expect: "[0-9]*) want="accd: $file:${line#\# expect: }" ;;
		"# expect: "*) want=": ${line#\# expect: }" ;;
		*) continue ;;
		esac
		grep -qF -- "$want" "$out" || { good=0; echo "  not said: $want"; }
	done <"$file"
	if [ $good = 1 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $file; accd said:"
		sed 's/^/    /' "$out"
	fi
done
echo "conf-bad.sh: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -ge 40 ]
