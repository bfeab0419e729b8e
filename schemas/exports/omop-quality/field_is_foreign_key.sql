-- isForeignKey: values that are no key of the other table
SELECT count(*) - count(o.{other_field}) AS violated, count(*) AS looked_at
FROM {table} AS t LEFT JOIN (SELECT DISTINCT {other_field} FROM {other_table}) AS o
  ON t.{field} = o.{other_field}
WHERE t.{field} IS NOT NULL;
