-- fkDomain: values that are no concept of the domain; the ids are in omop-concepts.csv
SELECT count(CASE WHEN {field} NOT IN ({values}) THEN 1 END) AS violated, count(*) AS looked_at
FROM {table};
