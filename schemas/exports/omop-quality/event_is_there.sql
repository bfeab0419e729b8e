-- isForeignKey, for the two columns that lead to a row of any table (5.4)
SELECT count(*) - count(o.{other_field}) AS violated, count(*) AS looked_at
FROM {table} AS t LEFT JOIN {other_table} AS o
  ON t.{field} = o.{other_field}
WHERE t.{kind} = {value};
