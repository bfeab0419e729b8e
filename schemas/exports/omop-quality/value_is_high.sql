-- plausibleValueHigh: numbers above what can be
SELECT count(CASE WHEN {field} > {value} THEN 1 END) AS violated, count({field}) AS looked_at
FROM {table};
