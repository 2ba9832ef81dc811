-- Sends the raw requests of a file in turn; prints one line of JSON at the end.
-- Argument: a folder with a file for each thread, named 0, 1 and so on. Its first line is the etag to follow, or
-- empty; then comes each request, preceded by a line with its length. A thread that follows an etag has one connection.

local threads = 0
local requests, turn, etag = {}, 0, ""

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(args)
   local file = assert(io.open(args[1] .. "/" .. number, "rb"))
   etag = file:read("*l")
   for length in file:lines() do
      requests[#requests + 1] = file:read(tonumber(length))
   end
   file:close()
   if etag ~= "" then
      response = function(_, headers)
         if requests[turn]:find("{etag}", 1, true) then
            etag = headers["ETag"] or headers["etag"] or headers["Etag"] or etag
         end
      end
   end
end

function request()
   turn = turn % #requests + 1
   if etag ~= "" then
      return (requests[turn]:gsub("{etag}", function() return etag end))
   end
   return requests[turn]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "refused": %d, "broken": %d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
