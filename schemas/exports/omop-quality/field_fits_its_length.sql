-- cdmDatatype: texts longer than the standard's VARCHAR
SELECT count(CASE WHEN length({field}) > {length} THEN 1 END) AS violated, count(*) AS looked_at
FROM {table};
