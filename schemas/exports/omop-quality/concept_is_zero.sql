-- standardConceptRecordCompleteness: rows whose standard concept is 0
SELECT count(CASE WHEN {field} = 0 THEN 1 END) AS violated, count(*) AS looked_at
FROM {table};
