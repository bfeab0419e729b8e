-- observation periods that go on after the day of death
SELECT count(CASE WHEN o.observation_period_end_date > d.death_date THEN 1 END) AS violated,
       count(*) AS looked_at
FROM observation_period AS o JOIN death AS d ON o.person_id = d.person_id;
