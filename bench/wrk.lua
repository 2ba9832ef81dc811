-- Sends the raw requests of a file in turn; prints one line of JSON at the end.
-- Arguments: the file (each request preceded by a line with its length), and the first etag to follow, if any.

local requests, turn, etag = {}, 0, nil

function init(args)
   local file = assert(io.open(args[1], "rb"))
   for length in file:lines() do
      requests[#requests + 1] = file:read(tonumber(length))
   end
   file:close()
   if args[2] then
      etag = args[2]
      response = function(_, headers)
         etag = headers["ETag"] or headers["etag"] or headers["Etag"] or etag
      end
   end
end

function request()
   turn = turn % #requests + 1
   if etag then
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
