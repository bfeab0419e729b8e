-- plausibleDuringLife: rows dated more than so many days after death
SELECT count(CASE WHEN t.{field} > d.death_date + {value} THEN 1 END) AS violated,
       count(*) AS looked_at
FROM {table} AS t JOIN death AS d ON t.person_id = d.person_id;
