-- events outside every observation period of their person
SELECT count(*) - count(o.person_id) AS violated, count(*) AS looked_at
FROM {table} AS t LEFT JOIN observation_period AS o
  ON t.person_id = o.person_id
  AND t.{field} BETWEEN o.observation_period_start_date AND o.observation_period_end_date;
