-- One demand, one decision: every window and every cap is looked at, then all are charged or none is.
-- The same rules as policies/windows.py; a behaviour suite holds the two together.
--
-- KEYS  one hash per window, then one sorted set per cap
-- ARGV  weight, place, lease, give up at, resolution, number of windows, then quota and length of each window, then the
--       places of each cap, then for each cap how many places were given back since, and which. Moments and lengths are
--       microseconds.
-- Answer: 1 admitted, 0 refused, -1 too late; now; per window units used, until its oldest charge leaves, until the
--       weight fits; per cap the places taken.
--
-- A window's hash: `n` units used, `a` and `z` number of its oldest and newest entry, and under its number each entry:
-- "first:last:units".

-- clock: the server's, the same one for every replica
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
-- end of clock

local weight, place, lease = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local give_up_at, resolution, windows = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

-- whoever asked has gone on without an answer: charging now would charge for nothing
if give_up_at > 0 and now > give_up_at then
  return {-1, now}
end

local function whole(number)
  return string.format('%.0f', number)
end

local function entry(key, number)
  local first, last, units = string.match(redis.call('HGET', key, number), '(%d+):(%d+):(%d+)')
  return tonumber(first), tonumber(last), tonumber(units)
end

local held, admitted = {}, true
for w = 1, windows do
  local key, quota, length = KEYS[w], tonumber(ARGV[5 + 2 * w]), tonumber(ARGV[6 + 2 * w])
  local kept = redis.call('HMGET', key, 'n', 'a', 'z')
  local used, oldest, newest = tonumber(kept[1] or 0), tonumber(kept[2] or 1), tonumber(kept[3] or 0)
  local leaves, first_kept = 0, oldest
  while oldest <= newest do
    local _, last, units = entry(key, oldest)
    if last + length > now then
      leaves = last + length - now
      break
    end
    redis.call('HDEL', key, oldest)
    used, oldest = used - units, oldest + 1
  end
  if weight > 0 and used + weight > quota then
    admitted = false
  end
  if oldest > first_kept then
    redis.call('HSET', key, 'n', used, 'a', oldest)
  end
  held[w] = {key = key, quota = quota, length = length, used = used, oldest = oldest, newest = newest, leaves = leaves}
end

local taken, left = {}, 7 + windows + #KEYS
for c = windows + 1, #KEYS do
  local last = left + tonumber(ARGV[left])
  if last > left then
    redis.call('ZREM', KEYS[c], unpack(ARGV, left + 1, last))
  end
  left = last + 1
  redis.call('ZREMRANGEBYSCORE', KEYS[c], '-inf', now)
  taken[c] = redis.call('ZCARD', KEYS[c])
  if place ~= '' and taken[c] >= tonumber(ARGV[6 + windows + c]) then
    admitted = false
  end
end

local answer = {admitted and 1 or 0, now}
for w = 1, windows do
  local at, wait = held[w], 0
  if admitted and weight > 0 then
    local first, last, units = now, now, 0
    if at.oldest <= at.newest then
      first, last, units = entry(at.key, at.newest)
    end
    if at.oldest > at.newest or now - first >= at.length / resolution then
      at.newest, first, last, units = at.newest + 1, now, now, 0
    end
    last = math.max(last, now)
    at.used = at.used + weight
    if at.oldest == at.newest then
      at.leaves = last + at.length - now
    end
    local text = whole(first) .. ':' .. whole(last) .. ':' .. whole(units + weight)
    redis.call('HSET', at.key, 'n', at.used, 'a', at.oldest, 'z', at.newest, at.newest, text)
    redis.call('PEXPIRE', at.key, math.ceil(at.length / 1000) + 1000)
  elseif not admitted then
    local surplus, number = at.used + weight - at.quota, at.oldest
    while surplus > 0 and number <= at.newest do
      local _, last, units = entry(at.key, number)
      surplus, wait, number = surplus - units, last + at.length - now, number + 1
    end
  end
  answer[#answer + 1], answer[#answer + 2], answer[#answer + 3] = at.used, at.leaves, wait
end
for c = windows + 1, #KEYS do
  if admitted and place ~= '' then
    redis.call('ZADD', KEYS[c], now + lease, place)
    redis.call('PEXPIRE', KEYS[c], math.ceil(lease / 1000) + 1000)
    taken[c] = taken[c] + 1
  end
  answer[#answer + 1] = taken[c]
end
return answer
