#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# wan_arithmetic.sh BENCH - the arithmetic of bench/wan (wan.jq) against values worked out by hand, and its tables over rows
# made for it: who is faster, who harms whom
set -u

BENCH=${1:?usage: wan_arithmetic.sh BENCH}
command -v jq >/dev/null || { echo "skipped: needs jq: run tools/setup"; exit 77; }
failed=0

is() { # TEXT EXPRESSION WANTED: equal, numbers to a millionth
	got=$(jq -cn -L "$BENCH" "include \"wan\"; $2 | (.. | numbers) |= (. * 1e6 | round / 1e6)" 2>&1)
	if [ "$got" = "$3" ]; then echo "ok: $1"; else echo "FAILED: $1: $2 is $got, expected $3"; failed=1; fi
}

is "median of an odd number" '[9,1,5]|median' 5
is "median of an even number" '[4,1,3,2]|median' 2.5
is "a run that never ended is the longest" '[3,null,1]|median' 3
is "most never ended" '[null,null,1]|median' null
is "half never ended" '[1,null]|median' null
is "no runs" '[]|median' null
is "mean" '[1,2,6]|mean' 3
is "deviation of a sample" '[2,4,4,4,5,5,7,9]|deviation' 2.13809
is "interval of a mean: t for 3 values is 4.303" '[1,2,3]|mean_error' 2.484338
is "interval of a mean: t for 11 values is 2.228" '[range(11)]|mean_error' 2.228
is "one value has no interval" '[1]|mean_error' null
is "interval of a median of 6: lowest and highest, 1 - 2/2^6" '[range(6)]|median_interval' '{"low":0,"high":5,"covers":0.96875}'
is "of 7" '[range(7)]|median_interval' '{"low":0,"high":6,"covers":0.984375}'
is "of 10: the second and the ninth, 1 - 2 * 11/2^10" '[range(10)]|median_interval' '{"low":1,"high":8,"covers":0.978516}'
is "of 11: the second and the tenth, 1 - 2 * 12/2^11" '[range(11)]|median_interval' '{"low":1,"high":9,"covers":0.988281}'
is "of 3 there is none of 95 %" '[3,1,2]|median_interval' '{"low":1,"high":3,"covers":0.75}'
is "binomials" '[choose(5; 0), choose(5; 2), choose(10; 3)]' '[1,10,120]'
is "Jain, all the same" '[7,7,7]|jain' 1
is "Jain, one has all" '[0,0,0,8]|jain' 0.25
is "Jain, 1 to 3: 16/20" '[1,3]|jain' 0.8
is "Jain of nothing" '[0,0]|jain' null
is "harm: half is lost" '25|harm(50)' 0.5
is "harm: nothing is lost" '60|harm(50)' 0
is "harm: no flow alone" '5|harm(0)' null
is "10 points more than cubic are allowed" '[is_shared_ok(0.6; 0.5), is_shared_ok(0.61; 0.5)]' '[true,false]'

table() { # TEXT WANTED: a line of the report over the rows of standard input
	if jq -rs -L "$BENCH" -f "$BENCH/wan-report.jq" | tee /dev/stderr | grep -qF "$2"; then echo "ok: $1"; else
		echo "FAILED: $1: no line with \"$2\""
		failed=1
	fi
}
rows='{"kind":"accd","scenario":"a","cc":"none","bytes":1000000,"us":[100000,110000,120000]}
{"kind":"accd","scenario":"a","cc":"x","bytes":1000000,"us":[50000,60000,55000]}
{"kind":"accd","scenario":"b","cc":"none","bytes":1000000,"us":[100000,100000,100000]}
{"kind":"accd","scenario":"b","cc":"x","bytes":1000000,"us":[106000,106000,null]}
{"kind":"accd","scenario":"b","cc":"none","run":2,"bytes":1000000,"us":[200000,200000,200000]}
{"kind":"accd","scenario":"b","cc":"y","run":2,"bytes":1000000,"us":[150000,150000,150000]}'
echo "$rows" | table "faster and slower are counted" \
	"accd with x: faster in 1 of 2 (in 1 with the intervals apart), slower by more than 5 % in 1 (b)." 2>/dev/null
echo "$rows" | table "later runs are held against those straight that took turns with them" \
	"accd with y: faster in 1 of 1 (in 1 with the intervals apart), slower by more than 5 % in 0." 2>/dev/null
rows='{"kind":"fair","scenario":"a","flows":["cubic"],"mbps":[[10]]}
{"kind":"fair","scenario":"a","flows":["cubic","cubic"],"mbps":[[6,4],[4,6]]}
{"kind":"fair","scenario":"a","flows":["cubic","x"],"mbps":[[4.2,5.8]]}
{"kind":"fair","scenario":"a","flows":["cubic","y"],"mbps":[[3,7]]}
{"kind":"fair","scenario":"a","flows":["y","y"],"mbps":[[2,6]]}'
echo "$rows" | table "harm of x is 58 %, of cubic 50 %: within 10 points" "| a | x | 4.2 (10) | 5.8 | 58 % | 50 % | ok |" 2>/dev/null
echo "$rows" | table "harm of y is 70 %: more" "| a | y | 3 (10) | 7 | 70 % | 50 % | more than 10 points |" 2>/dev/null
echo "$rows" | table "Jain's index of a pair" "| a | 2 x y | 2, 6 | 0.8 |" 2>/dev/null
rows="$rows
"'{"kind":"fair","scenario":"a","flows":["cubic"],"late_s":4,"mbps":[[1]]}
{"kind":"fair","scenario":"a","flows":["y","y"],"late_s":4,"mbps":[[9,3],[9,3]]}
{"kind":"fair","scenario":"a","flows":["y","z"],"more_rtt_ms":50,"mbps":[[8,8]]}'
echo "$rows" | table "a late start: 144/180" "| a | 2 x y | 4 s | - | 9, 3 | 0.8 +- 0 |" 2>/dev/null
echo "$rows" | table "unequal round trips" "| a | y, z | - | 50 ms | 8, 8 | 1 |" 2>/dev/null
echo "$rows" | table "neither is what harm is held against" "| a | x | 4.2 (10) | 5.8 | 58 % | 50 % | ok |" 2>/dev/null
echo "$rows" | table "nor a pair that began together" "| a | 2 x y | 2, 6 | 0.8 |" 2>/dev/null
echo '{"kind":"fair","scenario":"a","flows":["cubic"],"mbps":[[10],[12]]}
{"kind":"fair","scenario":"a","flows":["cubic","x"],"mbps":[[4,5],[5,5]]}' |
	table "what is left has its interval" "| a | x | 4.5 +- 6.35 (11 +- 12.7) | 5 +- 0 | 59.1 % | - | - |" 2>/dev/null

wrong() { # WANTED ARGUMENT...: exit status 2 and this on stderr
	wanted=$1
	shift
	got=$("$BENCH/wan" "$@" 2>&1)
	rc=$?
	if [ $rc = 2 ] && [ "$got" = "$wanted" ]; then echo "ok: $wanted"; else echo "FAILED: $*: status $rc, \"$got\""; failed=1; fi
}
wrong 'bench/wan: -l: 9: expected flows "x+x+x" to be together for 4 s of the 20 of -t' fair -t 20 -l 9 -f x+x,x+x+x
wrong 'bench/wan: -d: "0": expected a number from 1 to 9999' fair -d 0
wrong 'bench/wan: -m: "1GB": expected 10KB, 100KB, 1MB, 10MB or bulk' table -m 10KB,1GB
exit $failed
