-- isPrimaryKey: rows whose key stands more than once
SELECT coalesce(sum(CASE WHEN times > 1 THEN times ELSE 0 END), 0) AS violated,
       coalesce(sum(times), 0) AS looked_at
FROM (SELECT count(*) AS times FROM {table} GROUP BY {fields}) AS keys;
