-- Requests for wrk: what, and for registrations a subject and a schema of each one's own.
local what, schema = os.getenv("WHAT"), os.getenv("SCHEMA")
local id = os.getenv("ID")
local thread, n = 0, 0
local path

function setup(one)
	thread = thread + 1
	one:set("number", thread)
end

local headers = { ["Content-Type"] = "application/vnd.schemaregistry.v1+json" }

function request()
	path = path or string.gsub(wrk.path, "/$", "")
	if what == "by id" then
		return wrk.format("GET", path .. "/schemas/ids/" .. id, headers)
	elseif what == "by subject" then
		return wrk.format("GET", path .. "/subjects/bench-value/versions/latest", headers)
	elseif what == "register again" then
		return wrk.format("POST", path .. "/subjects/bench-value/versions", headers, schema)
	end
	n = n + 1
	local own = string.gsub(schema, "OWN", "n" .. number .. "_" .. n .. "_" .. os.getenv("ROUND"))
	local subject = "s" .. number .. "-" .. n .. "-" .. os.getenv("ROUND")
	return wrk.format("POST", path .. "/subjects/" .. subject .. "/versions", headers, own)
end

local bad = 0
function response(status)
	if status ~= 200 then
		bad = bad + 1
		if bad == 1 then
			io.stderr:write("status " .. status .. "\n")
		end
	end
end
