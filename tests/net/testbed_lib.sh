# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# testbed_lib.sh - sourced by the tests that run in bench/testbed: what they share
#
# The test says in TOOLS what it needs beside the testbed, in ACCD which daemon, and in STACK, if it has one, on which stack. It
# goes on in the top folder of the source, sets its EXIT trap (test_finish, at least at its end) and calls tb_init.

skip() {
	echo "skipped: $*"
	exit 77
}

ACCD=$(realpath "$ACCD")
export ACCD
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
# shellcheck source=bench/testbed
. bench/testbed
# shellcheck source=tests/net/netns_lib.sh
. tests/net/netns_lib.sh

[ "$(id -u)" = 0 ] || skip "needs root for namespaces"
for tool in $TOOLS; do
	PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null || skip "needs $tool: run tools/setup"
done
case "$("$ACCD" -V)" in
*stacks:*"${STACK:-}"*) ;;
*) skip "this build of accd has no stack $STACK" ;;
esac
trap 'exit 130' INT
trap 'exit 143' TERM HUP

test_finish() { # test_finish [STATUS]: everything goes, and the test ends
	local status=${1:-$?}
	! kernel_died "${tb_dir:-}" || status=1
	tb_cleanup
	exit "$status"
}

passed=0 failed=0
expect() { # expect TEXT command...
	local text=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
		echo "ok: $text"
	else
		failed=$((failed + 1))
		echo "FAILED: $text: $*"
	fi
}

wait_for() { # wait_for SECONDS command...: until it succeeds
	local left=$(($1 * 50))
	shift
	until "$@" >/dev/null 2>&1; do
		((left-- > 0)) || return 1
		sleep 0.02 # the step of the wait for a condition
	done
}
