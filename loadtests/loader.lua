-- Each request is the next visitor's, with other cookies than the one before. `wrk ... -- FOLDER FIRST DELAY`.

local head, visitors, others, counter

local function lines(name)
  local found = {}
  for line in io.lines(name) do
    found[#found + 1] = line
  end
  return found
end

function init(args)
  local folder, pause = args[1], tonumber(args[3])
  head = table.concat(lines(folder .. "/head"), "\r\n") .. "\r\nCookie: "
  visitors, others = lines(folder .. "/visitors"), lines(folder .. "/others")
  counter = tonumber(args[2])
  if pause > 0 then
    function delay()  -- milliseconds, evenly spread, so that connections do not fall into step
      return math.random(0, 2 * pause)
    end
  end
end

function request()
  counter = counter + 1
  return head .. others[counter % #others + 1] .. "; " .. visitors[counter % #visitors + 1] .. "\r\n\r\n"
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "microseconds": %d, "refused": %d, "unanswered": %d, "p50_us": %d, "p99_us": %d, "bytes": %d}\n',
    summary.requests, summary.duration,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99), summary.bytes
  ))
end
