-- cdmField: columns of the standard that the table lacks, and how many it should have
SELECT {count} - count(DISTINCT lower(column_name)) AS violated, {count} AS looked_at
FROM information_schema.columns
WHERE lower(table_name) = '{table}' AND lower(column_name) IN ({names});
