#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# headers_test - every header that programs get compiles by itself, as C and as C++
#
# usage: headers_test.sh INCLUDE_DIR GENERATED_DIR
#
# INCLUDE_DIR holds our own headers, GENERATED_DIR/lkl the kernel's UAPI under its prefix. Each header is the only line of
# a program. Those in the tables below do not compile by themselves with the kernel's own names either (`make headers` of
# the kernel, same compilers), for the reason given; one that starts to is an error too, so that the tables stay true.

set -u
export LC_ALL=C
ours=$1
generated=$2
work=$(mktemp -d /tmp/headers-test-XXXXXX)
trap 'rm -rf "$work"' EXIT

# header  what is missing
neither='
lkl/asm-generic/ucontext.h   asm/sigcontext.h before it
lkl/asm/ucontext.h           asm/sigcontext.h before it
lkl/linux/bpf_perf_event.h   struct pt_regs, which this architecture does not export
lkl/linux/coda.h             u_long, u_short
lkl/linux/errqueue.h         linux/time.h before it
lkl/linux/hdlc/ioctl.h       linux/if.h before it
lkl/linux/patchkey.h         says so: only from soundcard.h
lkl/linux/phonet.h           sys/socket.h before it
lkl/linux/sctp.h             sys/socket.h before it
lkl/linux/usb/audio.h        NULL
lkl/xen/evtchn.h             domid_t, of no exported header
lkl/xen/gntdev.h             domid_t, of no exported header
lkl/xen/privcmd.h            xen/interface/xen.h, not exported
'
cxx='
lkl/linux/auto_dev-ioctl.h   types inside an anonymous union
lkl/linux/netfilter/xt_sctp.h _Bool
lkl/linux/target_core_user.h conversion to an enum
lkl/linux/vhost.h            conversion from void *
lkl/linux/vhost_types.h      conversion from void *
lkl/linux/virtio_ring.h      conversion from void *
lkl/scsi/fc/fc_els.h         conversion from void *
'

(cd "$generated" && find lkl -name '*.h' | sort) >"$work/headers"
(cd "$ours" && find . -name '*.h' | sed 's|^\./||' | sort) >>"$work/headers"
count=$(wc -l <"$work/headers")
[ "$count" -gt 900 ] || { echo "only $count headers below $generated"; exit 1; }

# failing COMPILER...: the headers that do not compile
export ours generated
failing() {
	export compiler="$*"
	# shellcheck disable=SC2016
	xargs -P "$(nproc)" -n 16 bash -c 'for header; do
		echo "#include <$header>" | $compiler -Wall -fsyntax-only -I"$ours" -I"$generated" - >/dev/null 2>&1 || echo "$header"
	done' _ <"$work/headers" | sort
}

status=0
compare() { # compare LANGUAGE EXPECTED FOUND
	diff <(printf '%s\n' "$2" | awk 'NF { print $1 }' | sort) "$3" >"$work/diff" && return
	sed -n "s|^> \(.*\)|FAILED: \1 does not compile as $1|p; s|^< \(.*\)|FAILED: \1 compiles as $1 now: take it off the table|p" \
		"$work/diff"
	status=1
}

failing "${CC:-cc}" -x c -std=gnu11 >"$work/c"
compare C "$neither" "$work/c"
if command -v "${CXX:-c++}" >/dev/null; then
	failing "${CXX:-c++}" -x c++ >"$work/cxx"
	compare C++ "$neither$cxx" "$work/cxx"
else
	echo "no C++ compiler: C only"
fi
echo "$count headers, $(awk 'NF' <<<"$neither" | wc -l) known not to compile by themselves, $(awk 'NF' <<<"$cxx" | wc -l) more in C++"
exit $status
