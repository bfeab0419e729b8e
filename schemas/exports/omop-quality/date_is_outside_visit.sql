-- withinVisitDates: events more than a week off their visit
SELECT count(CASE WHEN t.{field} < v.visit_start_date - 7 OR t.{field} > v.visit_end_date + 7
                  THEN 1 END) AS violated,
       count(*) AS looked_at
FROM {table} AS t JOIN visit_occurrence AS v ON t.visit_occurrence_id = v.visit_occurrence_id;
