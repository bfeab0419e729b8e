-- measurePersonCompleteness: persons without a row in the table
SELECT count(*) - count(t.person_id) AS violated, count(*) AS looked_at
FROM person AS p LEFT JOIN (SELECT DISTINCT person_id FROM {table}) AS t
  ON p.person_id = t.person_id;
