# SPDX-License-Identifier: GPL-2.0-only
#
# wan-report.jq - tables, in Markdown, of the rows that bench/wan writes

include "wan";

def digits: if . == null then "-" elif . >= 100 then (round | tostring) elif . >= 10 then (. * 10 | round / 10 | tostring)
	else (. * 100 | round / 100 | tostring) end;
def percent: if . == null then "-" else (. * 1000 | round / 10 | tostring) + " %" end;
def in_order: [.[].scenario] | reduce .[] as $s ([]; if index($s) then . else . + [$s] end);
def name: if . == 10000 then "10 KB" elif . == 100000 then "100 KB" elif . == 1000000 then "1 MB" else "10 MB" end;
def interval: median_interval | "\(if .low then .low / 1e3 | digits else "-" end) .. \(if .high then .high / 1e3 | digits else "over" end)";
def cell: "\(median | if . then . / 1e3 | digits else "over" end) (\(interval))";
def with_error: "\(mean | digits)\(mean_error | if . then " +- \(digits)" else "" end)";
def place: .scenario + (if .note then ", \(.note)" else "" end); # a row may say when it was taken
def rows($kind): map(select(.kind == $kind));

def about: "\(.date), \(.machine), commit \(.commit), \(.parallel) jobs at a time";

def calibration:
	"| scenario | way | rate, of Mbit/s | delay, of ms | loss, of % | +- of itself | frames | |",
	"|---|---|---|---|---|---|---|---|",
	(.[] | "| \(.scenario) | \(.direction) | \(.rate_bps / 1e6 | digits) of \(.rate_asked_bps / 1e6 | digits)"
		+ " (\(if .rate_asked_bps > 0 then (.rate_bps / .rate_asked_bps - 1 | percent) else "-" end))"
		+ " | \(if .is_poisson then .delay_min_ms else .delay_ms end | digits) of \(.delay_asked_ms | digits)"
		+ " | \(.loss * 1e6 | round / 1e4) of \(.loss_asked * 1e6 | round / 1e4)"
		+ (if .loss_asked > 0 then " (\(.loss_error_percent / 100 | percent))" else "" end)
		+ " | \(if .loss_ci95_percent > 0 then "\(.loss_ci95_percent) %" else "-" end) | \(.loss_frames)"
		+ " | \(if .ok then "ok" else "MISSED" end)"
		+ (if .bucket_asked_frames > 0 then ", bucket \(.bucket_frames) of \(.bucket_asked_frames)" else "" end) + " |"),
	"", "\(map(select(.ok)) | length) of \(length) directions within the targets.";

def completion:
	. as $all
	| "| scenario | algorithm | n | 10 KB | 100 KB | 1 MB | 10 MB |", "|---|---|---|---|---|---|---|",
	(in_order[] as $s | ($all | map(select(.scenario == $s)) | group_by(.cc)[]) as $g
		| ($g | map({key: (.bytes | tostring), value: .us}) | from_entries) as $us
		| "| \($s) | \($g[0].cc) | \([$us["10000"], $us["100000"], $us["1000000"], $us["10000000"]] | map(if . then length else "-" end) | join(", "))"
			+ ([$us["10000"], $us["100000"], $us["1000000"], $us["10000000"]] | map(" | " + if . then cell else "-" end) | join("")) + " |");

