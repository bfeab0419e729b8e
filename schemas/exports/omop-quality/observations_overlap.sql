-- observation periods of one person that overlap
SELECT count(CASE WHEN earlier >= observation_period_start_date THEN 1 END) AS violated,
       count(*) AS looked_at
FROM (SELECT observation_period_start_date,
             max(observation_period_end_date) OVER (
               PARTITION BY person_id ORDER BY observation_period_start_date, observation_period_id
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS earlier
      FROM observation_period) AS periods;
