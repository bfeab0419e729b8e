-- rows whose visit belongs to another person
SELECT count(CASE WHEN t.person_id <> v.person_id THEN 1 END) AS violated, count(*) AS looked_at
FROM {table} AS t JOIN visit_occurrence AS v ON t.visit_occurrence_id = v.visit_occurrence_id;
