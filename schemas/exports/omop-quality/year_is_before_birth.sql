-- plausibleTemporalAfter: events in a year before that of birth
SELECT count(CASE WHEN extract(year FROM t.{field}) < p.year_of_birth THEN 1 END) AS violated,
       count(*) AS looked_at
FROM {table} AS t JOIN person AS p ON t.person_id = p.person_id;
