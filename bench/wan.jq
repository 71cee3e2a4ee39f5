# SPDX-License-Identifier: GPL-2.0-only
#
# wan.jq - the arithmetic of bench/wan: medians, means, their intervals, Jain's index, harm. tests/unit/wan_arithmetic.sh
# holds it against values worked out by hand.
#
# A run that did not end in time is null: it counts as longer than all others.

def sorted: (map(select(. != null)) | sort) + map(select(. == null));

def median:
	sorted as $v | ($v | length) as $n
	| if $n == 0 then null
	  elif $n % 2 == 1 then $v[($n - 1) / 2]
	  elif $v[$n / 2] == null then null
	  else ($v[$n / 2 - 1] + $v[$n / 2]) / 2 end;

def mean: map(select(. != null)) | if length == 0 then null else add / length end;

def deviation: # of a sample
	map(select(. != null)) | length as $n
	| if $n < 2 then null else (add / $n) as $m | (map((. - $m) * (. - $m)) | add / ($n - 1) | sqrt) end;

# Student's t for 95 %, two-sided, by degrees of freedom.
def t95($df):
	[null, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
	 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042] as $t
	| if $df < 1 then null elif $df <= 30 then $t[$df] else 1.96 end;

# Half of the interval of 95 % of a mean.
def mean_error:
	map(select(. != null)) | length as $n | if $n < 2 then null else deviation * t95($n - 1) / ($n | sqrt) end;

def choose($n; $k): reduce range(0; $k) as $i (1; . * ($n - $i) / ($i + 1));

# The interval of a median needs no distribution: the k-th lowest and the k-th highest value, k as large as 95 % allows, and what
# it covers. With fewer than six values it covers less than 95 %: lowest and highest, and how much.
def median_interval:
	sorted as $v | ($v | length) as $n
	| if $n == 0 then {low: null, high: null, covers: 0} else
	  ([range(0; ($n / 2 | floor) + 1)
	    | . as $k | {k: $k, covers: (1 - 2 * ([range(0; $k + 1) | choose($n; .)] | add) / pow(2; $n))}
	    | select(.covers >= 0.95)] | last // {k: 0, covers: (1 - 2 / pow(2; $n))})
	  | {low: $v[.k], high: $v[$n - 1 - .k], covers: .covers} end;

# (sum x)^2 / (n sum x^2): 1 all the same, 1/n one has everything.
def jain: if length == 0 or all(. == 0) then null else (add * add) / (length * (map(. * .) | add)) end;

# What a flow loses to another, as a share of what it has alone: 0 nothing, 1 everything. Ware et al., HotNets 2019.
def harm($alone): if . == null or $alone == null or $alone <= 0 then null else [1 - . / $alone, 0] | max end;

# The rule: ours may harm a cubic flow by 10 points more than cubic does.
def is_shared_ok($by_ours; $by_cubic): $by_ours <= $by_cubic + 0.10;
