-- SPDX-License-Identifier: GPL-2.0-only
-- wrk-report.lua - what wrk asks for in a scenario, and its figures as one line of JSON in exact units
--
-- The argument is a path of the server (small, medium, big), or
--   connect  small, with a connection for each request
--   upload   1 MiB to the server
--   mix      of 20 requests, by turns: 14 small, 4 medium, 1 upload, 1 big
local asks = {}

function init(args)
	local kind = args[1]
	local function get(path, headers)
		return wrk.format("GET", path, headers)
	end
	local function post()
		return wrk.format("POST", "/upload", nil, string.rep("x", 1048576))
	end
	if kind == "connect" then
		asks[1] = get("/small", { Connection = "close" })
	elseif kind == "upload" then
		asks[1] = post()
	elseif kind == "mix" then
		local small, medium = get("/small"), get("/medium")
		for i = 1, 18 do
			asks[i] = i % 5 == 0 and medium or small
		end
		asks[4] = medium
		asks[19], asks[20] = post(), get("/big")
	else
		asks[1] = get("/" .. (kind or "small"))
	end
end

local turn = 0
function request()
	turn = turn % #asks + 1
	return asks[turn]
end

function done(summary, latency, requests)
	local e = summary.errors
	io.write(string.format(
		'{"requests":%d,"duration_us":%d,"bytes":%d,"p50_us":%d,"p90_us":%d,"p99_us":%d,"max_us":%d,"errors":%d,' ..
		'"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}\n',
		summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(90),
		latency:percentile(99), latency.max,
		e.connect + e.read + e.write + e.timeout + e.status, e.connect, e.read, e.write, e.timeout, e.status))
end
