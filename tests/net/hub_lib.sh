# SPDX-License-Identifier: GPL-2.0-only
# hub_lib.sh - sourced by the tests whose namespaces hang on one bridge: what they share
#
# The test sets ID, HUB and PROXY (names of namespaces), DIR (its directory of logs), passed and failed (0) before it calls any of these.
. "$(dirname "$0")/netns_lib.sh"

skip() {
	echo "SKIP: $*"
	rm -rf "$DIR"
	exit 77
}

# wait_for SECONDS DESCRIPTION command...: until the command succeeds
wait_for() {
	_left=$(($1 * 20)) _what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		_left=$((_left - 1))
		if [ "$_left" -le 0 ]; then
			echo "  timeout: $_what"
			return 1
		fi
		sleep 0.05 # the step of the wait for a condition, not a wait by itself
	done
}

step() {
	STEP=$*
	echo "== $STEP"
}

expect() { # DESCRIPTION command...
	_desc=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
		echo "  ok: $_desc"
	else
		failed=$((failed + 1))
		echo "  FAILED: $STEP: $_desc"
	fi
}

attach() { # namespace address...: a namespace with eth0 at the bridge
	_ns=$1
	shift
	ip netns add "$_ns" &&
		ip -n "$_ns" link set lo up &&
		ip link add eth0 netns "$_ns" type veth peer name "$_ns" netns "$HUB" &&
		ip -n "$HUB" link set "$_ns" master br0 up &&
		ip -n "$_ns" link set eth0 up || return 1
	for addr; do
		ip -n "$_ns" addr add "$addr" dev eth0 || return 1
	done
}

# ---- what accd says of itself, on the host of namespace $PROXY

becomes() { # wanted series: what it was told may take a turn of the loop
	wait_for 20 "$2 is $1" sh -c "ip netns exec $PROXY curl -s http://127.0.0.1:9100/metrics | grep -qxF '$2 $1'"
}

says() { # wanted exit status, pattern, command...
	_wanted=$1 _pattern=$2
	shift 2
	_got=$("$@" 2>&1)
	_status=$?
	[ $_status = "$_wanted" ] && printf '%s\n' "$_got" | grep -Eq -- "$_pattern" && return 0
	echo "  got: $_status: $_got"
	echo "  wanted: $_wanted: $_pattern"
	return 1
}

json() { # jq filter that must be true, command...
	_filter=$1
	shift
	_got=$("$@" 2>&1)
	printf '%s\n' "$_got" | jq -e "$_filter" >/dev/null && return 0
	echo "  got: $_got"
	echo "  wanted: $_filter"
	return 1
}
