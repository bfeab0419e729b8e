-- isRequired: rows without a value where the standard wants one
SELECT count(*) - count({field}) AS violated, count(*) AS looked_at
FROM {table};
