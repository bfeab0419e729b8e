-- plausibleStartBeforeEnd: rows that end before they begin
SELECT count(CASE WHEN {other_field} < {field} THEN 1 END) AS violated,
       count({other_field}) AS looked_at
FROM {table};
