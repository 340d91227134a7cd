-- What is computed of each file before it is judged: one row a file in `files`, the columns rules may name.
--
-- Given: calls (the batch's calls), received (what is known of each file), known_number, price (millionths of a yuan a
-- minute, as last billed), history (source_hour rows of the books), breaking (calls that break a rule, with is_held) and
-- breaches (how many of each file break each rule).

-- Nonsense in a file may add up to more than 64 bits hold; where its sum stops then is of no account.
create macro whole(total) as
    if(total is null, null, least(greatest(total, -9223372036854775807), 9223372036854775807))::bigint;

create table hours as
select
    cdr_id // 4294967296 as file_number,
    usage_date,
    hour(started_at) as hour,
    count(*) as call_count,
    count(*) filter (outcome = 'answered') as answered_count,
    whole(coalesce(sum(talk_ms) filter (outcome = 'answered'), 0)) as talk_ms,
    count(*) filter (outcome = 'answered' and talk_ms < 3000) as short_count,
    count(*) filter (outcome not in ('answered', 'ivr_only')) as unanswered_count,
    count(*) filter (outcome not in ('answered', 'ivr_only') and talk_ms > 0) as talk_without_answer,
    count(*) filter (second(started_at) = 0) as whole_minute_count,
    count(*) filter (service_number not in (from known_number)) as unknown_count
from calls
group by all;

-- The day's calls of a source, this batch and what came before of the same day, against the last four same weekdays.
create table source_days as
with
now as (
    select source, usage_date, hour, sum(call_count) as call_count, sum(answered_count) as answered_count,
        sum(talk_ms) as talk_ms, bool_or(is_new) as is_new
    from (
        select source, usage_date, hour, call_count, answered_count, talk_ms, true as is_new
        from hours join received using (file_number) where usage_date is not null
        union all by name
        select source, usage_date, hour, call_count, answered_count, talk_ms, false as is_new from history
    )
    group by all
),
new_days as (
    select source, usage_date, min(hour) as first_hour, max(hour) as last_hour
    from now where is_new group by all
),
before as (
    select d.source, d.usage_date, h.hour, h.usage_date as earlier_date, sum(h.call_count) as call_count,
        sum(h.answered_count) as answered_count, sum(h.talk_ms) as talk_ms
    from new_days d
    join history h on h.source = d.source and h.usage_date in (d.usage_date - 7, d.usage_date - 14, d.usage_date - 21,
        d.usage_date - 28)
    group by all
),
known as (select source, usage_date, count(distinct earlier_date) as day_count from before group by all),
usual as (
    select source, usage_date, hour, sum(call_count) as call_sum from before group by all
),
compared as (
    select u.source, u.usage_date, count(*) as hours_unusual
    from usual u
    join known k using (source, usage_date)
    join new_days d using (source, usage_date)
    left join now n using (source, usage_date, hour)
    where u.hour between d.first_hour and d.last_hour
        -- An hour in which 20 calls are usual; fewer tell nothing.
        and u.call_sum >= 20 * k.day_count
        and (coalesce(n.call_count, 0) * 4 * k.day_count < u.call_sum
            or coalesce(n.call_count, 0) * k.day_count > u.call_sum * 4)
    group by all
),
talk as (
    select source, usage_date, sum(answered_count) as answered_count, sum(talk_ms) as talk_ms from now group by all
),
talk_before as (
    select source, usage_date, sum(answered_count) as answered_count, sum(talk_ms) as talk_ms from before group by all
)
select d.source, d.usage_date, coalesce(k.day_count, 0) as days_known, coalesce(c.hours_unusual, 0) as hours_unusual,
    -- A mean of fewer than 100 calls tells nothing.
    if(t.answered_count >= 100 and b.answered_count >= 100, whole(t.talk_ms // t.answered_count), null) as mean_talk_ms,
    if(t.answered_count >= 100 and b.answered_count >= 100, whole(b.talk_ms // b.answered_count), null) as usual_talk_ms
from new_days d
left join known k using (source, usage_date)
left join compared c using (source, usage_date)
left join talk t using (source, usage_date)
left join talk_before b using (source, usage_date);

-- The same call told by two sources of the batch: equal caller and number, talk alike to 2 s, starts within 5 minutes.
-- Looked for among the calls of the first two minutes of each hour, which are enough to see a pattern.
create table twins as
with few as (
    select cdr_id // 4294967296 as file_number, source, caller, service_number, started_at, talk_ms
    from calls
    where (select count(distinct source) from received) > 1
        and minute(started_at) < 2 and outcome = 'answered' and caller is not null
)
select a.file_number, count(*) as twin_count,
    median(date_diff('millisecond', b.started_at, a.started_at))::bigint as clock_offset_ms
from few a
join few b on a.caller = b.caller and a.service_number = b.service_number and a.source <> b.source
    and abs(date_diff('millisecond', a.started_at, b.started_at)) <= 300000 and abs(a.talk_ms - b.talk_ms) <= 2000
group by all;

create table files as
with
counted as (
    select file_number, sum(call_count)::bigint as call_count, sum(answered_count)::bigint as answered_count,
        sum(short_count)::bigint as short_count, sum(unanswered_count)::bigint as unanswered_count,
        sum(talk_without_answer)::bigint as talk_without_answer, sum(whole_minute_count)::bigint as whole_minute_count,
        sum(unknown_count)::bigint as unknown_count
    from hours group by all
),
of_days as (
    select h.file_number, min(d.days_known) as days_known, sum(d.hours_unusual)::bigint as hours_unusual,
        -- Of several days the one that is furthest from what is usual.
        arg_max(d.mean_talk_ms, greatest(1000 * d.mean_talk_ms // d.usual_talk_ms, 1000 * d.usual_talk_ms // d.mean_talk_ms))
            as mean_talk_ms,
        arg_max(d.usual_talk_ms, greatest(1000 * d.mean_talk_ms // d.usual_talk_ms, 1000 * d.usual_talk_ms // d.mean_talk_ms))
            as usual_talk_ms
    from (select distinct file_number, usage_date from hours where usage_date is not null) h
    join received r using (file_number)
    join source_days d using (source, usage_date)
    group by all
),
middle as (select quantile_disc(micro_per_minute, 0.5) as micro_per_minute from price),
held as (
    select cdr_id // 4294967296 as file_number, count(*) as held_count,
        whole(sum(coalesce(p.micro_per_minute, m.micro_per_minute)::hugeint * ceil_minutes)) as held_value_micro
    from (select *, greatest(coalesce(talk_ms, 0) + 59999, 0) // 60000 as ceil_minutes from breaking where is_held)
    left join price p using (service_number) cross join middle m
    group by all
)
select r.*, coalesce(call_count, 0) as call_count, coalesce(answered_count, 0) as answered_count,
    coalesce(short_count, 0) as short_count, coalesce(unanswered_count, 0) as unanswered_count,
    coalesce(talk_without_answer, 0) as talk_without_answer, coalesce(whole_minute_count, 0) as whole_minute_count,
    coalesce(unknown_count, 0) as unknown_count,
    coalesce(days_known, 0) as days_known, coalesce(hours_unusual, 0) as hours_unusual, mean_talk_ms, usual_talk_ms,
    coalesce(twin_count, 0) as twin_count, clock_offset_ms, coalesce(held_count, 0) as held_count, held_value_micro,
    b.* exclude (file_number)
from received r
left join counted using (file_number)
left join of_days using (file_number)
left join twins using (file_number)
left join held using (file_number)
join breaches b using (file_number);
