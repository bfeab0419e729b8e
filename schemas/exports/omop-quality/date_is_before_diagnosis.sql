-- events of an oncology record long before the person's first tumour
SELECT count(CASE WHEN t.{field} < c.first_date - {value} THEN 1 END) AS violated,
       count(*) AS looked_at
FROM {table} AS t
JOIN (SELECT person_id, min(condition_start_date) AS first_date
      FROM condition_occurrence GROUP BY person_id) AS c ON t.person_id = c.person_id;