def bulk:
	. as $all
	| "| scenario | algorithm | goodput Mbit/s | times cubic | retransmitted | round trip idle, loaded ms |", "|---|---|---|---|---|---|",
	(in_order[] as $s | ($all | map(select(.scenario == $s))) as $g
		| ($g | map(select(.cc == "cubic")) | .[0].mbps // [] | mean) as $base
		| $g[] | "| \(.scenario) | \(.cc) | \(.mbps | with_error) | \(if $base and $base > 0 and (.mbps | mean) then (.mbps | mean) / $base | digits else "-" end)"
			+ " | \(.retransmitted | mean | percent) | \(if .rtt_idle_us then .rtt_idle_us / 1e3 | digits else "-" end), \(.rtt_loaded_us | mean | if . then . / 1e3 | digits else "-" end) |");

# An algorithm's runs, and those straight that took turns with them: rows of the same `run`, where there was more than one.
def of($cc): map(select(.cc == $cc)) | .[0];
def straight_for($row): map(select(.cc == "none" and .run == $row.run)) | .[0];
def ratio($row): ($row.us | median // 120e6) / (straight_for($row).us | median // 120e6);

# Who is better and who is worse by more than 5 %, by the medians.
def compare($bytes):
	map(select(.bytes == $bytes)) as $all
	| ([$all[].cc] | unique | map(select(. != "none"))) as $ccs
	| "\($bytes | name), ms: median (interval of it); n = \([$all[].us | length] | "\(min) to \(max)")", "",
	"| scenario | straight | \($ccs | join(" | ")) |", "|---|---|\($ccs | map("---|") | join(""))",
	($all | in_order[] as $s | ($all | map(select(.scenario == $s))) as $g
		| "| \($s) | \($g | of("none").us | cell) |" + ($ccs | map(. as $a | ($g | of($a)) as $row
			| if $row then " \($row.us | cell), \(($g | ratio($row)) - 1 | percent) |" else " - |" end) | join(""))),
	"",
	($ccs[] as $a
		| [$all | in_order[] as $s | ($all | map(select(.scenario == $s))) as $g | ($g | of($a)) as $row | select($row)
			| {s: $s, r: ($g | ratio($row)),
			   clear: (($row.us | median_interval.high // 120e6) < ($g | straight_for($row).us | median_interval.low // 120e6))}]
		| "accd with \($a): faster in \(map(select(.r < 1)) | length) of \(length) (in \(map(select(.clear)) | length) with the intervals apart), slower by more than 5 % in \(map(select(.r > 1.05)) | length)"
			+ (map(select(.r > 1.05) | .s) | if length > 0 then " (\(join(", ")))" else "" end) + "."), "";

# Flows that begin one after the other (bench/wan fair -l), or with unequal round trips (-d).
def unequal:
	def each: [.mbps | transpose[] | mean | digits] | join(", ");
	"| scenario | flows | each begins after the one before | more round trip, all but the first | Mbit/s, each | Jain's index |",
	"|---|---|---|---|---|---|",
	(.[] | "| \(.scenario) | \(.flows | if (unique | length) == 1 then "\(length) x \(.[0])" else join(", ") end)"
		+ " | \(if .late_s then "\(.late_s) s" else "-" end) | \(if .more_rtt_ms then "\(.more_rtt_ms) ms" else "-" end)"
		+ " | \(each) | \(.mbps | map(jain) | with_error) |");

def fairness:
	. as $all
	| "| scenario | flows | Mbit/s, each | Jain's index |", "|---|---|---|---|",
	($all[] | select((.flows | unique | length) == 1 and (.flows | length) > 1)
		| "| \(place) | \(.flows | length) x \(.flows[0]) | \([.mbps | transpose[] | mean | digits] | join(", ")) | \(.mbps | map(jain) | with_error) |"),
	"", "| scenario | beside the cubic flow | cubic Mbit/s (alone) | other Mbit/s | harm | harm of cubic | |", "|---|---|---|---|---|---|---|",
	($all | in_order[] as $s | ($all | map(select(.scenario == $s))) as $g
		| $g[] | select((.flows | length) == 2 and .flows[0] == "cubic" and .flows[1] != "cubic") | .run as $run
		| ($g | map(select(.flows == ["cubic"] and .run == $run)) | .[0].mbps // [] | map(.[0])) as $own_alone | ($own_alone | mean) as $alone
		| ($g | map(select(.flows == ["cubic", "cubic"] and .run == $run)) | .[0].mbps // [] | map(mean) | mean | harm($alone)) as $own
		| (.mbps | map(.[0]) | mean) as $left | ($left | harm($alone)) as $h
		| "| \(place) | \(.flows[1]) | \(.mbps | map(.[0]) | with_error) (\($own_alone | with_error)) | \(.mbps | map(.[1]) | with_error) | \($h | percent) | \($own | percent) | "
			+ (if $h == null or $own == null then "-" elif is_shared_ok($h; $own) then "ok" else "more than 10 points" end) + " |");

(rows("about")[] | "\(.mode): \(about)"), "",
(rows("calibration") | if length > 0 then calibration, "" else empty end),
(rows("fct") | if length > 0 then "Completion, ms: median (interval of it)", "", completion, "" else empty end),
(rows("bulk") | if length > 0 then bulk, "" else empty end),
(rows("accd") | if length > 0 then ([.[].bytes] | unique[]) as $b | compare($b) else empty end),
(rows("fair") | map(select(.late_s == null and .more_rtt_ms == null)) | if length > 0 then fairness else empty end),
(rows("fair") | map(select(.late_s or .more_rtt_ms)) | if length > 0 then "", unequal else empty end)
