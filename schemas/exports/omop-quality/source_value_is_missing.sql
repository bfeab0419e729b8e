-- measureValueCompleteness: rows without the code of the source
SELECT count(*) - count({field}) AS violated, count(*) AS looked_at
FROM {table};
