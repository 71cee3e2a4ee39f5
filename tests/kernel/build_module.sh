#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# build_module.sh - a kernel module for a test, through the front that users have (make -C kernel module)
#
# usage: build_module.sh KERNEL_FOLDER BUILD/kernel-SERIES[-VARIANT] SOURCES OUTPUT_FOLDER MODULE.ko

set -euo pipefail
kernel=$1 out=$2 sources=$3 folder=$4 module=$5
unset MAKEFLAGS MFLAGS MAKELEVEL
mkdir -p "$folder"
name=${out##*/kernel-}
series=${name%%-*}
variant=${name#"$series"}
make --no-print-directory -s -C "$kernel" SERIES="$series" VARIANT="${variant#-}" BUILD="${out%/*}" \
	module M="$sources" MO="$(realpath "$folder")" >"$folder/log" 2>&1 ||
	{ cat "$folder/log" >&2; exit 1; }
cp "$folder/$(basename "$module")" "$module"
