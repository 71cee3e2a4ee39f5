#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# check_again_test - tools/check runs a failed test once more, names it, and does not let a broken one pass
#
# usage: check_again_test.sh
#
# A copy of tools/check runs on a Meson project made here, whose tests fail always, the first time only, or never. Needs no
# root and leaves nothing behind.

set -u
cd "$(dirname "$0")/../.." || exit
work=$(mktemp -d /tmp/check-again-XXXXXX)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# project TEST...: a tree with these tests in suite unit; first-N fails until it has run once
project() {
	rm -rf "${work:?}"/*
	mkdir -p "$work/tools" "$work/kernel"
	cp tools/check "$work/tools"
	cp kernel/releases "$work/kernel"
	cat >"$work/first.sh" <<-'END'
		#!/bin/sh
		echo "marker of $1"
		[ ! -e "$1" ] || exit 0
		: >"$1"
		exit 1
	END
	chmod +x "$work/first.sh"
	{
		echo "project('again')"
		local test
		for test; do
			case $test in
			first*) echo "test('$test', find_program('first.sh'), args: '$work/seen-$test', suite: 'unit')" ;;
			*) echo "test('$test', find_program('$test'), suite: 'unit')" ;;
			esac
		done
	} >"$work/meson.build"
	meson setup "$work/build/user" "$work" >/dev/null || exit
}

# expect STATUS TOTALS DESCRIPTION [PATTERN...]: of `tools/check unit`; each pattern stands in what it prints
expect() {
	local want=$1 totals=$2 description=$3 status=0 pattern ok=1
	shift 3
	"$work/tools/check" unit >"$work/out" 2>&1 || status=$?
	[ $status = "$want" ] && [ "$(tail -n 1 "$work/out")" = "$totals" ] || ok=0
	for pattern; do
		grep -q -- "$pattern" "$work/out" || ok=0
	done
	if [ $ok = 1 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $description: status $status instead of $want, or not '$totals':"
		sed 's/^/    /' "$work/out"
	fi
}

project true first-a
expect 0 '2 passed, 0 failed, 0 skipped' 'one that fails once passes, and is named' '^unstable: .*first-a' 'marker of .*first-a'

project true first-a
AGAIN=0 expect 1 '1 passed, 1 failed, 0 skipped' 'AGAIN=0: it fails' '^FAILED: .*first-a'

project true false first-a
expect 1 '2 passed, 1 failed, 0 skipped' 'one that fails always fails' '^FAILED: .*false' '^unstable: .*first-a'

project true first-a first-b first-c
expect 1 '1 passed, 3 failed, 0 skipped' 'three at once are no accident' '^FAILED: .*first-a' '^FAILED: .*first-c'

project true
expect 0 '1 passed, 0 failed, 0 skipped' 'nothing to say'

echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
